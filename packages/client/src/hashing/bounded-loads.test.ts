import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedLoads } from './bounded-loads.ts';
import { hash32 } from '@rollcall/protocol';
import { someHashes, someNames } from './hash-table.case.ts';
import type { HashTable } from './hash-table.ts';
import { JumpTable } from './jump.ts';
import { MaglevTable } from './maglev-table.ts';
import { Memento } from './memento.ts';
import { Rendezvous } from './rendezvous.ts';
import { RingTable } from './ring-table.ts';

const tables: Record<string, (nodes: number) => HashTable> = {
  ring: (nodes) => new RingTable(someNames(nodes), { pointsPerNode: 16 }),
  Maglev: (nodes) => new MaglevTable(someNames(nodes), { slots: 1009 }),
  rendezvous: (nodes) => new Rendezvous(someNames(nodes)),
  jump: (nodes) => new JumpTable(nodes),
  Memento: (nodes) => withGaps(nodes),
};

/** Every third bucket is removed, so that the numbers of nodes have gaps. */
function withGaps(nodes: number): Memento {
  const memento = new Memento(nodes);
  while (memento.size < nodes) memento.add();
  for (let bucket = 0; bucket < nodes; bucket += 3) {
    memento.remove(bucket);
    if (memento.size === 0) break;
  }
  if (memento.size === 0) memento.add();
  return memento;
}

it.each(Object.keys(tables))('never gives a node of a %s more than ⌈c · mean⌉, whatever the keys', (name) => {
  const keys = fc.array(fc.nat(20), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.constantFrom(1, 1.1, 1.25, 2), keys, (nodes, factor, list) => {
      const table = tables[name]!(nodes);
      const bounded = new BoundedLoads(table, { factor });
      const counts = new Map<number, number>();
      for (const [at, key] of list.entries()) {
        const node = bounded.assign(hash32(`${key}`));
        counts.set(node, (counts.get(node) ?? 0) + 1);
        expect(counts.get(node)).toBeLessThanOrEqual(Math.ceil((factor * (at + 1)) / table.size));
      }
      expect(bounded.total).toBe(list.length);
      for (const [node, count] of counts) expect(bounded.load(node)).toBe(count);
      expect(Math.max(...counts.values())).toBeLessThanOrEqual(Math.ceil((factor * list.length) / table.size));
    }),
    { numRuns: 60 },
  );
});

it('holds the bound when all requests have one key, which the plain table sends to one node', () => {
  const bounded = new BoundedLoads(new MaglevTable(someNames(10)));
  for (let n = 0; n < 1000; n++) bounded.assign(hash32('hot'));
  const loads = Array.from({ length: 10 }, (_, node) => bounded.load(node));
  expect(Math.max(...loads)).toBe(125);
  // All nodes but the last few in the key's order are full.
  expect(loads.filter((load) => load === 125)).toHaveLength(8);
});

it('leaves keys at their own node while it has room', () => {
  const table = new RingTable(someNames(10), { pointsPerNode: 1600 });
  const bounded = new BoundedLoads(table, { factor: 3 });
  for (const hash of someHashes(2000)) {
    const own = table.lookup(hash);
    const room = bounded.load(own) < bounded.bound(own);
    expect(bounded.assign(hash) === own).toBe(room);
  }
});

it('holds the bound for every assignment while others are released', () => {
  const table = new Rendezvous(someNames(7));
  fc.assert(
    fc.property(fc.array(fc.record({ key: fc.nat(5), releases: fc.nat(3) }), { maxLength: 300 }), (steps) => {
      const bounded = new BoundedLoads(table);
      const held: number[] = [];
      for (const { key, releases } of steps) {
        for (let n = 0; n < releases && held.length > 0; n++) bounded.release(held.splice(key % held.length, 1)[0]!);
        const bound = Math.ceil((1.25 * (held.length + 1)) / 7);
        const node = bounded.assign(hash32(`${key}`));
        held.push(node);
        expect(bounded.load(node)).toBeLessThanOrEqual(bound);
        expect(bounded.load(node)).toBe(held.filter((one) => one === node).length);
      }
    }),
    { numRuns: 50 },
  );
});

it('bounds each node in proportion to its weight', () => {
  const weights = [1, 2, 5];
  const table = new MaglevTable(weights.map((weight, index) => ({ name: `n${index}`, weight })));
  const bounded = new BoundedLoads(table, { weights });
  for (let n = 0; n < 800; n++) bounded.assign(hash32('hot'));
  weights.forEach((weight, node) => expect(bounded.load(node)).toBeLessThanOrEqual(Math.ceil(1.25 * 100 * weight)));
  expect(bounded.total).toBe(800);
});

it('assigns nothing over an empty table, and refuses a wrong factor, weight or release', () => {
  expect(new BoundedLoads(new Memento(0)).assign(1)).toBe(-1);
  for (const factor of [0.99, NaN, 1001]) {
    expect(() => new BoundedLoads(new JumpTable(1), { factor })).toThrow(`factor is ${factor}`);
  }
  expect(() => new BoundedLoads(new JumpTable(2), { weights: [1, 0] })).toThrow('a weight is 0');
  expect(() => new BoundedLoads(new JumpTable(2)).release(1)).toThrow('node 1 has nothing to release');
});
