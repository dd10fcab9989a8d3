import { expect, it } from 'vitest';
import { balancerCases } from './balancer.case.ts';
import { roundRobin } from './round-robin.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

balancerCases('round robin', roundRobin(), 0.001);

it('takes each endpoint once per round, in the order of the list', () => {
  const balancer = roundRobin()(new SeededRandom(1));
  const endpoints = someEndpoints(4);
  balancer.update(endpoints);
  const picks = Array.from({ length: 8 }, () => endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!));
  expect(picks.slice(4)).toEqual(picks.slice(0, 4));
  expect(new Set(picks)).toEqual(new Set([0, 1, 2, 3]));
  expect(picks.slice(1, 4)).toEqual(picks.slice(0, 3).map((index) => (index + 1) % 4));
});

it('starts at a random position, so that clients that start together pick in different orders', () => {
  const starts = Array.from({ length: 4000 }, (_, seed) => {
    const balancer = roundRobin()(new SeededRandom(seed));
    const endpoints = someEndpoints(4);
    balancer.update(endpoints);
    return endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!);
  });
  for (const index of [0, 1, 2, 3]) {
    expect(Math.abs(starts.filter((start) => start === index).length - 1000)).toBeLessThan(120);
  }
});

it('continues at its position when the list is updated', () => {
  const balancer = roundRobin()(new SeededRandom(1));
  const endpoints = someEndpoints(4);
  balancer.update(endpoints);
  const before = endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!);
  balancer.update(endpoints);
  expect(endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!)).toBe((before + 1) % 4);
});
