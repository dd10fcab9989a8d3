import { expect, it } from 'vitest';
import { balancerCases } from './balancer.case.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';
import { uniformRandom } from './uniform-random.ts';

balancerCases('uniform random', uniformRandom(), 0.1);

it('draws every pick independently of the last one', () => {
  const balancer = uniformRandom()(new SeededRandom(7));
  const endpoints = someEndpoints(10);
  balancer.update(endpoints);
  const picks = Array.from({ length: 20_000 }, () => endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!));
  const repeats = picks.filter((index, at) => at > 0 && index === picks[at - 1]).length;
  expect(Math.abs(repeats - 2000)).toBeLessThan(200);
});
