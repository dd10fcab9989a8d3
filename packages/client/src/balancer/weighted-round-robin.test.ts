import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases, weightCases } from './balancer.case.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

balancerCases('weighted round robin', weightedRoundRobin(), 0.005);
weightCases('weighted round robin', weightedRoundRobin(), 0.001);

it('takes each of equal endpoints once per round', () => {
  const balancer = weightedRoundRobin()(new SeededRandom(1));
  const endpoints = someEndpoints(7);
  balancer.update(endpoints);
  const picks = Array.from({ length: 28 }, () => endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!));
  expect(new Set(picks.slice(0, 7)).size).toBe(7);
  expect(picks.slice(7)).toEqual(picks.slice(0, 21));
});

it('spaces the picks of each endpoint evenly: at any time it is within 2 picks of its share', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), fc.integer(), (weights, seed) => {
      const balancer = weightedRoundRobin()(new SeededRandom(seed));
      const endpoints = someEndpoints(weights.length, (index) => ({ weight: weights[index]! }));
      balancer.update(endpoints);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const picks = weights.map(() => 0);
      for (let n = 1; n <= 4 * sum; n++) {
        picks[endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!)]! += 1;
        // Each endpoint is within one pick of its exact time, so the sum is within one per endpoint.
        weights.forEach((weight, index) =>
          expect(Math.abs(picks[index]! - (n * weight) / sum)).toBeLessThan(2 + (weights.length * weight) / sum),
        );
      }
    }),
    { numRuns: 30 },
  );
});

it('starts at a random time in the first period, so that clients that start together pick in different orders', () => {
  const firsts = Array.from({ length: 4000 }, (_, seed) => {
    const balancer = weightedRoundRobin()(new SeededRandom(seed));
    const endpoints = someEndpoints(3, (index) => ({ weight: [2, 1, 1][index]! }));
    balancer.update(endpoints);
    return endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!);
  });
  // The earliest of U[0, ½], U[0, 1], U[0, 1] is the first with chance ∫ 2·(1−t)² dt over [0, ½] = 7/12.
  expect(Math.abs(firsts.filter((first) => first === 0).length / 4000 - 7 / 12)).toBeLessThan(0.03);
  expect(Math.abs(firsts.filter((first) => first === 1).length / 4000 - 5 / 24)).toBeLessThan(0.03);
});

it('keeps its shares when the list is updated before every pick', () => {
  const balancer = weightedRoundRobin()(new SeededRandom(5));
  const weights = [1, 2, 5];
  const endpoints = someEndpoints(3, (index) => ({ weight: weights[index]! }));
  const picks = [0, 0, 0];
  for (let n = 0; n < 8000; n++) {
    balancer.update(n % 2 === 0 ? endpoints : endpoints.toReversed());
    picks[endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!)]! += 1;
  }
  picks.forEach((count, index) => expect(Math.abs(count - 1000 * weights[index]!)).toBeLessThan(3));
});

it('does not count a retry against the share of the endpoint that gets it', () => {
  const balancer = weightedRoundRobin()(new SeededRandom(4));
  const [fails, works] = someEndpoints(2) as [Endpoint, Endpoint];
  balancer.update([fails, works]);
  let failures = 0;
  for (let n = 0; n < 1000; n++) {
    if (balancer.pick({ now: n, exclude: [] }) !== fails) continue;
    failures += 1;
    expect(balancer.pick({ now: n, exclude: [fails] })).toBe(works);
  }
  expect(failures).toBe(500);
});
