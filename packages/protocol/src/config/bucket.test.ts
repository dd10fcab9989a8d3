import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hash32 } from '../hash32.ts';
import { bucketOf, isWithinPercent, scaledHash, totalWeightMax } from './bucket.ts';

interface Vectors {
  readonly buckets: readonly { readonly text: string; readonly hash: number; readonly total: number; readonly bucket: number }[];
  readonly percents: readonly { readonly salt: string; readonly unit: string; readonly percent: number; readonly within: boolean }[];
}

const vectors = JSON.parse(readFileSync(new URL('bucket-vectors.case.json', import.meta.url), 'utf8')) as Vectors;

it('gives the golden buckets, as each implementation must', () => {
  expect(vectors.buckets.length).toBeGreaterThan(50);
  for (const { text, hash, total, bucket } of vectors.buckets) {
    expect([text, hash32(text) >>> 0, total, bucketOf(text, total)]).toEqual([text, hash, total, bucket]);
  }
  for (const { salt, unit, percent, within } of vectors.percents) {
    expect([salt, unit, percent, isWithinPercent(salt, unit, percent)]).toEqual([salt, unit, percent, within]);
  }
});

it('scales a hash exactly, for every total that is allowed', () => {
  const exact = (hash: number, total: number) => Number((BigInt(hash) * BigInt(total)) >> 32n);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: totalWeightMax }), (hash, total) => {
      expect(scaledHash(hash, total)).toBe(exact(hash, total));
    }),
    { numRuns: 2_000, examples: [[0xffff_ffff, totalWeightMax], [0x7fff_ffff, totalWeightMax], [0x8000_0000, totalWeightMax], [0, 1]] },
  );
});

it('spreads texts over buckets by weight', () => {
  const counts = Array.from({ length: 100 }, () => 0);
  for (let n = 0; n < 100_000; n++) counts[bucketOf(`user-${n}`, 100)]! += 1;
  // Chi-square with 99 degrees of freedom: above 165 with a chance of about 1 in 30,000.
  expect(counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)).toBeLessThan(165);
});

it('keeps a unit in a percentage that grows, takes all at 100 and none at 0', () => {
  const percent = fc.integer({ min: 0, max: 100_000 }).map((steps) => steps / 1_000);
  fc.assert(
    fc.property(fc.string(), fc.string(), percent, percent, (salt, unit, one, other) => {
      expect(isWithinPercent(salt, unit, 0)).toBe(false);
      expect(isWithinPercent(salt, unit, 100)).toBe(true);
      if (isWithinPercent(salt, unit, Math.min(one, other))) expect(isWithinPercent(salt, unit, Math.max(one, other))).toBe(true);
    }),
  );
});
