import { expect, it } from 'vitest';
import { balancerCases, weightCases } from './balancer.case.ts';
import { leastConnections } from './least-connections.ts';
import { SeededRandom } from './seeded-random.ts';
import { normal, simulate, someEndpoints } from './simulation.case.ts';

balancerCases('least connections', leastConnections(), 0.05);
weightCases('least connections', leastConnections(), 0.02);

it('keeps the requests in flight of all endpoints within one of each other', () => {
  const balancer = leastConnections()(new SeededRandom(1));
  const endpoints = someEndpoints(30);
  balancer.update(endpoints);
  for (let n = 0; n < 1000; n++) {
    balancer.pick({ now: n, exclude: [] })!.inFlight += 1;
    const loads = endpoints.map(({ inFlight }) => inFlight);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  }
});

it('keeps them in proportion to the weights when there are many', () => {
  const balancer = leastConnections()(new SeededRandom(1));
  const endpoints = someEndpoints(3, (index) => ({ weight: [1, 2, 5][index]! }));
  balancer.update(endpoints);
  for (let n = 0; n < 800; n++) balancer.pick({ now: n, exclude: [] })!.inFlight += 1;
  endpoints.forEach(({ inFlight }, index) => expect(Math.abs(inFlight - [100, 200, 500][index]!)).toBeLessThanOrEqual(2));
});

it('takes turns among endpoints with equal counts', () => {
  const balancer = leastConnections()(new SeededRandom(1));
  const endpoints = someEndpoints(4);
  endpoints[2]!.inFlight = 1;
  balancer.update(endpoints);
  const picks = Array.from({ length: 6 }, () => endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!));
  expect(picks.slice(0, 3).toSorted((a, b) => a - b)).toEqual([0, 1, 3]);
  expect(picks.slice(3)).toEqual(picks.slice(0, 3));
});

it('leaves an endpoint that became slow', () => {
  const requests = simulate({
    balancer: leastConnections(),
    endpoints: someEndpoints(5),
    serve: (backend, _now, random) => ({ latencyMs: normal(backend === 0 ? 2000 : 20, 2, random), result: 'ok' }),
    perSecond: 500,
    seconds: 30,
    seed: 3,
  });
  expect(requests.filter(({ backend }) => backend === 0).length / requests.length).toBeLessThan(0.01);
});
