/** The plain histogram against prom-client's own. */

import fc from 'fast-check';
import { Histogram, Registry, type Metric } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { PlainHistogram } from './plain-histogram.ts';

const options = { name: 'time_seconds', help: 'Time', buckets: [0.001, 0.01, 0.1, 1] };

async function scrape(values: readonly number[], make: (registry: Registry) => { observe(value: number): void }) {
  const registry = new Registry();
  const histogram = make(registry);
  for (const value of values) histogram.observe(value);
  return registry.metrics();
}

const plain = (registry: Registry) => {
  const histogram = new PlainHistogram(options);
  registry.registerMetric(histogram as unknown as Metric);
  return histogram;
};
const original = (registry: Registry) => new Histogram({ ...options, registers: [registry] });

describe('the plain histogram', () => {
  it('shows the same as prom-client’s', async () => {
    // Bounds themselves belong to their bucket.
    const value = fc.oneof(fc.constantFrom(0, ...options.buckets), fc.double({ min: 0, max: 2, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(fc.array(value), async (values) => {
        expect(await scrape(values, plain)).toBe(await scrape(values, original));
      }),
    );
  });
});
