/** What every table of named nodes promises. The test of each table runs this suite and adds cases. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32 } from '@rollcall/protocol';
import type { HashNode, HashNodes, HashTable } from './hash-table.ts';

export interface NamedTable {
  readonly build: (nodes: HashNodes) => HashTable;
  /** Largest share of 20 equal nodes, relative to the mean; sampling of the keys included. */
  readonly balance: number;
  /** Keys that move though neither their old nor their new node changed, as a share of all. */
  readonly excess: number;
}

/** Number of hashes in a test of shares. */
export function someHashes(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, n) => hash32(`key-${n}`));
}

export function someNames(count: number, prefix = 'node'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Counts the hashes of each node. */
function loads(table: HashTable, hashes: Int32Array, nodes: number): Float64Array {
  const counts = new Float64Array(nodes);
  for (const hash of hashes) {
    const node = table.lookup(hash);
    counts[node] = counts[node]! + 1;
  }
  return counts;
}

export function namedTableCases(name: string, { build, balance, excess }: NamedTable): void {
  const names = fc.uniqueArray(fc.string({ maxLength: 12 }), { minLength: 1, maxLength: 12 });
  const weighted = fc.uniqueArray(
    fc.record({ name: fc.string({ maxLength: 8 }), weight: fc.constantFrom(0.1, 1, 2, 5) }),
    { minLength: 1, maxLength: 10, selector: ({ name }) => name },
  );
  const anyHash = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 });

  describe(`${name}, as every table of named nodes`, () => {
    it('has no node for any hash while it is empty', () => {
      const table = build([]);
      expect(table.size).toBe(0);
      expect(table.lookup(5)).toBe(-1);
      expect(table.lookupAmong(5, { accepts: () => true })).toBe(-1);
    });

    it('gives the only node every key', () => {
      const table = build(['one']);
      for (const hash of [...someHashes(100), 0, -1, -(2 ** 31), 2 ** 32 - 1]) expect(table.lookup(hash)).toBe(0);
    });

    it('gives equal hashes the same node, signed or not, in whatever order the nodes come', () => {
      fc.assert(
        fc.property(weighted, fc.infiniteStream(fc.nat()), fc.array(anyHash, { maxLength: 50 }), (nodes, order, hashes) => {
          const shuffled = nodes.map((node) => ({ node, key: order.next().value })).sort((a, b) => a.key - b.key);
          const [one, other] = [build(nodes), build(shuffled.map(({ node }) => node))];
          for (const hash of hashes) {
            const index = one.lookup(hash);
            expect(shuffled[other.lookup(hash)]!.node).toBe(nodes[index]);
            expect(one.lookup(hash | 0)).toBe(index);
          }
        }),
        { numRuns: 25 },
      );
    });

    it('asks the node of a hash first, and others only when the filter refuses it', () => {
      fc.assert(
        fc.property(names, fc.array(fc.nat(11)), anyHash, (list, refused, hash) => {
          const table = build(list);
          expect(table.lookupAmong(hash, { accepts: () => true })).toBe(table.lookup(hash));
          const among = table.lookupAmong(hash, { accepts: (node) => !refused.includes(node) });
          const left = list.map((_, node) => node).filter((node) => !refused.includes(node));
          if (left.length === 0) expect(among).toBe(-1);
          else expect(left).toContain(among);
          if (left.includes(table.lookup(hash))) expect(among).toBe(table.lookup(hash));
        }),
        { numRuns: 50 },
      );
    });

    it('finds the only accepted node, however small its weight', () => {
      const table = build([{ name: 'heavy', weight: 10_000 }, { name: 'light', weight: 0.5 }, 'other']);
      for (const hash of someHashes(50)) {
        for (let only = 0; only < 3; only++) expect(table.lookupAmong(hash, { accepts: (node) => node === only })).toBe(only);
      }
    });

    it('moves the keys of a node that leaves, and back when it returns', () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (count, at) => {
          const list = someNames(count);
          const gone = at % count;
          expect(excessOf(build(list), build(list.toSpliced(gone, 1)), gone)).toBeLessThanOrEqual(excess);
        }),
        { numRuns: 15 },
      );
    });

    it(`gives 20 equal nodes at most ${balance} times the mean`, () => {
      const counts = loads(build(someNames(20)), someHashes(200_000), 20);
      expect(Math.max(...counts) / 10_000).toBeLessThan(balance);
      expect(Math.min(...counts) / 10_000).toBeGreaterThan(2 - balance);
    });

    it('gives nodes shares in proportion to their weights', () => {
      const nodes: HashNode[] = [1, 2, 5, 1, 2, 5, 0.5, 3].map((weight, index) => ({ name: `node-${index}`, weight }));
      const sum = nodes.reduce((total, { weight }) => total + weight!, 0);
      const counts = loads(build(nodes), someHashes(200_000), nodes.length);
      nodes.forEach(({ weight }, index) => {
        const share = counts[index]! / 200_000 / (weight! / sum);
        // A ring has few points for a light node, so its share spreads more.
        expect(Math.abs(share - 1)).toBeLessThan((balance - 1) * 2);
      });
    });

    it('refuses names that occur twice and weights that are not above 0', () => {
      expect(() => build(['a', 'b', 'a'])).toThrow('node "a" occurs twice');
      for (const weight of [0, -1, NaN, Infinity]) {
        expect(() => build(['a', { name: 'b', weight }])).toThrow(`the weight of node "b" is ${weight}`);
      }
    });
  });
}

/** Share of keys that moved between nodes which both lists have; `before` has one node more, at `gone`. */
export function excessOf(before: HashTable, after: HashTable, gone: number, keys = 20_000): number {
  let moved = 0;
  for (const hash of someHashes(keys)) {
    const from = before.lookup(hash);
    const to = after.lookup(hash);
    if (from !== gone && to + (to >= gone ? 1 : 0) !== from) moved += 1;
  }
  return moved / keys;
}
