/** Each endpoint gets keys in proportion to its weight, as exactly as the algorithm allows. */

import { expect, it } from 'vitest';
import type { BalancerFactory } from './balancer.ts';
import { boundedLoad } from './bounded-load.ts';
import { maglev } from './hash-maglev.ts';
import { rendezvous } from './hash-rendezvous.ts';
import { ringHash } from './hash-ring.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

/** Number of keys for the lightest endpoint: then chance alone moves its share by 1.4 % (1 σ). */
const keysOfLightest = 5_000;

/** Largest difference between a share of the keys and its weight, as a part of the weight. */
function worstOf(factory: BalancerFactory, weights: readonly number[]): number {
  const endpoints = someEndpoints(weights.length, (index) => ({ weight: weights[index] as number }));
  const balancer = factory(new SeededRandom(5));
  balancer.update(endpoints);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const keys = (keysOfLightest * sum) / Math.min(...weights);
  const counts = new Map(endpoints.map((endpoint) => [endpoint, 0]));
  for (let n = 0; n < keys; n++) {
    const endpoint = balancer.pick({ now: 0, exclude: [], key: `user-${n}` })!;
    counts.set(endpoint, counts.get(endpoint)! + 1);
  }
  return Math.max(...endpoints.map((endpoint, index) => Math.abs(counts.get(endpoint)! / keys / (weights[index]! / sum) - 1)));
}

const lists = [[1, 100], [1, 2, 5], [10, 10, 10, 10, 1], Array.from({ length: 30 }, (_, index) => [1, 2, 5][index % 3]!)];

it.each<[string, BalancerFactory, number]>([
  ['Maglev', maglev(), 0.1],
  ['rendezvous', rendezvous(), 0.1],
  ['bounded loads over Maglev', boundedLoad(), 0.1],
  // The positions of points are random; this changes the share of an endpoint with few points the most.
  ['a ring of 4,096 points for each endpoint', ringHash({ pointsPerNode: 4096 }), 0.1],
  ['a ring of 160', ringHash(), 0.5],
])('%s gives keys by weight', (_name, factory, most) => {
  for (const weights of lists) expect(worstOf(factory, weights), weights.join(':')).toBeLessThan(most);
});
