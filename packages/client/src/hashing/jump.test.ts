import fc from 'fast-check';
import { expect, it } from 'vitest';
import { someHashes } from './hash-table.case.ts';
import { jumpHash, JumpTable } from './jump.ts';

/** The paper's code, in integers of 64 bits. */
function paper(key: bigint, buckets: number): number {
  let b = -1n;
  let j = 0n;
  while (j < BigInt(buckets)) {
    b = j;
    key = BigInt.asUintN(64, key * 2862933555777941757n + 1n);
    j = BigInt(Math.floor(Number(b + 1n) * (2 ** 31 / Number((key >> 33n) + 1n))));
  }
  return Number(b);
}

const anyKey = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

it('returns the same bucket as the paper’s code, for any key and number of buckets', () => {
  fc.assert(
    fc.property(anyKey, fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })), (key, buckets) => {
      const low = Number(key & 0xffffffffn);
      const high = Number(key >> 32n);
      expect(jumpHash(low, buckets, high)).toBe(paper(key, buckets));
      expect(jumpHash(low | 0, buckets, high | 0)).toBe(paper(key, buckets));
    }),
    {
      numRuns: 3000,
      // The last two: the product of the lower words is all ones, so adding 1 carries.
      examples: [
        [0n, 1000],
        [2n ** 64n - 1n, 1000],
        [1n << 63n, 2 ** 31 - 1],
        [0x666313abn, 2 ** 31 - 1],
        [0x1_666313abn, 2 ** 31 - 1],
      ],
    },
  );
});

// The tests of dgryski/go-jump, generated from the reference C++ code, and of lithammer/go-jump-consistent-hash.
it.each([
  [0n, 20, 0],
  [1n, 6, 0],
  [1n, 7, 6],
  [1n, 17, 6],
  [1n, 18, 17],
  [0xdeadbeefn, 5, 3],
  [0xdeadbeefn, 16, 5],
  [0xdeadbeefn, 17, 16],
  [0x0ddc0ffeebadf00dn, 15, 2],
  [0x0ddc0ffeebadf00dn, 16, 15],
  [42n, 57, 43],
  [0xdead10ccn, 666, 361],
  [256n, 1024, 520],
])('places key %s, of %i buckets, in %i, as published', (key, buckets, bucket) => {
  expect(jumpHash(Number(key & 0xffffffffn), buckets, Number(key >> 32n))).toBe(bucket);
});

it('moves keys only to the new bucket, about one key in n + 1', () => {
  const hashes = someHashes(50_000);
  for (const buckets of [1, 2, 9, 99]) {
    const moved = hashes.filter((hash) => jumpHash(hash, buckets + 1) !== jumpHash(hash, buckets));
    for (const hash of moved) expect(jumpHash(hash, buckets + 1)).toBe(buckets);
    expect(Math.abs((moved.length / hashes.length) * (buckets + 1) - 1)).toBeLessThan(0.15);
  }
});

it('gives all buckets equal shares, as far as chance allows', () => {
  for (const buckets of [10, 100, 1000]) {
    const counts = new Float64Array(buckets);
    const keys = 300 * buckets;
    for (const hash of someHashes(keys)) counts[jumpHash(hash, buckets)]! += 1;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 300) ** 2 / 300, 0);
    // Mean `buckets` − 1, deviation √(2 · buckets).
    expect(Math.abs(chiSquare - (buckets - 1)) / Math.sqrt(2 * buckets)).toBeLessThan(4.5);
  }
});

it('adds and removes the last bucket', () => {
  const table = new JumpTable(2);
  expect(table.add()).toBe(2);
  for (const hash of someHashes(100)) expect(table.lookup(hash)).toBe(jumpHash(hash, 3));
  expect([table.remove(), table.remove(), table.remove(), table.size]).toEqual([2, 1, 0, 0]);
  expect(table.lookup(1)).toBe(-1);
  expect(table.lookupAmong(1, { accepts: () => true })).toBe(-1);
  expect(() => table.remove()).toThrow('no bucket to remove');
  for (const buckets of [-1, 1.5, NaN, 2 ** 31]) expect(() => new JumpTable(buckets)).toThrow(`buckets is ${buckets}`);
});

it('looks up among the buckets that are accepted, the first choice first', () => {
  const table = new JumpTable(10);
  const counts = new Float64Array(10);
  for (const hash of someHashes(9000)) {
    const first = table.lookup(hash);
    expect(table.lookupAmong(hash, { accepts: () => true })).toBe(first);
    const second = table.lookupAmong(hash, { accepts: (bucket) => bucket !== first });
    expect(second).not.toBe(first);
    counts[second]! += 1;
    expect(table.lookupAmong(hash, { accepts: (bucket) => bucket === 7 })).toBe(7);
    expect(table.lookupAmong(hash, { accepts: () => false })).toBe(-1);
  }
  for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(150);
});
