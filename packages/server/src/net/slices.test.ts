import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder, select } from './slices.ts';
import { Impatient, run } from './turns.case.ts';
import { Pace } from './turns.ts';

test('rows are sorted as the engine sorts them; equal rows keep their order', () => {
  const rows = fc.array(fc.record({ key: fc.nat(50), id: fc.nat() }), { maxLength: 5_000, size: 'max' });
  const compare = (a: { readonly key: number }, b: { readonly key: number }) => a.key - b.key;
  fc.assert(
    fc.property(rows, fc.constantFrom(new Pace(), new Impatient()), (given, pace) => {
      expect(run(inOrder([...given], compare, pace))).toEqual([...given].sort(compare));
    }),
    { numRuns: 60 },
  );
});

test('a selection covers the rows that existed at its beginning', () => {
  const rows = new Set(Array.from({ length: 100 }, (_, at) => at));
  const work = select(rows, (row) => row % 2 === 0, new Impatient());
  work.next();
  rows.clear();
  rows.add(1_000);
  expect(run(work)).toEqual(Array.from({ length: 50 }, (_, at) => 2 * at));
});
