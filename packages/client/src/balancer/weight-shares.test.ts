/**
 * Shares are the weights, at any load, when the instances are equal: a request takes as long at each of them on average.
 * Deterministic: the same seeds give the same figures.
 */

import { describe, expect, it } from 'vitest';
import type { BalancerFactory } from './balancer.ts';
import { c3 } from './c3.ts';
import { leastConnections } from './least-connections.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { prequal } from './prequal.ts';
import { responseTimeWeighted } from './response-time-weighted.ts';
import type { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';
import { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';
import { weightedRandom } from './weighted-random.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

const balancers: Readonly<Record<string, BalancerFactory>> = {
  'peak EWMA': peakEwma(),
  'least request': leastRequest(),
  'least connections': leastConnections(),
  'response-time weighted': responseTimeWeighted(),
  C3: c3(),
  'Prequal without reports': prequal(),
  'weighted round robin': weightedRoundRobin(),
  'smooth weighted round robin': smoothWeightedRoundRobin(),
  'weighted random': weightedRandom(),
};

const meanMs = 20;
const latencies: Readonly<Record<string, (random: SeededRandom) => number>> = {
  'all alike': () => meanMs,
  normal: (random) => Math.max(1, normal(meanMs, meanMs / 4, random)),
  exponential: (random) => -meanMs * Math.log(1 - random.fraction()),
};

/** Requests a second, and so in flight: 0.2, 10, 200. */
const rates = [10, 500, 10_000];
const requests = 100_000;

/** Largest difference between a share and its weight, as a part of the weight. */
function worstOf(balancer: BalancerFactory, weights: readonly number[], perSecond: number, latency: (random: SeededRandom) => number): number {
  const picked = simulate({
    balancer,
    endpoints: someEndpoints(weights.length, (index) => ({ weight: weights[index] as number })),
    serve: (_backend, _now, random) => ({ latencyMs: latency(random), result: 'ok' }),
    perSecond,
    seconds: requests / perSecond,
    seed: 5,
  });
  const counts = weights.map(() => 0);
  for (const { backend } of picked) counts[backend] = (counts[backend] as number) + 1;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return Math.max(...weights.map((weight, index) => Math.abs((counts[index] as number) / picked.length / (weight / sum) - 1)));
}

/**
 * The goal is a tenth. What is beyond it: least connections when there is about one request for each place, since
 * requests that end leave gaps which the even spread over places does not show; and response-time weighted while it
 * knows few latencies that vary as much as exponential ones do, since a mean of few is not the mean.
 */
function most(name: string, form: string): number {
  if (name === 'least connections') return 0.12;
  return name === 'response-time weighted' && form === 'exponential' ? 0.25 : 0.1;
}

describe.each(Object.entries(balancers))('%s', (name, balancer) => {
  const cases = Object.entries(latencies).flatMap(([form, latency]) =>
    rates.flatMap((rate) => [[1, 100], [1, 2, 5], [10, 10, 10, 10, 1]].map((weights) => ({ form, latency, rate, weights }))),
  );
  it.each(cases)('weights $weights, $rate requests a second, latencies $form', ({ latency, rate, weights, form }) => {
    expect(worstOf(balancer, weights, rate, latency)).toBeLessThan(most(name, form));
  });
});

it.each([
  ['least request', leastRequest(), 0.1],
  ['peak EWMA', peakEwma(), 0.05],
  ['least connections', leastConnections(), 0.05],
])('%s leaves an instance that is slow, whatever it weighs beside another', (_name, balancer, mostToSlow) => {
  const picked = simulate({
    balancer,
    endpoints: someEndpoints(4, (index) => ({ weight: [3, 1, 2, 1][index] as number })),
    serve: (backend) => ({ latencyMs: backend === 0 ? 2000 : 20, result: 'ok' }),
    perSecond: 1000,
    seconds: 30,
    seed: 3,
  });
  expect(picked.filter(({ backend }) => backend === 0).length / picked.length).toBeLessThan(mostToSlow);
});
