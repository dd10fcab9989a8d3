import { expect, it } from 'vitest';
import { balancerCases, weightCases } from './balancer.case.ts';
import { leastRequest } from './least-request.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';
import { uniformRandom } from './uniform-random.ts';

balancerCases('least request', leastRequest(), 0.1);
weightCases('least request', leastRequest(), 0.02);

it.each([1, 2, 3])('keeps 1,024 endpoints within 3 requests of the mean where a random choice is 12 or more above it (seed %i)', (seed) => {
  // M. Mitzenmacher 2001: with two choices the gap is about log log n, whatever the load.
  const gap = (factory: typeof leastRequest) => {
    const endpoints = someEndpoints(1024);
    const balancer = factory()(new SeededRandom(seed));
    balancer.update(endpoints);
    for (let n = 0; n < 1024 * 32; n++) balancer.pick({ now: 0, exclude: [] })!.inFlight += 1;
    return Math.max(...endpoints.map(({ inFlight }) => inFlight)) - 32;
  };
  expect(gap(leastRequest)).toBeLessThanOrEqual(3);
  expect(gap(uniformRandom)).toBeGreaterThanOrEqual(12);
});

it('always compares two different endpoints: of two, it always picks the idle one', () => {
  const balancer = leastRequest()(new SeededRandom(5));
  const endpoints = someEndpoints(2);
  endpoints[0]!.inFlight = 1;
  balancer.update(endpoints);
  for (let n = 0; n < 200; n++) expect(balancer.pick({ now: 0, exclude: [] })).toBe(endpoints[1]);
});

it.each([
  ['one request at a time', 20, 1],
  ['200 requests at a time', 2000, 100],
])('shares by weight, with %s', (_load, perSecond, latencyMs) => {
  const weights = [1, 2, 5];
  const requests = simulate({
    balancer: leastRequest(),
    endpoints: someEndpoints(3, (index) => ({ weight: weights[index]! })),
    serve: (_backend, _now, random) => ({ latencyMs: normal(latencyMs, latencyMs / 10, random), result: 'ok' }),
    perSecond,
    seconds: 40_000 / perSecond,
    seed: 9,
  });
  const shares = weights.map((_, backend) => requests.filter((request) => request.backend === backend).length / requests.length);
  shares.forEach((share, index) => expect(Math.abs(share - weights[index]! / 8)).toBeLessThan(0.02));
});

it.each([
  [0, 0.1],
  [1, 0.12],
  [4, 1],
])('counts requests in flight against weights as the bias says: with %d, the light idle one of two gets a share of %d', (activeRequestBias, due) => {
  // The heavy endpoint is drawn first in 9 of 10 picks. Each of its nine places costs 2^bias, the light one costs 1. A cost of
  // up to 1.5 times counts as chance, one of 4 times and more does not; in between, a move to a ninth of the weight has a
  // probability of a ninth, times cost ÷ 1.5.
  const balancer = leastRequest({ activeRequestBias })(new SeededRandom(5));
  const endpoints = someEndpoints(2, (index) => ({ weight: index === 0 ? 9 : 1 }));
  endpoints[0]!.inFlight = 9;
  balancer.update(endpoints);
  let light = 0;
  for (let n = 0; n < 10_000; n++) if (balancer.pick({ now: 0, exclude: [] }) === endpoints[1]) light += 1;
  expect(Math.abs(light / 10_000 - due)).toBeLessThan(0.02);
});

it('refuses a bias below 0', () => {
  expect(() => leastRequest({ activeRequestBias: -1 })).toThrow('activeRequestBias is -1; it must be 0 or more');
});
