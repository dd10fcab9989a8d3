/**
 * Shares are the weights, at any load, when the instances are equal: a request takes as long at each of them on average.
 * Deterministic: the same seeds give the same figures.
 */

import { afterAll, describe, expect, it } from 'vitest';
import type { BalancerFactory } from './balancer.ts';
import { c3 } from './c3.ts';
import { leastConnections } from './least-connections.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { prequal } from './prequal.ts';
import { responseTimeWeighted } from './response-time-weighted.ts';
import type { SeededRandom } from './seeded-random.ts';
import { normal, simulate, simulateEach, someEndpoints } from './simulation.case.ts';
import { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';
import { weightedRandom } from './weighted-random.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

/** Balancers that look at load or latency. */
const balancers: Readonly<Record<string, BalancerFactory>> = {
  'peak EWMA': peakEwma(),
  'least request': leastRequest(),
  'least connections': leastConnections(),
  'response-time weighted': responseTimeWeighted(),
  C3: c3(),
  'Prequal without reports': prequal(),
};

/** Balancers that look at weights only. */
const blind: Readonly<Record<string, BalancerFactory>> = {
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

/** Requests a second; 0.2, 10 and 200 of them in flight on average. */
const rates = [10, 500, 10_000];
const lists = [[1, 100], [1, 2, 5], [10, 10, 10, 10, 1]];

/** Requests for the lightest endpoint: then chance alone moves its share by less than 1.5 % (1 σ). */
const requestsOfLightest = 5_000;
/** Warm-up in seconds for each part of the mean weight that an endpoint has: first latencies are forgotten then. */
const secondsOfLightest = 4;

/** `SEEDS=20` runs each case with 20 seeds, from 5 on, and prints the worst result of each balancer. */
const seeds = Array.from({ length: Number(process.env['SEEDS'] ?? 1) }, (_, n) => 5 + n);

/** Largest difference between a share and its weight, as a part of the weight. */
function worstOf(
  balancer: BalancerFactory,
  weights: readonly number[],
  perSecond: number,
  latency: (random: SeededRandom) => number,
  seed: number,
): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const parts = sum / Math.min(...weights);
  const counts = weights.map(() => 0);
  const simulation = {
    balancer,
    endpoints: someEndpoints(weights.length, (index) => ({ weight: weights[index] as number })),
    serve: (_backend: number, _now: number, random: SeededRandom) => ({ latencyMs: latency(random), result: 'ok' as const }),
    perSecond,
    seconds: Math.ceil(Math.max((requestsOfLightest * parts) / perSecond, (secondsOfLightest * parts) / weights.length)),
    seed,
  };
  simulateEach(simulation, (backend) => (counts[backend] = (counts[backend] as number) + 1));
  const all = counts.reduce((total, count) => total + count, 0);
  return Math.max(...weights.map((weight, index) => Math.abs((counts[index] as number) / all / (weight / sum) - 1)));
}

const worst = new Map<string, number>();

function check(name: string, balancer: BalancerFactory, weights: readonly number[], rate: number, form: string): void {
  for (const seed of seeds) {
    const off = worstOf(balancer, weights, rate, latencies[form] as (random: SeededRandom) => number, seed);
    worst.set(name, Math.max(off, worst.get(name) ?? 0));
    expect(off, `seed ${seed}`).toBeLessThan(0.1);
  }
}

describe.each(Object.entries(balancers))('%s', (name, balancer) => {
  const cases = Object.keys(latencies).flatMap((form) => rates.flatMap((rate) => lists.map((weights) => ({ form, rate, weights }))));
  it.each(cases)('weights $weights, $rate requests a second, latencies $form', ({ rate, weights, form }) => {
    check(name, balancer, weights, rate, form);
  });
});

it.each(Object.entries(blind).flatMap(([name, balancer]) => lists.map((weights) => ({ name, balancer, weights }))))(
  '$name, weights $weights',
  ({ name, balancer, weights }) => check(name, balancer, weights, 500, 'normal'),
);

afterAll(() => {
  if (seeds.length > 1) process.stderr.write(`${[...worst].map(([name, off]) => `${name}: ${(100 * off).toFixed(1)} %`).join('\n')}\n`);
});

it.each([
  ['least request', leastRequest(), 0.1],
  ['peak EWMA', peakEwma(), 0.05],
  ['least connections', leastConnections(), 0.05],
])('%s leaves a slow instance, whatever its weight', (_name, balancer, mostToSlow) => {
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
