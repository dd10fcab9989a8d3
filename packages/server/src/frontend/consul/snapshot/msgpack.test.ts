/** The bytes are those of the first edition of MessagePack, and both editions are read. */

import { expect, test } from 'vitest';
import { Incomplete, pack, type Packed, Unpacker, Unreadable } from './msgpack.ts';

import fc from 'fast-check';

const unpack = (bytes: Buffer) => new Unpacker(bytes, 0).value();
const hex = (value: Packed) => pack(value).toString('hex');

test.each([
  [null, 'c0'],
  [true, 'c3'],
  [false, 'c2'],
  [0, '00'],
  [127, '7f'],
  [128, 'ce00000080'],
  [4_294_967_296, 'cf0000000100000000'],
  [18_446_744_073_709_551_615n, 'cfffffffffffffffff'],
  [-1, 'd3ffffffffffffffff'],
  ['', 'a0'],
  ['abc', 'a3616263'],
  [[1, [2]], '92019102'],
  [{ a: 1, b: null }, '82a16101a162c0'],
] as [Packed, string][])('%o is %s', (value, bytes) => expect(hex(value)).toBe(bytes));

test('texts over 31 bytes have a length of 16 or 32 bits, never of 8: readers of the first edition know no other', () => {
  expect(pack('x'.repeat(31))[0]).toBe(0xbf);
  expect(pack('x'.repeat(32)).subarray(0, 3).toString('hex')).toBe('da0020');
  expect(pack(Buffer.alloc(255)).subarray(0, 3).toString('hex')).toBe('da00ff');
  expect(pack(Buffer.alloc(65_536)).subarray(0, 5).toString('hex')).toBe('db00010000');
  expect(pack(Array.from({ length: 16 }, () => 0)).subarray(0, 3).toString('hex')).toBe('dc0010');
  expect(pack(Object.fromEntries(Array.from({ length: 16 }, (_, n) => [n, 0]))).subarray(0, 3).toString('hex')).toBe('de0010');
});

const value = fc.letrec<{ value: Packed }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: 0, max: 127 }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 20 }),
  ),
})).value;

/** Small integers come back as numbers. */
const plain = (from: Packed): unknown => {
  if (typeof from === 'bigint' && from >= 0n && from <= 127n) return Number(from);
  if (from instanceof Uint8Array) return Buffer.from(from);
  if (Array.isArray(from)) return from.map(plain);
  if (typeof from !== 'object' || from === null) return from;
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(from).map(([key, each]) => [key, plain(each)])));
};

test('every packed value is read back, and each part of it is incomplete', () => {
  fc.assert(
    fc.property(value, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (from, share) => {
      const bytes = pack(from);
      expect(unpack(bytes)).toEqual(plain(from));
      expect(() => unpack(bytes.subarray(0, Math.floor(bytes.length * share)))).toThrow(Incomplete);
    }),
  );
});

test('formats of later editions are read, too', () => {
  expect(unpack(Buffer.from('d903616263', 'hex'))).toEqual(Buffer.from('abc'));
  expect(unpack(Buffer.from('c403616263', 'hex'))).toEqual(Buffer.from('abc'));
  expect(unpack(Buffer.from('ccff', 'hex'))).toBe(255);
  expect(unpack(Buffer.from('cdffff', 'hex'))).toBe(65_535);
  expect(unpack(Buffer.from('ceffffffff', 'hex'))).toBe(4_294_967_295);
  expect(unpack(Buffer.from('d1ff00', 'hex'))).toBe(-256);
  expect(unpack(Buffer.from('cb3ff8000000000000', 'hex'))).toBe(1.5);
});

test('invalid or deeply nested input is refused', () => {
  expect(() => unpack(Buffer.from('c1', 'hex'))).toThrow(Unreadable);
  expect(() => unpack(Buffer.alloc(1_000, 0x91))).toThrow('nested too deep');
});
