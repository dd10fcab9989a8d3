import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hash32, mix32 } from './hash32.ts';

// Widely published: Wikipedia "MurmurHash", the test vectors of Ian Boyd on Stack Overflow, and others.
it.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['test', 0, 0xba6bd213],
  ['test', 0x9747b28c, 0x704b81dc],
  ['Hello, world!', 0, 0xc0363e43],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['aaa', 0x9747b28c, 0x283e0130],
  ['aa', 0x9747b28c, 0x5d211726],
  ['a', 0x9747b28c, 0x7fa09ea6],
  ['ππππππππ', 0x9747b28c, 0xd58063c1],
])('gives the published hash of %j with seed %i', (key, seed, expected) => {
  expect(hash32(key, seed) >>> 0).toBe(expected);
});

it('hashes the UTF-8 bytes of any string, and lone surrogates as U+FFFD', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer(), (key, seed) => {
      expect(hash32(key, seed)).toBe(overBytes(new TextEncoder().encode(key), seed));
    }),
    { examples: [['\ud800', 0], ['\udc00a', 0], ['abc\ud83d', 1], ['abcd😀\ud83d\ud83d\ude00é', 2]] },
  );
});

it('gives signed integers of 32 bits, spread evenly', () => {
  const cells = Array.from({ length: 256 }, () => 0);
  for (let n = 0; n < 256_000; n++) cells[hash32(`user-${n}`) >>> 24]! += 1;
  // Chi-square with 255 degrees of freedom: above 360 with a chance of about 1 in 50,000.
  expect(cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(360);
  for (let n = 0; n < 1000; n++) expect(hash32(`${n}`)).toBe(hash32(`${n}`) | 0);
});

it('mixes one-to-one: the inverse steps give the value back', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      let mixed = mix32(value);
      mixed ^= mixed >>> 16;
      mixed = Math.imul(mixed, inverse(0xc2b2ae35));
      mixed ^= (mixed >>> 13) ^ (mixed >>> 26);
      mixed = Math.imul(mixed, inverse(0x85ebca6b));
      mixed ^= mixed >>> 16;
      expect(mixed | 0).toBe(value | 0);
    }),
  );
});

/** The plain form over bytes, as in the reference. */
function overBytes(bytes: Uint8Array, seed: number): number {
  const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  const scramble = (block: number) => Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let hash = seed | 0;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash = (Math.imul(rotate(hash ^ scramble(view.getInt32(at, true)), 13), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  return mix32(hash ^ scramble(tail) ^ bytes.length);
}

/** Modulo 2³², by Newton's iteration. */
function inverse(odd: number): number {
  let result = odd;
  for (let n = 0; n < 5; n++) result = Math.imul(result, 2 - Math.imul(odd, result));
  return result;
}
