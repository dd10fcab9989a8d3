import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placed, type Arrow } from './layout.ts';

const arrows = (...pairs: readonly string[]): Arrow[] => pairs.map((pair) => ({ from: pair[0] ?? '', to: pair[1] ?? '' }));
const none = new Map<string, never>();

test('callers stand left of what they call, at the end of the longest way', () => {
  const spots = placed(['a', 'b', 'c', 'd'], arrows('ab', 'bc', 'ac', 'ad'), none);
  expect(Object.fromEntries(spots)).toEqual({ a: { column: 0, row: 0 }, b: { column: 1, row: 0 }, d: { column: 1, row: 1 }, c: { column: 2, row: 0 } });
});

test('a ring of calls has a place, too', () => {
  const spots = placed(['a', 'b', 'c'], arrows('ab', 'bc', 'ca', 'aa'), none);
  expect(['a', 'b', 'c'].map((name) => spots.get(name)?.column)).toEqual([0, 1, 2]);
});

test('what has a place keeps it, and new things get free ones', () => {
  const before = placed(['b', 'c'], arrows('bc'), none);
  const after = placed(['a', 'b', 'c', 'd'], arrows('ab', 'bc', 'ad'), before);
  expect([after.get('b'), after.get('c')]).toEqual([before.get('b'), before.get('c')]);
  expect([after.get('a'), after.get('d')]).toEqual([{ column: 0, row: 1 }, { column: 1, row: 1 }]);
});

test('no two things have one place, whatever calls what', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.array(fc.record({ from: name, to: name })), fc.uniqueArray(name), (names, all, earlier) => {
      const spots = placed(names, all, placed(earlier, all, none));
      expect([...spots.keys()].toSorted()).toEqual(names.toSorted());
      expect(new Set([...spots.values()].map(({ column, row }) => `${column} ${row}`)).size).toBe(names.length);
    }),
  );
});
