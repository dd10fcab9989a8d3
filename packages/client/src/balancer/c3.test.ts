import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerRules, largestDeviation } from './balancer.case.ts';
import { c3 } from './c3.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';

balancerRules('C3', c3());

function pair(latencies: readonly [number, number], options = {}) {
  const balancer = c3(options)(new SeededRandom(1));
  const [a, b] = someEndpoints(2) as [Endpoint, Endpoint];
  balancer.update([a, b]);
  balancer.observe(a, { now: 0, latencyMs: latencies[0], result: 'ok' });
  balancer.observe(b, { now: 0, latencyMs: latencies[1], result: 'ok' });
  return { balancer, a, b, pick: (now = 0) => balancer.pick({ now, exclude: [] }) };
}

describe('the score', () => {
  it('is latency × (requests in flight + 1)³', () => {
    const { a, b, pick } = pair([10, 10 * 27 + 1]);
    a.inFlight = 2;
    expect(pick()).toBe(a);
    a.inFlight = 3;
    expect(pick()).toBe(b);
  });

  it('multiplies this client’s requests by the number of clients', () => {
    const { a, b, pick } = pair([10, 79], { clients: 2 });
    expect(pick()).toBe(a);
    a.inFlight = 1;
    expect(pick()).toBe(b);
  });

  it('is R − S + q̂³·S, with what servers report', () => {
    const { balancer, a, b, pick } = pair([20, 20]);
    // 20 − 10 + (1 + 1)³ · 10 = 90 for a; for b 20 − 16 + S · 1, then with a request in flight 20 − 16 + 8 · 16 = 132.
    balancer.observe(a, { now: 1, latencyMs: 20, result: 'ok', load: { inFlight: 1, latencyMs: 10 } });
    balancer.observe(b, { now: 1, latencyMs: 20, result: 'ok', load: { inFlight: 0, latencyMs: 16 } });
    expect(pick(1)).toBe(b);
    b.inFlight = 1;
    expect(pick(1)).toBe(a);
    // For a 20 − 10 + (1 + 1 + 1)³ · 10 = 280.
    a.inFlight = 1;
    expect(pick(1)).toBe(b);
  });

  it('charges a failure as a long latency', () => {
    const { balancer, a, b, pick } = pair([10, 40], { decayMs: 1 });
    balancer.observe(a, { now: 100, latencyMs: 1, result: 'failed' });
    expect(pick(100)).toBe(b);
  });
});

it('tries an endpoint without history, or without recent answers, with at most one request in flight', () => {
  const { balancer, a, b, pick } = pair([10, 2000], { staleMs: 5000 });
  balancer.observe(a, { now: 5001, latencyMs: 10, result: 'ok' });
  expect(pick(5000)).toBe(a);
  expect(pick(5001)).toBe(b);
  b.inFlight = 1;
  a.inFlight = 50;
  expect(pick(5001)).toBe(a);
});

it('does not count a request that was cancelled early as an answer', () => {
  const { balancer, a, b, pick } = pair([10, 2000], { staleMs: 5000 });
  balancer.observe(a, { now: 5001, latencyMs: 10, result: 'ok' });
  expect(pick(5001)).toBe(b);
  balancer.observe(b, { now: 5002, latencyMs: 5, result: 'cancelled' });
  expect(pick(5002)).toBe(b);
});

it('keeps what it knows of endpoints that stay', () => {
  const { balancer, a, b, pick } = pair([300, 20]);
  balancer.update([b, a]);
  for (let n = 0; n < 5; n++) expect(pick(1)).toBe(b);
});

it('chooses weight 0 only when no other endpoint is left', () => {
  const balancer = c3()(new SeededRandom(1));
  const [zero, other] = someEndpoints(2, (index) => ({ weight: index })) as [Endpoint, Endpoint];
  balancer.update([zero, other]);
  other.inFlight = 1000;
  expect(balancer.pick({ now: 0, exclude: [] })).toBe(other);
  expect(balancer.pick({ now: 0, exclude: [other] })).toBe(zero);
});

it.each([2, 5])('gives %i equal busy endpoints roughly equal shares', (count) => {
  const requests = simulate({
    balancer: c3(),
    endpoints: someEndpoints(count),
    serve: (_backend, _now, random) => ({ latencyMs: Math.max(1, normal(50, 10, random)), result: 'ok' }),
    perSecond: 1000,
    seconds: 20,
    seed: 42,
  });
  expect(largestDeviation(requests, count)).toBeLessThan(0.1);
});

it('leaves a slow endpoint: in Linkerd’s test (see peak-ewma.test.ts) its success rate is between least request and peak EWMA', () => {
  const requests = simulate({
    balancer: c3(),
    endpoints: someEndpoints(11),
    serve: (backend, now, random) => ({
      latencyMs: backend === 0 && now >= 15_000 && now < 45_000 ? 2000 : normal(167, 5, random),
      result: 'ok',
    }),
    perSecond: 1000,
    seconds: 60,
    seed: 1,
  });
  const slow = requests.filter(({ latencyMs }) => latencyMs > 1000).length;
  expect(slow / requests.length).toBeLessThan(0.003);
});

it('refuses options out of their range', () => {
  expect(() => c3({ clients: 0 })).toThrow('clients is 0; it must be more than 0');
  expect(() => c3({ staleMs: 0 })).toThrow('staleMs is 0; it must be more than 0');
  expect(() => c3({ decayMs: 0 })).toThrow('decayMs is 0');
});
