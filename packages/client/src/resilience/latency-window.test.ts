import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LatencyWindow } from './latency-window.ts';

it('returns percentiles that are at most one bucket above the exact ones, never below', () => {
  const latency = fc.double({ min: 0.1, max: 60_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (samples, share) => {
      const window = new LatencyWindow(10_000);
      for (const sample of samples) window.add(sample, 0);
      const exact = samples.toSorted((a, b) => a - b)[Math.ceil(share * samples.length) - 1] as number;
      const found = window.percentile(share, 0);
      expect(found).toBeGreaterThanOrEqual(exact * 0.999_999);
      expect(found).toBeLessThanOrEqual(exact * 2 ** (1 / 8) * 1.000_001);
    }),
  );
});

it('drops samples that are older than the window, and none that are younger than half of it', () => {
  const window = new LatencyWindow(10_000);
  window.add(100, 0);
  expect(window.count(4_999)).toBe(1);
  expect(window.count(5_000)).toBe(1);
  window.add(1, 5_000);
  expect(window.percentile(1, 9_999)).toBeGreaterThan(99);
  expect(window.percentile(1, 10_000)).toBeLessThan(2);
  expect(window.count(60_000)).toBe(0);
  expect(window.percentile(0.5, 60_000)).toBe(0);
});
