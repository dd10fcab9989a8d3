import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases, weightCases } from './balancer.case.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';
import { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';

balancerCases('smooth weighted round robin', smoothWeightedRoundRobin(), 0.002);
weightCases('smooth weighted round robin', smoothWeightedRoundRobin(), 0.001);

const letters = (weights: readonly number[], random: { bits(): number }, count: number) => {
  const balancer = smoothWeightedRoundRobin()(random);
  const endpoints = someEndpoints(weights.length, (index) => ({ weight: weights[index]! }));
  balancer.update(endpoints);
  return Array.from({ length: count }, () => 'ABCDEFGH'[endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!)]).join('');
};

// The commit message of nginx 1.3.1, which added the algorithm, gives this sequence.
it('gives nginx’s sequence when all credits start equal', () => {
  expect(letters([5, 1, 1], { bits: () => 0 }, 14)).toBe('AABACAAAABACAA');
});

it('stays within two picks of the exact shares, for any weights and start', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), fc.integer(), (weights, seed) => {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const row = letters(weights, new SeededRandom(seed), 4 * sum);
      weights.forEach((weight, index) => {
        let picks = 0;
        for (let n = 0; n < row.length; n++) {
          if (row[n] === 'ABCDEFGH'[index]) picks += 1;
          expect(Math.abs(picks - ((n + 1) * weight) / sum)).toBeLessThan(2);
        }
      });
    }),
    { numRuns: 30 },
  );
});

it('does not begin with the heaviest endpoint in every client', () => {
  const firsts = Array.from({ length: 4000 }, (_, seed) => letters([2, 1, 1], new SeededRandom(seed), 1));
  const share = firsts.filter((first) => first === 'A').length / firsts.length;
  expect(share).toBeGreaterThan(0.3);
  expect(share).toBeLessThan(0.7);
});

it('gives an endpoint that often leaves and returns no more than its share', () => {
  const balancer = smoothWeightedRoundRobin()(new SeededRandom(4));
  const endpoints = someEndpoints(5);
  const [flapping, ...others] = endpoints as [Endpoint, ...Endpoint[]];
  let picks = 0;
  for (let round = 0; round < 2000; round++) {
    balancer.update(endpoints);
    for (let n = 0; n < 5; n++) if (balancer.pick({ now: 0, exclude: [] }) === flapping) picks += 1;
    balancer.update(others);
    for (let n = 0; n < 5; n++) balancer.pick({ now: 0, exclude: [] });
  }
  expect(picks / 10_000).toBeGreaterThan(0.15);
  expect(picks / 10_000).toBeLessThan(0.25);
});

it('does not count a retry against the share of the endpoint that gets it', () => {
  const balancer = smoothWeightedRoundRobin()(new SeededRandom(4));
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
