import { expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerRules } from './balancer.case.ts';
import { pickFirst } from './pick-first.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

balancerRules('pick first', pickFirst());
balancerRules('pick first, shuffled', pickFirst({ shuffle: true }));

function setUp() {
  const balancer = pickFirst()(new SeededRandom(1));
  const endpoints = someEndpoints(3) as [Endpoint, Endpoint, Endpoint];
  balancer.update(endpoints);
  const pick = (...exclude: Endpoint[]) => balancer.pick({ now: 0, exclude });
  const report = (endpoint: Endpoint, result: 'ok' | 'failed' | 'unreachable') =>
    balancer.observe(endpoint, { now: 0, latencyMs: 1, result });
  return { balancer, endpoints, pick, report };
}

it('stays with the first endpoint while it is there, even when its position changes', () => {
  const { balancer, endpoints: [a, b, c], pick } = setUp();
  for (let n = 0; n < 5; n++) expect(pick()).toBe(a);
  balancer.update([b, c, a]);
  expect(pick()).toBe(a);
});

it('takes the head of the list when its endpoint leaves, and stays with the new one when the old one returns', () => {
  const { balancer, endpoints: [a, b, c], pick } = setUp();
  balancer.update([b, c]);
  expect(pick()).toBe(b);
  balancer.update([a, b, c]);
  expect(pick()).toBe(b);
});

it('moves to the next endpoint when its endpoint cannot be reached, and only once for requests that fail together', () => {
  const { balancer, endpoints: [a, b, c], pick, report } = setUp();
  report(a, 'unreachable');
  report(a, 'unreachable');
  expect(pick()).toBe(b);
  report(b, 'unreachable');
  report(c, 'unreachable');
  expect(pick()).toBe(a);
  report(a, 'failed');
  expect(pick()).toBe(a);
  balancer.update([b, c]);
  expect(pick()).toBe(b);
});

it('sends a retry to the next endpoint, and all other requests to the same endpoint as before', () => {
  const { endpoints: [a, b, c], pick } = setUp();
  expect(pick(a)).toBe(b);
  expect(pick(a, b)).toBe(c);
  expect(pick(a, b, c)).toBeUndefined();
  expect(pick()).toBe(a);
});

it('starts at a random endpoint when shuffled', () => {
  const starts = Array.from({ length: 4000 }, (_, seed) => {
    const balancer = pickFirst({ shuffle: true })(new SeededRandom(seed));
    const endpoints = someEndpoints(4);
    balancer.update(endpoints);
    return endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!);
  });
  for (const index of [0, 1, 2, 3]) {
    expect(Math.abs(starts.filter((start) => start === index).length - 1000)).toBeLessThan(120);
  }
});
