import { expect, it } from 'vitest';
import { Gradient2 } from './gradient2.ts';

/** Sends requests one after another, each with as many in flight as the limit allows. */
function run(limiter: Gradient2, requests: number, latencyMs: number): void {
  for (let n = 0; n < requests; n++) limiter.observe(latencyMs, limiter.limit);
}

it('grows while latency stays the same, up to the largest limit', () => {
  const limiter = new Gradient2();
  expect(limiter.limit).toBe(20);
  run(limiter, 50, 10);
  expect(limiter.limit).toBeGreaterThan(50);
  run(limiter, 1_000, 10);
  expect(limiter.limit).toBe(200);
});

it('falls when latency rises far above its average, never below the least limit', () => {
  const limiter = new Gradient2();
  run(limiter, 300, 10);
  const before = limiter.limit;
  run(limiter, 20, 100);
  expect(limiter.limit).toBeLessThan(before / 2);
  expect(limiter.limit).toBeGreaterThanOrEqual(20);
  expect([limiter.allows(limiter.limit - 1), limiter.allows(limiter.limit)]).toEqual([true, false]);
});

it('ignores latencies while the limit is not used', () => {
  const limiter = new Gradient2();
  for (let n = 0; n < 500; n++) limiter.observe(10, 3);
  expect(limiter.limit).toBe(20);
});

it('rises again after an overload', () => {
  const limiter = new Gradient2();
  run(limiter, 300, 10);
  run(limiter, 30, 200);
  const low = limiter.limit;
  run(limiter, 100, 10);
  expect(limiter.limit).toBeGreaterThan(low * 2);
});
