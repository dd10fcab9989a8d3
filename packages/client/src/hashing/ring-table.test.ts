import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32 } from '@rollcall/protocol';
import { namedTableCases } from './hash-table.case.ts';
import { digestCounts, ketamaHash, pointsOf } from './ketama-points.ts';
import { RingTable } from './ring-table.ts';

const require = createRequire(import.meta.url);
/** npm `hashring` 3.2.0, which its authors checked against libketama. */
const HashRing = require('hashring') as new (servers: Record<string, number>, algorithm: string, options?: object) => {
  get(key: string): string;
  points(): Record<string, number[]>;
};

// 160 points spread by about 8 %, and the fullest of 20 has about two of that.
namedTableCases('a ring', { build: (nodes) => new RingTable(nodes), balance: 1.25, excess: 0 });

describe('as libketama', () => {
  it('places the 100,000 keys of its Python binding’s list, weights 1 to 5, on the same nodes', () => {
    // libketama itself produced the file; see ketama.py beside it.
    const expected = readFileSync(require.resolve('hashring/tests/fixtures/ketama.txt'), 'utf8').trim().split('\n');
    const names = ['0.0.0.1', '0.0.0.2', '0.0.0.3', '0.0.0.4', '0.0.0.5'];
    const ring = new RingTable(names.map((name, index) => ({ name, weight: index + 1 })));
    const ours = Array.from({ length: 100_000 }, (_, n) => `${n} ${names[ring.lookup(ketamaHash(`${n}`))]}`);
    expect(expected).toHaveLength(100_000);
    expect(ours).toEqual(expected);
  });

  it.each([1, 2, 10, 25])('places keys on %i equal nodes as npm hashring does', (count) => {
    const names = Array.from({ length: count }, (_, index) => `10.0.1.${index}:11211`);
    const theirs = new HashRing(Object.fromEntries(names.map((name) => [name, 1])), 'md5', { 'max cache size': 1 });
    const ours = new RingTable(names);
    for (let n = 0; n < 3000; n++) {
      const key = `cache/${n}/é`;
      expect(names[ours.lookup(ketamaHash(key))]).toBe(theirs.get(key));
    }
    expect(pointsOf(names[0]!, 40).sort()).toEqual(Uint32Array.from(theirs.points()[names[0]!]!).sort());
  });

  it('gives equal nodes 40 digests each, 39 where single precision rounds down, and always at least one', () => {
    const ofEqual = (count: number) => [...new Set(digestCounts(Array.from({ length: count }, () => 1), 40))];
    // npm hashring computes in double precision and has 39 at 7 and 49 nodes.
    for (const count of [1, 3, 7, 10, 49, 100, 1000]) expect(ofEqual(count)).toEqual([40]);
    for (const count of [61, 976]) expect(ofEqual(count)).toEqual([39]);
    expect(digestCounts([1, 100_000], 40)).toEqual([1, 79]);
  });
});

it('gives the node of the first point at or after the hash, as a search through all points does', () => {
  const names = fc.uniqueArray(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 12 });
  const hashes = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), { maxLength: 50 });
  fc.assert(
    fc.property(names, fc.constantFrom(4, 16, 160), hashes, (list, pointsPerNode, some) => {
      const ring = new RingTable(list, { pointsPerNode });
      const digests = digestCounts(list.map(() => 1), pointsPerNode / 4);
      const points = list.flatMap((name, node) => [...pointsOf(name, digests[node]!)].map((point) => ({ point, node })));
      points.sort((a, b) => a.point - b.point);
      // Edge cases: the points themselves, their neighbours, and both ends of the ring.
      const corners = points.flatMap(({ point }) => [point - 1, point, point + 1]);
      for (const hash of [...some, ...corners, 0, -1, 0xffffffff]) {
        const naive = points.find(({ point }) => point >= hash >>> 0) ?? points[0]!;
        expect(ring.lookup(hash)).toBe(naive.node);
      }
    }),
    { numRuns: 60 },
  );
});

it('asks the nodes in the order of the ring', () => {
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const ring = new RingTable(names);
  for (let n = 0; n < 200; n++) {
    // The first one is beyond the last point: the ring closes.
    const hash = n === 0 ? -1 : hash32(`${n}`);
    const first = ring.lookup(hash);
    const second = ring.lookupAmong(hash, { accepts: (node) => node !== first });
    // The next node on the ring gets the key when the first leaves.
    const rest = names.filter((_, index) => index !== first);
    expect(names[second]).toBe(rest[new RingTable(rest).lookup(hash)]);
  }
});

it('builds the same ring when it reuses the points of an earlier one', () => {
  const earlier = new RingTable([{ name: 'a', weight: 1 }, { name: 'b', weight: 3 }, 'gone']);
  const nodes = [{ name: 'new' }, { name: 'a', weight: 4 }, { name: 'b', weight: 1 }];
  const [fresh, reused] = [new RingTable(nodes), new RingTable(nodes, { previous: earlier })];
  for (let n = 0; n < 5000; n++) expect(reused.lookup(hash32(`${n}`))).toBe(fresh.lookup(hash32(`${n}`)));
});

it('refuses points per node that are no multiple of 4 or too many', () => {
  for (const pointsPerNode of [0, 3, 6, -4, 65_540, NaN, Infinity]) {
    expect(() => new RingTable(['a'], { pointsPerNode })).toThrow(`pointsPerNode is ${pointsPerNode}`);
  }
  const many = Array.from({ length: 65 }, (_, index) => `${index}`);
  expect(() => new RingTable(many, { pointsPerNode: 65_536 })).toThrow('65 nodes of 65536 points exceed 4194304');
});
