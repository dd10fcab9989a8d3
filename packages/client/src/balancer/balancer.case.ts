/** What every balancer promises. The test of each balancer runs this suite and adds cases. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory } from './balancer.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';

const outcomes = ['ok', 'failed', 'unreachable', 'cancelled'] as const;

/**
 * For balancers that give equal endpoints equal shares.
 * @param spread largest deviation from an equal share, as a part of it
 */
export function balancerCases(name: string, factory: BalancerFactory, spread: number): void {
  balancerRules(name, factory);
  equalShareCases(name, factory, spread);
}

/** Holds also for balancers that prefer some endpoints to others. */
export function balancerRules(name: string, factory: BalancerFactory): void {
  describe(`${name}, as every balancer`, () => {
    it('picks no endpoint from an empty list', () => {
      const balancer = factory(new SeededRandom(1));
      expect(balancer.pick({ now: 0, exclude: [] })).toBeUndefined();
      balancer.update(someEndpoints(2));
      balancer.update([]);
      expect(balancer.pick({ now: 0, exclude: [] })).toBeUndefined();
      expect(balancer.pick({ now: 0, exclude: someEndpoints(1) })).toBeUndefined();
    });

    it('picks the only endpoint every time, unless it is excluded', () => {
      const balancer = factory(new SeededRandom(1));
      const [only] = someEndpoints(1) as [Endpoint];
      balancer.update([only]);
      for (let n = 0; n < 10; n++) expect(balancer.pick({ now: n, exclude: [] })).toBe(only);
      expect(balancer.pick({ now: 11, exclude: [only] })).toBeUndefined();
    });

    it('picks from the newest list only and never an excluded endpoint, in every sequence of calls', () => {
      const step = fc.record({
        list: fc.option(fc.array(fc.nat(9), { maxLength: 10 }), { nil: undefined }),
        exclude: fc.array(fc.nat(9), { maxLength: 4 }),
        result: fc.constantFrom(...outcomes),
        latencyMs: fc.integer({ min: 0, max: 10_000 }),
        passedMs: fc.integer({ min: 0, max: 60_000 }),
        ends: fc.boolean(),
      });
      const weights = fc.array(fc.constantFrom(0.5, 1, 3), { minLength: 10, maxLength: 10 });
      fc.assert(
        fc.property(fc.integer(), weights, fc.array(step, { maxLength: 40 }), (seed, weight, steps) => {
          const balancer = factory(new SeededRandom(seed));
          const all = someEndpoints(10, (index) => ({ weight: weight[index] as number }));
          const those = (indices: readonly number[]) => [...new Set(indices)].map((index) => all[index] as Endpoint);
          let list: Endpoint[] = [];
          let now = 0;
          for (const { list: newer, exclude, result, latencyMs, passedMs, ends } of steps) {
            now += passedMs;
            if (newer !== undefined) balancer.update((list = those(newer)));
            const excluded = those(exclude);
            const allowed = list.filter((endpoint) => !excluded.includes(endpoint));
            const picked = balancer.pick({ now, exclude: excluded });
            if (allowed.length === 0) expect(picked).toBeUndefined();
            else expect(allowed).toContain(picked);
            if (picked === undefined) continue;
            if (ends) balancer.observe(picked, { now, latencyMs, result });
            else picked.inFlight += 1;
          }
        }),
        { numRuns: 200 },
      );
    });

    it('leaves the count of requests in flight to the caller', () => {
      const balancer = factory(new SeededRandom(1));
      const endpoints = someEndpoints(3);
      balancer.update(endpoints);
      for (let n = 0; n < 100; n++) balancer.pick({ now: n, exclude: [] });
      expect(endpoints.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
    });

    it('keeps its list when the caller later changes the array it passed', () => {
      const balancer = factory(new SeededRandom(1));
      const endpoints = someEndpoints(3);
      const list = [...endpoints];
      balancer.update(list);
      list.length = 0;
      expect(endpoints).toContain(balancer.pick({ now: 0, exclude: [] }));
    });

    it('accepts the outcome of a request to an endpoint that left the list', () => {
      const balancer = factory(new SeededRandom(1));
      const [gone, stays] = someEndpoints(2) as [Endpoint, Endpoint];
      balancer.update([gone, stays]);
      balancer.update([stays]);
      balancer.observe(gone, { now: 5, latencyMs: 5, result: 'failed' });
      expect(balancer.pick({ now: 5, exclude: [] })).toBe(stays);
    });
  });
}

function equalShareCases(name: string, factory: BalancerFactory, spread: number): void {
  describe(`${name}, among equals`, () => {
    it.each([2, 5, 30])('gives %i equal endpoints equal shares', (count) => {
      const requests = simulate({
        balancer: factory,
        endpoints: someEndpoints(count),
        serve: (_backend, _now, random) => ({ latencyMs: Math.max(1, normal(20, 4, random)), result: 'ok' }),
        perSecond: 1000,
        seconds: 30,
        seed: 42,
      });
      expect(largestDeviation(requests, count)).toBeLessThan(spread);
    });

    it('spreads retries evenly over the endpoints that were not tried', () => {
      const balancer = factory(new SeededRandom(3));
      const endpoints = someEndpoints(5);
      balancer.update(endpoints);
      const picks = new Map<Endpoint | undefined, number>();
      const exclude = endpoints.slice(0, 2);
      for (let now = 0; now < 9000; now++) {
        const picked = balancer.pick({ now, exclude }) as Endpoint;
        picks.set(picked, (picks.get(picked) ?? 0) + 1);
        balancer.observe(picked, { now, latencyMs: 10 + (now % 7), result: 'ok' });
      }
      expect(new Set(picks.keys())).toEqual(new Set(endpoints.slice(2)));
      for (const count of picks.values()) expect(Math.abs(count - 3000)).toBeLessThan(3000 * Math.max(spread, 0.1));
    });
  });
}

/**
 * For balancers that honour weights.
 * @param off largest difference between a share and the one due, as a part of all picks
 */
export function weightCases(name: string, factory: BalancerFactory, off: number): void {
  /** Shares of picks, with one request at a time and equal latencies. */
  const sharesOf = (balancer: Balancer, endpoints: readonly Endpoint[], exclude: readonly Endpoint[] = []) => {
    const shares = endpoints.map(() => 0);
    for (let n = 0; n < 10_000; n++) {
      const picked = balancer.pick({ now: n, exclude }) as Endpoint;
      balancer.observe(picked, { now: n + 0.5, latencyMs: 10, result: 'ok' });
      (shares[endpoints.indexOf(picked)] as number) += 1 / 10_000;
    }
    return shares;
  };
  const weighing = (weights: readonly number[]) => someEndpoints(weights.length, (index) => ({ weight: weights[index] as number }));

  describe(`${name}, with weights`, () => {
    it.each([[[1, 2, 5]], [[100, 100, 50, 0.5]], [[0, 1, 0, 3]], [[0, 0, 0]]])('shares by weights %j', (weights) => {
      const balancer = factory(new SeededRandom(11));
      const endpoints = weighing(weights);
      balancer.update(endpoints);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      sharesOf(balancer, endpoints).forEach((share, index) => {
        const due = sum === 0 ? 1 / weights.length : (weights[index] as number) / sum;
        if (due === 0) expect(share).toBe(0);
        else expect(Math.abs(share - due)).toBeLessThan(off);
      });
    });

    it('shares by the newest weights', () => {
      const balancer = factory(new SeededRandom(12));
      const endpoints = weighing([1, 5, 0]);
      balancer.update(endpoints);
      sharesOf(balancer, endpoints);
      endpoints.forEach((endpoint, index) => (endpoint.instance = { ...endpoint.instance, weight: [5, 1, 4][index] as number }));
      balancer.update(endpoints);
      const [a, b, c] = sharesOf(balancer, endpoints) as [number, number, number];
      for (const [share, due] of [[a, 0.5], [b, 0.1], [c, 0.4]] as const) expect(Math.abs(share - due)).toBeLessThan(off);
    });

    it('retries by weight, and on an endpoint of weight 0 only if no other is left', () => {
      const balancer = factory(new SeededRandom(13));
      const endpoints = weighing([0, 4, 1, 3]);
      balancer.update(endpoints);
      const [zero, a, b, c] = endpoints as [Endpoint, Endpoint, Endpoint, Endpoint];
      const shares = sharesOf(balancer, endpoints, [a]);
      expect(shares[0]).toBe(0);
      expect(Math.abs((shares[3] as number) - 0.75)).toBeLessThan(Math.max(off, 0.03));
      expect(balancer.pick({ now: 10_000, exclude: [a, b, c] })).toBe(zero);
    });
  });
}

export function largestDeviation(requests: readonly { backend: number }[], count: number): number {
  const mean = requests.length / count;
  const shares = new Float64Array(count);
  for (const { backend } of requests) shares[backend] = (shares[backend] as number) + 1;
  return shares.reduce((most, share) => Math.max(most, Math.abs(share - mean) / mean), 0);
}
