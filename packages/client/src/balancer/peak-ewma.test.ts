import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases, weightCases } from './balancer.case.ts';
import type { Balancer, BalancerFactory } from './balancer.ts';
import { leastRequest } from './least-request.ts';
import { peakEwma } from './peak-ewma.ts';
import { roundRobin } from './round-robin.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, type SimulatedRequest, someEndpoints } from './simulation.case.ts';

balancerCases('peak EWMA', peakEwma(), 0.12);
weightCases('peak EWMA', peakEwma(), 0.1);

/** Two endpoints with a history: `latencies` in milliseconds, all observed at time 0. */
function pair(latencies: readonly [number, number], options = {}): { balancer: Balancer; a: Endpoint; b: Endpoint } {
  const balancer = peakEwma(options)(new SeededRandom(1));
  const [a, b] = someEndpoints(2) as [Endpoint, Endpoint];
  balancer.update([a, b]);
  balancer.observe(a, { now: 0, latencyMs: latencies[0], result: 'ok' });
  balancer.observe(b, { now: 0, latencyMs: latencies[1], result: 'ok' });
  return { balancer, a, b };
}

const pickAt = (balancer: Balancer, now: number) => balancer.pick({ now, exclude: [] });

describe('the cost', () => {
  it('is latency × (requests in flight + 1)', () => {
    const { balancer, a, b } = pair([10, 39]);
    a.inFlight = 2;
    expect(pickAt(balancer, 0)).toBe(a);
    a.inFlight = 3;
    expect(pickAt(balancer, 0)).toBe(b);
  });

  it('rises to a higher sample at once and falls slowly', () => {
    const { balancer, a, b } = pair([10, 20]);
    balancer.observe(a, { now: 100, latencyMs: 500, result: 'ok' });
    expect(pickAt(balancer, 100)).toBe(b);
    for (let now = 200; now < 1200; now += 100) balancer.observe(a, { now, latencyMs: 10, result: 'ok' });
    expect(pickAt(balancer, 1200)).toBe(b);
  });

  it('decays by e^(−t/τ), also when it is only read', () => {
    // 1,000 ms decay to 100 ms in τ·ln 10. The other endpoint is kept at 100 ms.
    const { balancer, a, b } = pair([1000, 100], { decayMs: 2000 });
    const even = 2000 * Math.log(10);
    balancer.observe(b, { now: even - 20, latencyMs: 100, result: 'ok' });
    expect(pickAt(balancer, even - 20)).toBe(b);
    balancer.observe(b, { now: even + 20, latencyMs: 100, result: 'ok' });
    expect(pickAt(balancer, even + 20)).toBe(a);
  });

  it('tries an endpoint without history with at most one request in flight', () => {
    const { balancer, a } = pair([50, 60]);
    const fresh = someEndpoints(3)[2] as Endpoint;
    balancer.update([a, fresh]);
    expect(pickAt(balancer, 1)).toBe(fresh);
    fresh.inFlight = 1;
    a.inFlight = 10_000;
    expect(pickAt(balancer, 1)).toBe(a);
  });

  it('keeps the costs of endpoints that stay in an updated list, and drops those of endpoints that leave', () => {
    const { balancer, a, b } = pair([300, 20]);
    balancer.update([b, a]);
    for (let n = 0; n < 20; n++) expect(pickAt(balancer, 1)).toBe(b);
    balancer.update([b]);
    balancer.update([b, a]);
    expect(pickAt(balancer, 1)).toBe(a);
  });

  it('charges a failure as a long latency, however fast it was', () => {
    for (const result of ['failed', 'unreachable'] as const) {
      const { balancer, a, b } = pair([10, 900]);
      balancer.observe(a, { now: 1, latencyMs: 1, result });
      expect(pickAt(balancer, 1)).toBe(b);
    }
  });

  it('takes the latency of a cancelled request as a lower bound', () => {
    const early = pair([100, 101]);
    early.balancer.observe(early.a, { now: 1, latencyMs: 2, result: 'cancelled' });
    early.balancer.observe(early.b, { now: 1, latencyMs: 2, result: 'cancelled' });
    expect(pickAt(early.balancer, 1)).toBe(early.a);
    early.balancer.observe(early.a, { now: 2, latencyMs: 400, result: 'cancelled' });
    expect(pickAt(early.balancer, 2)).toBe(early.b);
  });
});

// The more requests an endpoint gets, the higher their peak: light endpoints get somewhat more than their weight.
it.each([
  ['one request at a time', 200, 1, 0.1],
  ['200 requests at a time', 2000, 100, 0.05],
])('shares roughly by weight among endpoints that are equally fast, with %s', (_load, perSecond, latencyMs, off) => {
  const weights = [1, 2, 5];
  const requests = simulate({
    balancer: peakEwma(),
    endpoints: someEndpoints(3, (index) => ({ weight: weights[index]! })),
    serve: (_backend, _now, random) => ({ latencyMs: normal(latencyMs, latencyMs / 50, random), result: 'ok' }),
    perSecond,
    seconds: 40_000 / perSecond,
    seed: 9,
  });
  const shares = weights.map((_, backend) => requests.filter((request) => request.backend === backend).length / requests.length);
  shares.forEach((share, index) => expect(Math.abs(share - weights[index]! / 8)).toBeLessThan(off));
});

it.each([
  [1, 1 / 5, 0.01],
  [20, 20 / 24, 0.08],
])('leaves a slow endpoint, even a heavy one: weight %d, share due %d, share got below %d', (weight, _due, most) => {
  const requests = simulate({
    balancer: peakEwma(),
    endpoints: someEndpoints(5, (index) => ({ weight: index === 0 ? weight : 1 })),
    serve: (backend, _now, random) => ({ latencyMs: normal(backend === 0 ? 1000 : 20, 2, random), result: 'ok' }),
    perSecond: 200,
    seconds: 60,
    seed: 3,
  });
  expect(requests.filter(({ backend }) => backend === 0).length / requests.length).toBeLessThan(most);
});

it('sends no extra requests to an endpoint that fails at once', () => {
  // One of 10 fails within 1 ms. Least request sends it more than its share, since it is always idle.
  const failures = (balancer: BalancerFactory) => {
    const requests = simulate({
      balancer,
      endpoints: someEndpoints(10),
      serve: (backend, _now, random) =>
        backend === 0
          ? { latencyMs: 1, result: 'failed' }
          : { latencyMs: Math.max(5, normal(100, 30, random)), result: 'ok' },
      perSecond: 100,
      seconds: 120,
      seed: 5,
    });
    return requests.filter(({ result }) => result === 'failed').length / requests.length;
  };
  expect(failures(peakEwma())).toBeLessThan(0.005);
  expect(failures(leastRequest())).toBeGreaterThan(0.1);
});

describe('11 backends at 167 ms, one of them at 2 s for half of a minute, 1,000 requests a second', () => {
  // The test of https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/.
  // Published success within 1 s: round robin ≈95 %, least loaded ≈99 %, peak EWMA ≈99.9 %.
  const withinSecond = (balancer: BalancerFactory, seed: number) => {
    const requests: SimulatedRequest[] = simulate({
      balancer,
      endpoints: someEndpoints(11),
      serve: (backend, now, random) => ({
        latencyMs: backend === 0 && now >= 15_000 && now < 45_000 ? 2000 : normal(167, 5, random),
        result: 'ok',
      }),
      perSecond: 1000,
      seconds: 60,
      seed,
    });
    return requests.filter(({ latencyMs }) => latencyMs <= 1000).length / requests.length;
  };

  it.each([1, 2])('peak EWMA beats least request, which beats round robin, by the published figures (seed %i)', (seed) => {
    expect(withinSecond(peakEwma(), seed)).toBeGreaterThanOrEqual(0.999);
    const least = withinSecond(leastRequest(), seed);
    expect(least).toBeGreaterThan(0.99);
    expect(least).toBeLessThan(0.999);
    expect(Math.abs(withinSecond(roundRobin(), seed) - 0.9545)).toBeLessThan(0.002);
  });
});
