import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import { hash32 } from '@rollcall/protocol';
import { ketamaHash } from '../hashing/ketama-points.ts';
import { balancerCases } from './balancer.case.ts';
import type { Balancer } from './balancer.ts';
import type { HashBalancerFactory, HashOptions } from './hash-balancer.ts';
import { jump } from './hash-jump.ts';
import { maglev } from './hash-maglev.ts';
import { memento } from './hash-memento.ts';
import { rendezvous } from './hash-rendezvous.ts';
import { ringHash } from './hash-ring.ts';
import { SeededRandom } from './seeded-random.ts';
import { someEndpoints } from './simulation.case.ts';

const factories: Record<string, (options?: HashOptions) => HashBalancerFactory> = {
  'ring hash': (options = {}) => ringHash({ pointsPerNode: 40, ...options }),
  maglev: (options = {}) => maglev({ slots: 5003, ...options }),
  rendezvous,
  memento,
  jump,
};
const named = Object.entries(factories);

for (const [name, factory] of named) balancerCases(`${name} without keys`, factory(), 0.13);

const keys = Array.from({ length: 2000 }, (_, n) => `user-${n}`);

function over(factory: HashBalancerFactory, endpoints: readonly Endpoint[], seed = 1): Balancer {
  const balancer = factory(new SeededRandom(seed));
  balancer.update(endpoints);
  return balancer;
}

const picked = (balancer: Balancer) => keys.map((key) => balancer.pick({ now: 0, exclude: [], key }));

/** Must not change the result: order of the list, time, random numbers. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const ranked = list.map((item, index) => ({ item, rank: hash32(`${index}`, seed) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

describe.each(named)('%s with keys', (_name, factory) => {
  it('sends a key to the same endpoint as another client with a list in another order', () => {
    const endpoints = someEndpoints(17, (index) => ({ weight: 1 + (index % 3) }));
    // Another process: other objects for the same instances.
    const theirs = someEndpoints(17, (index) => ({ weight: 1 + (index % 3) }));
    const ids = (list: readonly (Endpoint | undefined)[]) => list.map((endpoint) => endpoint?.instance.id);
    const ours = ids(picked(over(factory(), endpoints)));
    expect(new Set(ours).size).toBe(17);
    expect(ids(picked(over(factory(), shuffled(theirs, 5), 2)))).toEqual(ours);
    expect(ids(picked(over(factory(), endpoints.toReversed(), 3)))).toEqual(ours);
  });

  it('sends a key to the same endpoint whatever its load, address, status or latency', () => {
    const endpoints = someEndpoints(5);
    const balancer = over(factory(), endpoints);
    const before = picked(balancer);
    endpoints.forEach((endpoint, index) => (endpoint.inFlight = index * 10));
    for (const endpoint of endpoints) balancer.observe(endpoint, { now: 1, latencyMs: 500, result: 'failed' });
    expect(picked(balancer)).toEqual(before);
    for (const endpoint of endpoints) {
      endpoint.instance = { ...endpoint.instance, status: 'warning', port: 9090, tags: ['new'] };
    }
    balancer.update(endpoints);
    expect(picked(balancer)).toEqual(before);
  });

  it('sends a key to another endpoint only while its own is excluded, always to the same one', () => {
    const endpoints = someEndpoints(6);
    const balancer = over(factory(), endpoints);
    const first = picked(balancer);
    const second = keys.map((key, at) => balancer.pick({ now: 0, exclude: [first[at]!], key }));
    second.forEach((endpoint, at) => expect(endpoint).not.toBe(first[at]));
    expect(new Set(second).size).toBe(6);
    expect(keys.map((key, at) => balancer.pick({ now: 9, exclude: [first[at]!], key }))).toEqual(second);
    expect(balancer.pick({ now: 0, exclude: endpoints, key: 'x' })).toBeUndefined();
    expect(picked(balancer)).toEqual(first);
  });

  it('uses the names of nameOf, even when two are equal', () => {
    const byPort = factory({ nameOf: ({ port }) => `${port}` });
    const endpoints = someEndpoints(4, (index) => ({ port: 8000 + (index >> 1) }));
    const before = picked(over(byPort, endpoints)).map((endpoint) => endpoint?.instance.port);
    // Restarted: other ids at the same ports.
    const restarted = someEndpoints(4, (index) => ({ id: `new-${index}`, port: 8000 + (index >> 1) }));
    const after = picked(over(byPort, shuffled(restarted, 3)));
    expect(after.map((endpoint) => endpoint?.instance.port)).toEqual(before);
    expect(new Set(after).size).toBe(4);
  });

  it('sends requests to weight 0 only if there is no other endpoint', () => {
    const endpoints = someEndpoints(4, (index) => ({ weight: index === 2 ? 0 : 1 }));
    const balancer = over(factory(), endpoints);
    expect(picked(balancer)).not.toContain(endpoints[2]);
    balancer.update([endpoints[2]!]);
    expect(balancer.pick({ now: 0, exclude: [], key: 'x' })).toBe(endpoints[2]);
  });

  it('hashes keys with the given keyHash', () => {
    const all = over(factory({ keyHash: () => 7 }), someEndpoints(9));
    expect(new Set(picked(all)).size).toBe(1);
  });
});

const returning = named.filter(([name]) => name !== 'jump');

it.each(returning)('%s: an endpoint that leaves takes its own keys with it, and gets them back', (name, factory) => {
  const endpoints = someEndpoints(10);
  const balancer = over(factory(), endpoints);
  const before = picked(balancer);
  balancer.update(endpoints.toSpliced(3, 1));
  const moved = picked(balancer).filter((endpoint, at) => endpoint !== before[at] && before[at] !== endpoints[3]);
  expect(moved.length).toBeLessThanOrEqual(name === 'maglev' ? 0.03 * keys.length : 0);
  balancer.update(endpoints);
  expect(picked(balancer)).toEqual(before);
});

describe('memento', () => {
  it('has every key at its own endpoint again when all are back, in every order of leaving and returning', () => {
    const endpoints = someEndpoints(8);
    const balancer = over(memento(), endpoints);
    const before = picked(balancer);
    const without = (...gone: number[]) => endpoints.filter((_, index) => !gone.includes(index));
    for (const list of [without(5), without(5, 1), without(5, 1, 7), without(1, 7), without(7, 2), without(2)]) {
      balancer.update(list);
      const now = picked(balancer);
      now.forEach((endpoint, at) => {
        expect(list).toContain(endpoint);
        if (list.includes(before[at]!)) expect(endpoint).toBe(before[at]);
      });
    }
    balancer.update(endpoints);
    expect(picked(balancer)).toEqual(before);
  });

  it('gives a new endpoint the keys of the one that it replaces', () => {
    const endpoints = someEndpoints(8);
    const balancer = over(memento(), endpoints);
    const before = picked(balancer);
    const [successor] = someEndpoints(1, () => ({ id: 'successor' })) as [Endpoint];
    balancer.update([...endpoints.toSpliced(4, 1), successor]);
    expect(picked(balancer)).toEqual(before.map((endpoint) => (endpoint === endpoints[4] ? successor : endpoint)));
    // The endpoint that was replaced comes back as a new one.
    balancer.update([...endpoints, successor]);
    const after = picked(balancer);
    after.forEach((endpoint, at) => expect([endpoints[4], before[at] === endpoints[4] ? successor : before[at]]).toContain(endpoint));
    expect(after).toContain(endpoints[4]);
  });
});

it('jump orders endpoints by their numbers: a tenth one takes keys only to itself', () => {
  const byId = jump({ nameOf: ({ id }) => id });
  const before = picked(over(byId, someEndpoints(10)));
  const eleven = someEndpoints(11);
  const after = picked(over(byId, shuffled(eleven, 4)));
  after.forEach((endpoint, at) => expect(['web-10', before[at]?.instance.id]).toContain(endpoint?.instance.id));
  expect(after).toContain(eleven[10]);
  const padded = ['db-9', 'db-010', 'db-11', 'db', 'db-9a', 'a-99999999999999999999', 'a-100000000000000000000'];
  const order = [5, 6, 3, 0, 4, 1, 2];
  const tables = padded.map((_, at) => someEndpoints(1, () => ({ id: padded[at]! }))[0]!);
  const balancer = over(jump({ nameOf: ({ id }) => id, keyHash: Number }), tables);
  const plain = over(jump({ nameOf: ({ id }) => id, keyHash: Number }), someEndpoints(7));
  for (let n = 0; n < 300; n++) {
    const place = Number(plain.pick({ now: 0, exclude: [], key: `${n}` })!.instance.id.slice(4));
    expect(balancer.pick({ now: 0, exclude: [], key: `${n}` })).toBe(tables[order[place]!]);
  }
});

it('ring hash picks as libketama with libketama’s names and hash', () => {
  const servers = someEndpoints(5, (index) => ({ address: `0.0.0.${index + 1}`, weight: index + 1 }));
  const balancer = over(ringHash({ nameOf: ({ address }) => address, keyHash: ketamaHash }), servers);
  // The first keys of the list that comes with npm hashring, made with libketama.
  const addresses = ['0', '1', '2', '3', '4'].map((key) => balancer.pick({ now: 0, exclude: [], key })?.instance.address);
  expect(addresses).toEqual(['0.0.0.4', '0.0.0.5', '0.0.0.4', '0.0.0.3', '0.0.0.5']);
});

it('requests without a key go to endpoints by weight', () => {
  const endpoints = someEndpoints(3, (index) => ({ weight: [1, 2, 5][index]! }));
  const balancer = over(maglev(), endpoints);
  const counts = endpoints.map(() => 0);
  for (let n = 0; n < 16_000; n++) counts[endpoints.indexOf(balancer.pick({ now: 0, exclude: [] })!)]! += 1;
  [2000, 4000, 10_000].forEach((expected, index) => expect(Math.abs(counts[index]! - expected)).toBeLessThan(300));
});

it('accepts more endpoints than a Maglev table has slots: those beyond get no keys', () => {
  const endpoints = someEndpoints(70);
  const balancer = over(maglev({ slots: 67 }), endpoints);
  expect(new Set(picked(balancer)).size).toBe(67);
});

it('refuses options out of range when it is made, not when the list comes', () => {
  expect(() => maglev({ slots: 65_536 })).toThrow('slots is 65536');
  expect(() => ringHash({ pointsPerNode: 10 })).toThrow('pointsPerNode is 10');
});
