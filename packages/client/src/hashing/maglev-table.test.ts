import { expect, it } from 'vitest';
import { hash32 } from '@rollcall/protocol';
import { excessOf, namedTableCases, someHashes, someNames } from './hash-table.case.ts';
import { MaglevTable } from './maglev-table.ts';

namedTableCases('Maglev', { build: (nodes) => new MaglevTable(nodes), balance: 1.03, excess: 0.01 });

it('fills its slots as the paper says, turn by turn through each permutation', () => {
  // The paper's pseudocode with lists instead of cursors.
  const names = someNames(7);
  const slots = 101;
  const permutations = names.map((name) => {
    const offset = (hash32(name, 0x6f666673) >>> 0) % slots;
    const skip = ((hash32(name, 0x736b6970) >>> 0) % (slots - 1)) + 1;
    return Array.from({ length: slots }, (_, turn) => (offset + turn * skip) % slots);
  });
  const owner: number[] = [];
  for (let taken = 0; taken < slots; ) {
    for (let node = 0; node < names.length && taken < slots; node++) {
      const slot = permutations[node]!.find((one) => owner[one] === undefined)!;
      owner[slot] = node;
      taken += 1;
    }
  }
  const table = new MaglevTable(names, { slots });
  expect(Array.from({ length: slots }, (_, slot) => table.lookup(slot))).toEqual(owner);
  expect(table.lookup(slots + 5)).toBe(owner[5]);
  expect(table.lookup(-1)).toBe(owner[(2 ** 32 - 1) % slots]);
});

it.each([3, 10, 100, 600])('gives each of %i equal nodes the same number of slots, or one less', (count) => {
  const table = new MaglevTable(someNames(count));
  const counts = slotCounts(table, count);
  expect(Math.max(...counts)).toBe(Math.ceil(65_537 / count));
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(Math.floor(65_537 / count));
});

it('gives slots in proportion to weights, within two slots, and at least one', () => {
  const weights = [1, 2, 5, 0.3, 1e-9];
  const nodes = weights.map((weight, index) => ({ name: `n${index}`, weight }));
  const counts = slotCounts(new MaglevTable(nodes), weights.length);
  weights.forEach((weight, index) => expect(Math.abs(counts[index]! - (65_537 * weight) / 8.3)).toBeLessThan(2));
  expect(counts[4]).toBe(1);
});

it.each([2, 10, 100, 300, 1000])('moves fewer than 1 %% of all keys apart from those of the node that leaves, of %i', (count) => {
  const names = someNames(count);
  const gone = count >> 1;
  const excess = excessOf(new MaglevTable(names), new MaglevTable(names.toSpliced(gone, 1)), gone);
  expect(excess).toBeLessThan(0.01);
});

it('refuses slots that are no prime, and more nodes than slots', () => {
  for (const slots of [0, 1, 2, 4, 65_536, 65_539.5, 16_777_259, NaN, Infinity, -7]) {
    expect(() => new MaglevTable(['a'], { slots })).toThrow(`slots is ${slots}; it must be a prime`);
  }
  expect(() => new MaglevTable(someNames(8), { slots: 7 })).toThrow('8 nodes exceed the 7');
  const full = new MaglevTable(someNames(7), { slots: 7 });
  expect(new Set(someHashes(500).map((hash) => full.lookup(hash))).size).toBe(7);
});

function slotCounts(table: MaglevTable, nodes: number): number[] {
  const counts = Array.from({ length: nodes }, () => 0);
  for (let slot = 0; slot < table.slots; slot++) counts[table.lookup(slot)]! += 1;
  return counts;
}
