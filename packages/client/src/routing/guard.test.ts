import { expect, it } from 'vitest';
import { Picker } from './picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { Router } from './router.ts';
import { Breakers } from '../resilience/breaker.ts';
import { Guard } from './guard.ts';

/** A hundred endpoints; all but those in `free` are at their limit. */
function setUp(free: readonly number[]) {
  const random = new SeededRandom(1);
  const router = new Router({}, () => new Picker(roundRobin(), {}, random), random);
  router.update(Array.from({ length: 100 }, (_, n) => anInstance(`web-${n}`)), 0);
  const endpoints: Endpoint[] = [];
  router.any((endpoint) => (endpoints.push(endpoint), false));
  endpoints.forEach((endpoint, index) => (endpoint.inFlight = free.includes(index) ? 0 : 2));
  const breakers = new Breakers({ requestsMin: 1, openMs: 1000 });
  let proposals = 0;
  const counted = {
    pick: (...given: Parameters<Router['pick']>) => (proposals++, router.pick(...given)),
    any: (allows: (endpoint: Endpoint) => boolean) => router.any(allows),
    observe: () => {},
  };
  return { guard: new Guard(counted, breakers, 2), breakers, endpoints, proposed: () => proposals };
}

it('finds the only endpoint that may get a request, at any position', () => {
  const { guard, endpoints } = setUp([77]);
  expect(guard.pick(0)).toBe(endpoints[77]);
});

it('spreads requests that the balancer cannot place over endpoints with room', () => {
  const { guard } = setUp([20, 50, 80]);
  const found = Array.from({ length: 30 }, () => guard.pick(0)?.instance.id);
  expect(new Set(found).size).toBe(3);
});

it('skips endpoints that the request already tried, and those whose breaker is open', () => {
  const { guard, breakers, endpoints } = setUp([20, 50, 80]);
  const [a, b, c] = [endpoints[20], endpoints[50], endpoints[80]] as [Endpoint, Endpoint, Endpoint];
  breakers.observe(b, false, 0);
  expect(guard.pick(1, [a])).toBe(c);
  expect(() => guard.pick(1, [a, c])).toThrow('1 failed too often lately, 97 have 2 requests in flight');
});

it('asks the balancer only a few times when all endpoints are full, so that a service that is down costs its callers little', () => {
  const { guard, proposed } = setUp([]);
  expect(() => guard.pick(0)).toThrow('100 have 2 requests in flight');
  expect(proposed()).toBeLessThanOrEqual(8);
});
