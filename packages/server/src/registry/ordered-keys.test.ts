import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OrderedKeys } from './ordered-keys.ts';

describe('ordered keys', () => {
  test('behave as a sorted set of strings, for every prefix', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '\u{1f600}'), maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.record({ add: fc.boolean(), key }), { maxLength: 200 }), key, (steps, prefix) => {
        const real = new OrderedKeys();
        const model = new Set<string>();
        for (const step of steps) {
          if (step.add) {
            real.add(step.key);
            model.add(step.key);
          } else {
            real.delete(step.key);
            model.delete(step.key);
          }
        }
        expect(real.size).toBe(model.size);
        expect([...real.under(prefix)]).toEqual([...model].filter((each) => each.startsWith(prefix)).sort());
      }),
    );
  });

  test('know the newest revision under every prefix, also after splits and deletions', () => {
    // Few letters and long keys: enough of them to fill several chunks, many under one prefix.
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 12 });
    const step = fc.record({ add: fc.integer({ min: 0, max: 3 }).map((n) => n > 0), key });
    const prefixes = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 3 }), { minLength: 5 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1_000, maxLength: 3_000, size: 'max' }), prefixes, (steps, asked) => {
        const real = new OrderedKeys();
        const model = new Map<string, number>();
        steps.forEach(({ add, key: each }, revision) => {
          if (add) {
            real.add(each, revision);
            model.set(each, revision);
          } else {
            real.delete(each);
            model.delete(each);
          }
        });
        for (const prefix of ['', ...asked]) {
          const under = [...model].filter(([each]) => each.startsWith(prefix));
          expect([prefix, real.newestUnder(prefix)]).toEqual([prefix, Math.max(0, ...under.map(([, revision]) => revision))]);
          expect([...real.under(prefix)]).toEqual(under.map(([each]) => each).sort());
        }
      }),
      { numRuns: 30 },
    );
  });

  test('split and empty their chunks', () => {
    const real = new OrderedKeys();
    const keys = Array.from({ length: 5_000 }, (_, at) => `k${String((at * 7_919) % 5_000).padStart(4, '0')}`);
    for (const key of keys) real.add(key);
    expect([...real.under('')]).toEqual([...keys].sort());
    expect([...real.under('k12')]).toHaveLength(100);
    for (const key of keys) real.delete(key);
    expect(real.size).toBe(0);
    expect([...real.under('')]).toEqual([]);
  });
});
