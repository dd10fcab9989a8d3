/** Which endpoints a client gets of a service with a subset. */

import fc from 'fast-check';
import { identityOf, subsetOf } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import type { Endpoint, Locality } from './endpoints.ts';
import { localityOf } from './endpoints.ts';
import { ordinalsMax, readerOf, type Reader } from './reader.ts';
import { countOf, subsetFor } from './subset.ts';

const node = (id: string, metadata: Readonly<Record<string, string>> = {}) => ({ ...{ id, agent: '', region: 'eu', zone: 'eu-1' }, metadata: new Map(Object.entries(metadata)) });
const reader = (ordinal: number, region = '', zone = '', ownZoneFirst = false): Reader => ({ ordinal, place: { region, zone, ownZoneFirst } });

function locality(region: string, zone: string, count: number, more: Partial<Endpoint> = {}): Locality {
  const endpoint = (at: number): Endpoint => ({ key: identityOf({ node: '', id: `${region}-${zone}-${at}`, address: '10.0.0.1', port: at }), isCanary: false, weight: 2, isReady: true, bytes: Buffer.alloc(0), ...more });
  return localityOf({ region, zone }, Array.from({ length: count }, (_, at) => endpoint(at)));
}

const keysOf = (localities: readonly Locality[]) => localities.flatMap(({ endpoints }) => endpoints.map(({ key }) => key));
const counts = (localities: readonly Locality[]) => localities.map(({ region, zone, endpoints }) => `${region}/${zone} ${endpoints.length}`);

test('a client gets the instances that a client of Rollcall with the same number chooses, in all zones together', () => {
  const all = [locality('eu', 'eu-1', 30), locality('eu', 'eu-2', 30)];
  for (const ordinal of [0, 7, 12, 4_711]) {
    const chosen = subsetFor(all, 10, reader(ordinal));
    const keys = keysOf(all);
    expect(new Set(keysOf(chosen))).toEqual(new Set(subsetOf(keys, ordinal, 10).map((index) => keys[index])));
    expect(chosen.map(({ weight, ready, endpoints }) => [weight, ready].join() === [2 * endpoints.length, endpoints.length].join())).not.toContain(false);
  }
});

test.each<[string, Reader, readonly string[]]>([
  ['in its region, and for failures in others', reader(3, 'eu', 'eu-1'), ['eu 4', 'us 4']],
  ['in its zone, when it comes first, in the rest of its region and in others', reader(3, 'eu', 'eu-1', true), ['eu-1 4', 'eu-2 4', 'us-1 4']],
])('a client has a subset %s', (_what, of, wanted) => {
  const chosen = subsetFor([locality('eu', 'eu-1', 20), locality('eu', 'eu-2', 20), locality('us', 'us-1', 20)], 4, of);
  const sums = new Map<string, number>();
  for (const { region, zone, endpoints } of chosen) {
    const name = of.place.ownZoneFirst ? zone : region;
    sums.set(name, (sums.get(name) ?? 0) + endpoints.length);
  }
  expect([...sums].map(([name, count]) => `${name} ${count}`)).toEqual(wanted);
});

test('where there are not more instances than the subset has, a client gets all', () => {
  const all = [locality('eu', 'eu-1', 2), locality('us', 'us-1', 9)];
  expect(counts(subsetFor(all, 4, reader(1, 'eu')))).toEqual(['eu/eu-1 2', 'us/us-1 4']);
  expect(countOf(all)).toBe(11);
});

test('the canary and the rest have a subset each, so that none of them is empty', () => {
  const { endpoints: rest } = locality('', '', 50);
  const { endpoints: canary } = locality('', 'c', 3, { isCanary: true });
  const [chosen] = subsetFor([localityOf({ region: '', zone: '' }, [...rest, ...canary])], 5, reader(9));
  expect([chosen?.endpoints.length, chosen?.endpoints.filter(({ isCanary }) => isCanary).length]).toEqual([8, 3]);
});

describe('instances', () => {
  const clientsOf = (clients: readonly Reader[], all: readonly Locality[], size: number) => {
    const sums = new Map(keysOf(all).map((key) => [key, 0]));
    for (const each of clients) for (const key of keysOf(subsetFor(all, size, each))) sums.set(key, (sums.get(key) ?? 0) + 1);
    return [...sums.values()];
  };
  const all = [locality('eu', 'eu-1', 25), locality('eu', 'eu-2', 25)];

  test('have clients within one of each other, where clients have numbers from an operator', () => {
    const clients = Array.from({ length: 100 }, (_, at) => readerOf(node('edge', { ordinal: `${at}` })));
    const found = clientsOf(clients, all, 5);
    // 100 clients in ten lots of ten, of which each uses every instance once.
    expect([Math.min(...found), Math.max(...found)]).toEqual([10, 10]);
  });

  test('have about as many clients each as random subsets would give them, where only the ids of nodes are known', () => {
    const clients = Array.from({ length: 1_000 }, (_, at) => readerOf(node(`sidecar~10.1.${at >> 8}.${at & 255}~shop`)));
    const found = clientsOf(clients, all, 5);
    const deviation = Math.sqrt(found.reduce((sum, count) => sum + (count - 100) ** 2, 0) / found.length);
    // Binomial with a mean of 100: a standard deviation of 9.5.
    expect(deviation).toBeLessThan(14);
    expect([Math.min(...found) > 60, Math.max(...found) < 140]).toEqual([true, true]);
  });

  test('that come or go change at most two endpoints of a client, and mostly none', () => {
    let changed = 0;
    fc.assert(
      fc.property(fc.nat({ max: ordinalsMax - 1 }), fc.nat({ max: 24 }), fc.integer({ min: 1, max: 20 }), (ordinal, victim, size) => {
        const [one, other] = all as [Locality, Locality];
        const left = [localityOf(one, one.endpoints.filter((_, at) => at !== victim)), other];
        const before = new Set(keysOf(subsetFor(all, size, reader(ordinal))));
        const added = keysOf(subsetFor(left, size, reader(ordinal))).filter((key) => !before.has(key));
        if (added.length > 0) changed++;
        expect(added.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
    expect(changed).toBeLessThan(140);
  });
});

describe('the number of a client', () => {
  test('follows from the id of its node, and is the same everywhere', () => {
    expect(['edge-1', 'edge-2', ''].map((id) => readerOf(node(id)).ordinal)).toEqual([411, 778, 0]);
  });

  test('is that of its metadata, if it has one', () => {
    expect(readerOf(node('edge-1', { ordinal: '17' })).ordinal).toBe(17);
  });

  test.each(['', '-1', '1.5', 'seven', '1e99'])('%j is none', (ordinal) => {
    expect(() => readerOf(node('edge-1', { ordinal }))).toThrow(`the metadata of the node has the ordinal ${JSON.stringify(ordinal)}, it must be a whole number`);
  });
});
