/** Which columns a table shows. */

import { expect, test } from 'vitest';
import { columnsFor, tracksOf, widthRem } from './columns.ts';

interface Row {
  readonly zone: string;
}

const columns = [
  { name: 'node', width: '2fr' },
  { name: 'status', width: '8rem' },
  { name: 'counts', width: 'minmax(17rem, 2fr)' },
  { name: 'zone', width: '1fr', isEmpty: ({ zone }: Row) => zone === '' },
];
const filled = [{ zone: '' }, { zone: 'a' }];

test.each<[what: string, rows: readonly Row[], rowRem: number, expected: readonly string[]]>([
  ['all of a wide table', filled, 60, ['node', 'status', 'counts', 'zone']],
  ['all while the width is not known', filled, Infinity, ['node', 'status', 'counts', 'zone']],
  ['without what is empty in every row', [{ zone: '' }], 60, ['node', 'status', 'counts']],
  ['the first that fit', filled, 30, ['node', 'status']],
  ['the first one always', filled, 1, ['node']],
])('%s', (_what, rows, rowRem, expected) => {
  expect(columnsFor(columns, rows, { rowRem, extraRem: 0 }).map(({ name }) => name)).toEqual(expected);
});

test('extras are left out first, the last of them before the others', () => {
  const extras = [{ name: 'time', width: '8rem' }, { name: 'kind', width: '8rem', isExtra: true }, { name: 'action', width: '4fr' }, { name: 'address', width: '9rem', isExtra: true }];
  const shown = (rowRem: number) => columnsFor(extras, [{}], { rowRem, extraRem: 0 }).map(({ name }) => name);
  expect(shown(60)).toEqual(['time', 'kind', 'action', 'address']);
  expect(shown(28)).toEqual(['time', 'kind', 'action']);
  expect(shown(20)).toEqual(['time', 'action']);
  expect(shown(12)).toEqual(['time']);
});

test('boxes in front of the rows take their part', () => {
  expect(columnsFor(columns, filled, { rowRem: 18, extraRem: 0 })).toHaveLength(2);
  expect(columnsFor(columns, filled, { rowRem: 18, extraRem: 3 })).toHaveLength(1);
});

test('no column of a share shrinks to nothing, and all have a width at which they can be read', () => {
  expect(tracksOf(columns)).toEqual(['minmax(6rem, 2fr)', '8rem', 'minmax(17rem, 2fr)', 'minmax(6rem, 1fr)']);
  expect(widthRem(columns, 0)).toBeCloseTo(6 + 8 + 17 + 6 + 3 * 0.93 + 2.2);
});
