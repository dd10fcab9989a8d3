import { expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases, weightCases } from './balancer.case.ts';
import { responseTimeWeighted } from './response-time-weighted.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';

balancerCases('response-time weighted', responseTimeWeighted(), 0.1);
weightCases('response-time weighted', responseTimeWeighted(), 0.01);

const sharesOf = (latencies: readonly number[], fields = (_index: number) => ({}), recovers = Infinity) => {
  const requests = simulate({
    balancer: responseTimeWeighted({ decayMs: 2000 }),
    endpoints: someEndpoints(latencies.length, fields),
    serve: (backend, now, random) => {
      const mean = now > recovers ? Math.min(...latencies) : latencies[backend]!;
      return { latencyMs: normal(mean, mean / 20, random), result: 'ok' };
    },
    perSecond: 500,
    seconds: 40,
    seed: 8,
  }).filter(({ at }) => at > 20_000);
  return latencies.map((_, backend) => requests.filter((request) => request.backend === backend).length / requests.length);
};

it('picks each endpoint at a rate in proportion to 1 ÷ latency', () => {
  const shares = sharesOf([10, 20, 40]);
  [4 / 7, 2 / 7, 1 / 7].forEach((due, index) => expect(Math.abs(shares[index]! - due)).toBeLessThan(0.02));
});

it('picks each endpoint at a rate in proportion to its weight', () => {
  const shares = sharesOf([10, 20], (index) => ({ weight: 1 + 2 * index }));
  expect(Math.abs(shares[0]! - 2 / 5)).toBeLessThan(0.02);
});

it('returns to an endpoint that recovered', () => {
  const [recovered] = sharesOf([2000, 20, 20], undefined, 10_000) as [number];
  expect(Math.abs(recovered - 1 / 3)).toBeLessThan(0.05);
});

it('sends no extra requests to an endpoint that fails at once', () => {
  const requests = simulate({
    balancer: responseTimeWeighted(),
    endpoints: someEndpoints(10),
    serve: (backend, _now, random) =>
      backend === 0 ? { latencyMs: 1, result: 'failed' } : { latencyMs: Math.max(5, normal(100, 30, random)), result: 'ok' },
    perSecond: 100,
    seconds: 60,
    seed: 5,
  });
  expect(requests.filter(({ result }) => result === 'failed').length / requests.length).toBeLessThan(0.02);
});

it('treats an endpoint without history as an average one, even while it does not answer', () => {
  const balancer = responseTimeWeighted()(new SeededRandom(2));
  const endpoints = someEndpoints(5);
  const fresh = endpoints[4] as Endpoint;
  balancer.update(endpoints.slice(0, 4));
  const turn = (now: number) => {
    const picked = balancer.pick({ now, exclude: [] }) as Endpoint;
    if (picked !== fresh) balancer.observe(picked, { now: now + 1, latencyMs: 50, result: 'ok' });
    return picked;
  };
  for (let n = 0; n < 100; n++) turn(n);
  balancer.update(endpoints);
  const picks = Array.from({ length: 1000 }, (_, n) => turn(100 + n));
  expect(Math.abs(picks.filter((picked) => picked === fresh).length - 200)).toBeLessThan(5);
});

it('refuses options out of their range', () => {
  expect(() => responseTimeWeighted({ decayMs: 0 })).toThrow('decayMs is 0; it must be more than 0');
  expect(() => responseTimeWeighted({ failureMs: -1 })).toThrow('failureMs is -1; it must be 0 or more');
});
