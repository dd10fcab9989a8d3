import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { balancerCases } from './balancer.case.ts';
import { boundedLoad } from './bounded-load.ts';
import { jump } from './hash-jump.ts';
import { maglev } from './hash-maglev.ts';
import { memento } from './hash-memento.ts';
import { rendezvous } from './hash-rendezvous.ts';
import { ringHash } from './hash-ring.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

balancerCases('bounded load without keys', boundedLoad(maglev({ slots: 5003 })), 0.13);

const inner = {
  'ring hash': ringHash({ pointsPerNode: 16 }),
  maglev: maglev({ slots: 1009 }),
  rendezvous: rendezvous(),
  memento: memento(),
  jump: jump(),
};

describe.each(Object.entries(inner))('over %s', (_name, over) => {
  it('picks no endpoint that would then have more than ⌈1.25 · mean⌉ requests in flight', () => {
    const step = fc.record({ key: fc.option(fc.nat(4), { nil: undefined }), ends: fc.nat(2) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 200 }), (count, steps) => {
        const endpoints = someEndpoints(count);
        const balancer = boundedLoad(over)(new SeededRandom(3));
        balancer.update(endpoints);
        const running: Endpoint[] = [];
        for (const { key, ends } of steps) {
          for (const ended of running.splice(0, ends)) ended.inFlight -= 1;
          const picked = balancer.pick({ now: 0, exclude: [], key: key === undefined ? undefined : `${key}` })!;
          picked.inFlight += 1;
          running.push(picked);
          expect(picked.inFlight).toBeLessThanOrEqual(Math.ceil((1.25 * running.length) / count));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('sends a hot key to its endpoint up to the bound, then to a second endpoint, always the same', () => {
    const endpoints = someEndpoints(5);
    const balancer = boundedLoad(over)(new SeededRandom(3));
    balancer.update(endpoints);
    const pick = () => balancer.pick({ now: 0, exclude: [], key: 'hot' })!;
    const own = pick();
    for (const endpoint of endpoints) endpoint.inFlight = 4;
    expect(pick()).toBe(own);
    own.inFlight = 6;
    const next = pick();
    expect(next).not.toBe(own);
    expect([pick(), pick()]).toEqual([next, next]);
    own.inFlight = 4;
    expect(pick()).toBe(own);
  });

  it('picks an untried endpoint with room; if all are full, an untried endpoint', () => {
    const endpoints = someEndpoints(3);
    const balancer = boundedLoad(over)(new SeededRandom(3));
    balancer.update(endpoints);
    const own = balancer.pick({ now: 0, exclude: [], key: 'k' })!;
    const [one, other] = endpoints.filter((endpoint) => endpoint !== own) as [Endpoint, Endpoint];
    one.inFlight = 9;
    expect(balancer.pick({ now: 0, exclude: [own], key: 'k' })).toBe(other);
    other.inFlight = 9;
    expect([one, other]).toContain(balancer.pick({ now: 0, exclude: [own], key: 'k' }));
    expect(balancer.pick({ now: 0, exclude: endpoints, key: 'k' })).toBeUndefined();
  });
});

it('bounds each endpoint in proportion to its weight', () => {
  const endpoints = someEndpoints(3, (index) => ({ weight: [1, 2, 5][index]! }));
  const balancer = boundedLoad(rendezvous())(new SeededRandom(1));
  balancer.update(endpoints);
  for (let n = 1; n <= 800; n++) balancer.pick({ now: 0, exclude: [], key: 'hot' })!.inFlight += 1;
  expect(endpoints.map(({ inFlight }) => inFlight).reduce((sum, count) => sum + count)).toBe(800);
  [125, 250, 625].forEach((bound, index) => expect(endpoints[index]!.inFlight).toBeLessThanOrEqual(bound));
});

it('bounds equal shares when all weights are 0', () => {
  const endpoints = someEndpoints(4, () => ({ weight: 0 }));
  const balancer = boundedLoad()(new SeededRandom(1));
  balancer.update(endpoints);
  for (let n = 0; n < 400; n++) balancer.pick({ now: 0, exclude: [], key: 'hot' })!.inFlight += 1;
  expect(Math.max(...endpoints.map(({ inFlight }) => inFlight))).toBe(125);
});

it('refuses a factor below 1', () => {
  expect(() => boundedLoad(maglev(), { factor: 0.9 })).toThrow('factor is 0.9; it must be from 1 to 1,000');
});
