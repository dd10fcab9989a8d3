import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases, weightCases } from './balancer.case.ts';
import type { Balancer } from './balancer.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { Picker } from '../routing/picker.ts';
import { SeededRandom } from './seeded-random.ts';
import { anInstance, someEndpoints } from './simulation.case.ts';
import { slowStart, type SlowStartOptions } from './slow-start.ts';
import { weightedRandom } from './weighted-random.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

balancerCases('weighted round robin with slow start', slowStart(weightedRoundRobin()), 0.005);
weightCases('weighted round robin with slow start', slowStart(weightedRoundRobin()), 0.001);
balancerCases('peak EWMA with slow start', slowStart(peakEwma()), 0.12);

/** Three warm endpoints, and one that joins at time 0. */
function join(options: SlowStartOptions = {}, factory = weightedRoundRobin()) {
  const balancer = slowStart(factory, options)(new SeededRandom(1));
  const endpoints = someEndpoints(4);
  const fresh = endpoints[3] as Endpoint;
  balancer.update(endpoints.slice(0, 3));
  balancer.pick({ now: -1, exclude: [] });
  balancer.update(endpoints);
  balancer.pick({ now: 0, exclude: [] });
  return { balancer, endpoints, fresh };
}

const shareOf = (balancer: Balancer, endpoint: Endpoint, from: number, until: number) => {
  let picks = 0;
  const count = 4000;
  for (let n = 0; n < count; n++) {
    const now = from + ((until - from) * n) / count;
    if (balancer.pick({ now, exclude: [] }) === endpoint) picks += 1;
  }
  return picks / count;
};

describe('an endpoint that joins', () => {
  it('has the weight of the formula of Envoy at each time', () => {
    const { balancer, fresh } = join({ windowMs: 20_000 });
    for (const [now, part] of [[0, 0.1], [1000, 0.1], [4000, 0.2], [10_000, 0.5], [19_000, 0.95], [20_000, 1]] as const) {
      balancer.pick({ now, exclude: [] });
      expect(fresh.weight).toBeCloseTo(part, 10);
    }
  });

  it('grows faster at first with more aggression, and always has at least the least share', () => {
    const { balancer, fresh } = join({ windowMs: 20_000, aggression: 2, leastShare: 0.4 });
    for (const [now, part] of [[2000, 0.4], [5000, 0.5], [12_800, 0.8]] as const) {
      balancer.pick({ now, exclude: [] });
      expect(fresh.weight).toBeCloseTo(part, 10);
    }
  });

  it.each([
    ['weighted round robin', weightedRoundRobin()],
    ['weighted random', weightedRandom()],
    ['least request', leastRequest()],
  ])('gets a share that grows, from %s', (_name, factory) => {
    const { balancer, fresh } = join({}, factory);
    // A tenth of the weight of each of three others, then on average 55 % of it, then all of it.
    expect(Math.abs(shareOf(balancer, fresh, 0, 999) - 0.1 / 3.1)).toBeLessThan(0.015);
    expect(Math.abs(shareOf(balancer, fresh, 5000, 6000) - 0.55 / 3.55)).toBeLessThan(0.02);
    expect(Math.abs(shareOf(balancer, fresh, 10_000, 11_000) - 0.25)).toBeLessThan(0.03);
  });

  it('begins its window at the first pick, however late', () => {
    const { balancer, endpoints } = join();
    const [later] = someEndpoints(5).slice(4) as [Endpoint];
    balancer.update([...endpoints, later]);
    balancer.pick({ now: 500_000, exclude: [] });
    expect(later.weight).toBe(0.1);
    balancer.pick({ now: 505_000, exclude: [] });
    expect(later.weight).toBe(0.5);
  });

  it('continues its window when the list is updated for another reason', () => {
    const { balancer, endpoints, fresh } = join();
    balancer.update(endpoints.slice(1));
    balancer.pick({ now: 5000, exclude: [] });
    expect(fresh.weight).toBe(0.5);
  });

  it('begins its window again when it left and returned', () => {
    const { balancer, endpoints, fresh } = join();
    balancer.pick({ now: 60_000, exclude: [] });
    balancer.update(endpoints.slice(0, 3));
    expect(fresh.weight).toBe(1);
    balancer.update(endpoints);
    balancer.pick({ now: 61_000, exclude: [] });
    expect(fresh.weight).toBe(0.1);
  });
});

it('an endpoint that was ejected comes back slowly', () => {
  const picker = new Picker(slowStart(weightedRoundRobin()), {}, new SeededRandom(1));
  picker.update([anInstance('a'), anInstance('b')], 0);
  const a = picker.pick(0) as Endpoint;
  picker.observe(a, { now: 0, latencyMs: 1, result: 'unreachable' });
  const picks = (from: number) => Array.from({ length: 100 }, (_, n) => picker.pick(from + n)).filter((picked) => picked === a).length;
  expect(picks(500)).toBe(0);
  // A tenth of the weight of the other endpoint.
  expect(Math.abs(picks(1000) - 9)).toBeLessThanOrEqual(1);
  expect(Math.abs(picks(20_000) - 50)).toBeLessThanOrEqual(1);
});

it('treats the endpoints of the first list as warm', () => {
  const balancer = slowStart(weightedRoundRobin())(new SeededRandom(1));
  const endpoints = someEndpoints(3);
  balancer.update([]);
  balancer.update(endpoints);
  balancer.pick({ now: 0, exclude: [] });
  expect(endpoints.map(({ weight }) => weight)).toEqual([1, 1, 1]);
});

it('updates the balancer a hundred times per window, and never while no endpoint joins', () => {
  let updates = 0;
  const counting = slowStart(() => ({ update: () => (updates += 1), pick: () => undefined, observe: () => {} }))(new SeededRandom(1));
  const endpoints = someEndpoints(2);
  counting.update(endpoints.slice(0, 1));
  for (let now = 0; now < 1000; now++) counting.pick({ now, exclude: [] });
  expect(updates).toBe(1);
  counting.update(endpoints);
  for (let now = 1000; now < 100_000; now++) counting.pick({ now, exclude: [] });
  expect(updates).toBeGreaterThan(100);
  expect(updates).toBeLessThanOrEqual(103);
});

it('passes the probe on to the balancer', () => {
  const probing = { probe: () => Promise.resolve(undefined), clock: { monotonic: () => 0 } };
  let given: unknown;
  slowStart((random, asked) => {
    given = asked;
    return weightedRoundRobin()(random);
  })(new SeededRandom(1), probing);
  expect(given).toBe(probing);
});

it.each([
  [{ windowMs: 0 }, 'windowMs is 0'],
  [{ aggression: 0 }, 'aggression is 0'],
  [{ leastShare: 0 }, 'leastShare is 0'],
  [{ leastShare: 1.1 }, 'leastShare is 1.1'],
])('refuses %o', (options, message) => {
  expect(() => slowStart(weightedRoundRobin(), options)).toThrow(message);
});
