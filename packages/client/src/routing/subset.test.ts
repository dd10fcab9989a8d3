import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
