import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { PickCounts } from './pick-counts.ts';

it('counts requests and failures since the last time that it was asked', () => {
  const counts = new PickCounts();
  expect(counts.take()).toBeUndefined();
  for (const result of ['ok', 'ok', 'failed', 'broken'] as const) counts.observe(result, 10);
  expect(counts.take()).toMatchObject({ picks: 4, failures: 2, meanMs: 10 });
  expect(counts.take()).toBeUndefined();
  counts.observe('ok', 2);
  expect(counts.take()).toMatchObject({ picks: 1, failures: 0, meanMs: 2 });
});

test('a cancelled request is no failure, and one that could not be sent has no latency', () => {
  const counts = new PickCounts();
  counts.observe('cancelled', 1_000);
  counts.observe('unreachable', 1_000);
  expect(counts.take()).toEqual({ picks: 2, failures: 1 });
});

test('of 100 requests, 99 are as fast as the quantile says', () => {
  const counts = new PickCounts();
  for (let n = 0; n < 98; n++) counts.observe('ok', 5);
  for (let n = 0; n < 2; n++) counts.observe('ok', 900);
  const { p99Ms = 0 } = counts.take() ?? {};
  expect(p99Ms).toBeGreaterThanOrEqual(900);
  expect(p99Ms).toBeLessThanOrEqual(900 * 1.25);
});

it('is at most a quarter above the true quantile, for any latencies', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 5_000_000, noNaN: true }), { minLength: 1, maxLength: 300 }), (latencies) => {
      const counts = new PickCounts();
      for (const latencyMs of latencies) counts.observe('ok', latencyMs);
      const exact = latencies.toSorted((a, b) => a - b)[Math.ceil(latencies.length * 0.99) - 1] as number;
      const { p99Ms = 0 } = counts.take() ?? {};
      expect(p99Ms).toBeGreaterThanOrEqual(exact);
      expect(p99Ms).toBeLessThanOrEqual(exact * 1.25 + 1 / 16);
    }),
  );
});
