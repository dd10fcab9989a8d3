/** Rows keep their places while they are held: changes are shown in place, rows that are gone stay, and new ones are counted. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { held, taken } from './steady.ts';

interface Row {
  readonly key: string;
  readonly value: number;
}

const row = (key: string, value = 0): Row => ({ key, value });
const keyOf = ({ key }: Row): string => key;

describe('rows that are held', () => {
  test('change in place, stay when they are gone, and let new ones wait', () => {
    const first = taken([row('b'), row('d')]);
    const second = held(first, [row('a'), row('b', 1), row('c')], keyOf);
    expect(second).toEqual({ rows: [row('b', 1), row('d')], gone: new Set(['d']), waiting: 2 });
    // One that comes back is there again.
    expect(held(second, [row('b', 1), row('d', 5)], keyOf)).toEqual({ rows: [row('b', 1), row('d', 5)], gone: new Set(), waiting: 0 });
  });

  test('never move, and count all that are not shown', () => {
    const rows = fc.uniqueArray(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), value: fc.nat(3) }), { selector: keyOf });
    fc.assert(
      fc.property(rows, fc.array(rows), (shown, batches) => {
        let state = taken<Row>(shown);
        for (const next of batches) {
          state = held(state, next, keyOf);
          expect(state.rows.map(keyOf)).toEqual(shown.map(keyOf));
          for (const each of state.rows) {
            const now = next.find(({ key }) => key === each.key);
            expect(state.gone.has(each.key)).toBe(now === undefined);
            if (now !== undefined) expect(each).toBe(now);
          }
          expect(state.waiting).toBe(next.filter(({ key }) => !shown.some((each) => each.key === key)).length);
        }
      }),
    );
  });
});
