import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32 } from '../hash32.ts';
import { lotSize, subsetOf } from './subset.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `node-${index}\nweb-${index}`);
const chosen = (list: readonly string[], ordinal: number, size: number) => new Set(subsetOf(list, ordinal, size).map((index) => list[index] as string));

const scene = fc.record({
  count: fc.integer({ min: 1, max: 200 }),
  size: fc.integer({ min: 1, max: 40 }),
  ordinal: fc.integer({ min: 0, max: 500 }),
});

describe('a subset', () => {
  it('has the size, or all endpoints when there are fewer', () => {
    fc.assert(
      fc.property(scene, ({ count, size, ordinal }) => {
        expect(chosen(names(count), ordinal, size).size).toBe(Math.min(count, size));
      }),
    );
  });

  it('does not depend on the order of the list', () => {
    fc.assert(
      fc.property(scene, ({ count, size, ordinal }) => {
        const list = names(count);
        expect(chosen(list.toReversed(), ordinal, size)).toEqual(chosen(list, ordinal, size));
      }),
    );
  });

  it('is the same for equal ranks, which are rare, in any order of the list', () => {
    // Found by search: equal hashes with the seed of the first lot.
    const [one, other] = ['web-52883', 'web-102484'] as const;
    expect(hash32(one, 0)).toBe(hash32(other, 0));
    const list = [one, ...names(3), other];
    for (let ordinal = 0; ordinal < lotSize; ordinal++) expect(chosen(list.toReversed(), ordinal, 1)).toEqual(chosen(list, ordinal, 1));
  });

  it('changes by at most two connections when an instance leaves, and by less than one on average', () => {
    const list = names(100);
    let opened = 0;
    for (let ordinal = 0; ordinal < 200; ordinal++) {
      const before = chosen(list, ordinal, 20);
      for (const name of chosen(list.slice(1), ordinal, 20)) if (!before.has(name)) opened += 1;
    }
    expect(opened / 200).toBeLessThan(1);

    fc.assert(
      fc.property(scene, fc.nat(), ({ count, size, ordinal }, victim) => {
        const list = names(count);
        const left = list.filter((_, index) => index !== victim % count);
        const before = chosen(list, ordinal, size);
        const added = [...chosen(left, ordinal, size)].filter((name) => !before.has(name));
        expect(added.length).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe('instances that get no traffic', () => {
  const outOf = (count: number, ordinal: number, size: number, isOut: (name: string) => boolean) => {
    const list = names(count);
    return subsetOf(list, ordinal, size, (index) => !isOut(list[index] as string)).map((index) => list[index] as string);
  };
  const isOutIn = (seed: number) => (name: string) => hash32(name, seed) % 3 === 0;

  it('keep their place, and as many others are used beside them as there are', () => {
    fc.assert(
      fc.property(scene, fc.nat(), ({ count, size, ordinal }, seed) => {
        const isOut = isOutIn(seed);
        const used = outOf(count, ordinal, size, isOut);
        expect(new Set(used).size).toBe(used.length);
        expect(used).toEqual(expect.arrayContaining([...chosen(names(count), ordinal, size)]));
        const ready = names(count).filter((name) => !isOut(name)).length;
        expect(used.filter((name) => !isOut(name)).length).toBe(Math.min(size, ready));
        expect(used.length).toBeLessThanOrEqual(2 * size);
      }),
    );
  });

  it('change only the subsets that have them', () => {
    fc.assert(
      fc.property(scene, fc.nat(), fc.nat(), ({ count, size, ordinal }, seed, at) => {
        const isOut = isOutIn(seed);
        const victim = names(count)[at % count] as string;
        const before = outOf(count, ordinal, size, (name) => name !== victim && isOut(name));
        const after = outOf(count, ordinal, size, (name) => name === victim || isOut(name));
        if (!before.includes(victim)) expect(after).toEqual(before);
        else expect(after.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

it.each([
  // Instances by number. Clients of other versions, and the registry, must choose the same.
  [0, 3, [5, 11, 1]],
  [1, 3, [0, 9, 2]],
  [7, 3, [3, 7, 5]],
  [10, 3, [10, 2, 9]],
  [4_321, 2, [7, 4]],
  [99_999, 5, [3, 9, 4, 2, 0]],
])('the subset of ordinal %i with size %i is always the same', (ordinal, size, expected) => {
  expect(subsetOf(names(12), ordinal, size)).toEqual(expected);
});

describe('instances', () => {
  const connections = (count: number, callers: number, size: number) => {
    const list = names(count);
    const counts = new Map(list.map((name) => [name, 0]));
    for (let ordinal = 0; ordinal < callers; ordinal++) {
      for (const name of chosen(list, ordinal, size)) counts.set(name, (counts.get(name) as number) + 1);
    }
    return [...counts.values()];
  };

  it('have the same number of connections from each full lot of callers, within one', () => {
    for (const [count, size] of [[100, 20], [37, 5], [500, 50]] as const) {
      const counts = connections(count, lotSize, size);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('have at most one of the first callers each, as long as there are enough instances', () => {
    expect(Math.max(...connections(300, lotSize, 20))).toBe(1);
  });

  it('have more equal numbers of callers than with random subsets, also when the last lot is not full', () => {
    const deviation = (counts: readonly number[]) => {
      const mean = counts.reduce((sum, one) => sum + one, 0) / counts.length;
      return Math.sqrt(counts.reduce((sum, one) => sum + (one - mean) ** 2, 0) / counts.length);
    };
    for (const callers of [25, 104, 250]) {
      const share = 20 / 300;
      const binomial = Math.sqrt(callers * share * (1 - share));
      expect(deviation(connections(300, callers, 20))).toBeLessThan(0.75 * binomial);
    }
  });
});
