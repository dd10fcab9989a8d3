import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PrequalThreshold } from './prequal-threshold.ts';

it.each([0, 0.3, 0.6, 0.84])('is the quantile %d of the last 128 reports, for any values', (quantile) => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 400 }), (reports) => {
      const threshold = new PrequalThreshold(quantile);
      for (const inFlight of reports) threshold.hear(inFlight);
      const sorted = reports.slice(-128).toSorted((a, b) => a - b);
      expect(threshold.value).toBe(sorted[Math.floor(quantile * sorted.length)]);
    }),
  );
});

it('treats no endpoint as hot before the first report, or with a quantile of 1', () => {
  expect(new PrequalThreshold(0.5).value).toBeGreaterThan(1e9);
  const never = new PrequalThreshold(1);
  never.hear(3);
  expect(never.value).toBeGreaterThan(1e9);
});
