import { expect, it } from 'vitest';
import { balancerCases, weightCases } from './balancer.case.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';
import { weightedRandom } from './weighted-random.ts';

balancerCases('weighted random', weightedRandom(), 0.1);
weightCases('weighted random', weightedRandom(), 0.02);

it('draws every pick independently of the last one', () => {
  const balancer = weightedRandom()(new SeededRandom(7));
  const endpoints = someEndpoints(2, (index) => ({ weight: 1 + 3 * index }));
  balancer.update(endpoints);
  const picks = Array.from({ length: 20_000 }, () => endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!));
  const repeats = picks.filter((index, at) => at > 0 && index === picks[at - 1]).length;
  expect(Math.abs(repeats / 20_000 - (0.2 ** 2 + 0.8 ** 2))).toBeLessThan(0.02);
});
