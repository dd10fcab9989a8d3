import { expect, it } from 'vitest';
import { someEndpoints } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { Outliers } from './outliers.ts';

const six = () => someEndpoints(6) as [Endpoint, Endpoint, Endpoint, Endpoint, Endpoint, Endpoint];

function requests(outliers: Outliers, endpoint: Endpoint, succeeded: number, failed: number): void {
  // No two failures in a row, so that only the rate counts.
  for (let n = 0; n < Math.max(succeeded, failed); n++) {
    if (n < failed) outliers.observe(endpoint, false);
    if (n < succeeded) outliers.observe(endpoint, true);
  }
}

it('reports the fifth failure in a row, and only that one', () => {
  const [endpoint] = six();
  const outliers = new Outliers();
  const told = Array.from({ length: 7 }, () => outliers.observe(endpoint, false));
  expect(told).toEqual([false, false, false, false, true, false, false]);
});

it('starts to count from 0 after a success', () => {
  const [endpoint] = six();
  const outliers = new Outliers({ consecutiveFailures: 2 });
  expect([false, true, false, true, false, false].map((ok) => outliers.observe(endpoint, ok))).toEqual([false, false, false, false, false, true]);
});

it('reports at the end of an interval an endpoint whose success rate is far below that of the others', () => {
  const endpoints = six();
  const outliers = new Outliers({ consecutiveFailures: Infinity });
  expect(outliers.sweep(0)).toEqual([]);
  for (const endpoint of endpoints) requests(outliers, endpoint, endpoint === endpoints[3] ? 60 : 99, endpoint === endpoints[3] ? 60 : 1);
  expect(outliers.sweep(9_999)).toEqual([]);
  expect(outliers.sweep(10_000)).toEqual([endpoints[3]]);
  // The counts belong to the interval that ended.
  expect(outliers.sweep(20_000)).toEqual([]);
});

it('compares no rates from too few requests or too few endpoints', () => {
  const endpoints = six();
  for (const [count, each] of [[6, 99], [4, 200]] as const) {
    const outliers = new Outliers({ consecutiveFailures: Infinity });
    outliers.sweep(0);
    endpoints.slice(0, count).forEach((endpoint, index) => requests(outliers, endpoint, index === 0 ? 0 : each, index === 0 ? each : 0));
    expect(outliers.sweep(10_000)).toEqual([]);
  }
});

it('finds no outlier when all endpoints fail equally often', () => {
  const endpoints = six();
  const outliers = new Outliers({ consecutiveFailures: Infinity });
  outliers.sweep(0);
  for (const endpoint of endpoints) requests(outliers, endpoint, 50, 100);
  expect(outliers.sweep(10_000)).toEqual([]);
});
