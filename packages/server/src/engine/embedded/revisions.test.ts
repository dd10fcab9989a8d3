import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyMap } from '../../key-map.ts';
import { Revisions, type Moment } from './revisions.ts';

const keys = ['a', 'b', 'c'];

describe('revisions', () => {
  test('a remembered moment shows the revisions of that moment, after any later change', () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom(...keys), revision: fc.nat(9) }),
      fc.constantFrom('remember' as const, 'forget' as const, 'share' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const revisions = new Revisions(new KeyMap<number>().set('a', 1));
        const moments: { moment: Moment; expected: number[] }[] = [];
        for (const each of steps) {
          if (each === 'remember') {
            moments.push({ moment: revisions.remember(), expected: keys.map((key) => revisions.get(key) ?? 0) });
          } else if (each === 'forget') moments.shift()?.moment.forget();
          else if (each === 'share') for (const key of keys) revisions.share(key);
          else revisions.set(each.key, each.revision);
          for (const { moment, expected } of moments) expect(keys.map((key) => moment.get(key))).toEqual(expected);
        }
      }),
    );
  });
});
