import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Generations } from './generations.ts';

const weighing = (weight: number) => ({ weight });

describe('a cache in two generations', () => {
  it('keeps what is used while others pass through', () => {
    const cache = new Generations<{ weight: number }>(20);
    const hot = weighing(1);
    cache.set('hot', hot);
    for (let n = 0; n < 1_000; n++) {
      expect(cache.get('hot')).toBe(hot);
      cache.set(`passing ${n}`, weighing(1));
    }
    expect(cache.get('passing 0')).toBeUndefined();
  });

  it('forgets what nobody asks for', () => {
    const cache = new Generations<{ weight: number }>(20);
    cache.set('cold', weighing(1));
    for (let n = 0; n < 20; n++) cache.set(`other ${n}`, weighing(1));
    expect(cache.get('cold')).toBeUndefined();
  });

  it('does not keep what is heavier than a generation', () => {
    const cache = new Generations<{ weight: number }>(20);
    cache.set('light', weighing(1));
    cache.set('heavy', weighing(11));
    expect(cache.get('heavy')).toBeUndefined();
    expect(cache.get('light')).toBeDefined();
  });

  it('never weighs more than its maximum, nor other than what is in it, and gives only what was put last', () => {
    const key = fc.integer({ min: 0, max: 9 }).map(String);
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, weight: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ do: fc.constant('get' as const), key, weight: fc.constant(0) }),
      fc.record({ do: fc.constant('delete' as const), key, weight: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = new Generations<{ weight: number }>(20);
        const last = new Map<string, { weight: number }>();
        for (const { do: what, key: at, weight } of steps) {
          if (what === 'set') {
            const value = weighing(weight);
            cache.set(at, value);
            last.set(at, value);
          } else if (what === 'delete') {
            cache.delete(at);
            last.delete(at);
          } else {
            const value = cache.get(at);
            if (value !== undefined) expect(value).toBe(last.get(at));
          }
          expect(cache.weight).toBeLessThanOrEqual(20);
          expect(cache.weight).toBeGreaterThanOrEqual(0);
        }
        for (const at of last.keys()) cache.delete(at);
        expect(cache.weight).toBe(0);
      }),
    );
  });
});
