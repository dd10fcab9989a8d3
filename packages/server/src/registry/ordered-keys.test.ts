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
