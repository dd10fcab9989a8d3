/** The map for millions of entries against the platform's own. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyMap } from './key-map.ts';

describe('a map by key', () => {
  it('does what a Map does', () => {
    const key = fc.oneof(fc.constantFrom('', 'a', 'b\0a', 'é', 'instance\0default\0n\0web-1', 'instance\0default\0n\0web-2'), fc.string({ maxLength: 12 }));
    const step = fc.oneof(
      fc.tuple(fc.constant('set' as const), key, fc.nat()),
      fc.tuple(fc.constant('delete' as const), key, fc.constant(0)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Map<string, number>();
        const map = new KeyMap<number>();
        for (const [what, name, value] of steps) {
          if (what === 'set') {
            model.set(name, value);
            map.set(name, value);
          } else expect(map.delete(name)).toBe(model.delete(name));
          expect([map.size, map.get(name), map.has(name)]).toEqual([model.size, model.get(name), model.has(name)]);
        }
        expect(new Map(map)).toEqual(model);
        expect([...map.maps()].flatMap((each) => [...each])).toEqual([...map]);
        expect([...map.values()].toSorted((a, b) => a - b)).toEqual([...model.values()].toSorted((a, b) => a - b));
      }),
    );
  });

  it('leaves out what is deleted, and shows what is replaced, before an iteration reaches it', () => {
    const names = Array.from({ length: 1_000 }, (_, n) => `k${n}`);
    const map = new KeyMap<number>();
    for (const name of names) map.set(name, 0);
    const order = [...map].map(([name]) => name);
    const iteration = map[Symbol.iterator]();
    expect(iteration.next().value).toEqual([order[0], 0]);
    map.delete(order[500] as string);
    map.set(order[900] as string, 7);
    const rest = [...iteration];
    expect(rest).toHaveLength(998);
    expect(rest).toContainEqual([order[900], 7]);
  });

  it.each([
    ['counted ids', (n: number) => `instance\0default\0node-${n % 100}\0web-${n}`],
    ['UUIDs', (n: number) => `check\0default\0n\0${(Math.imul(n, 0x9e37_79b1) >>> 0).toString(16).padStart(12, '0')}`],
    ['ids with a port at the end', (n: number) => `instance\0default\0n\0web-${n}:8080`],
    ['paths', (n: number) => `kv\0default\0config/app-${n}/limits`],
  ])('spreads %s over its maps, so that none grows like a single one', (_what, keyOf) => {
    const count = 64_000;
    const map = new KeyMap<number>();
    for (let n = 0; n < count; n++) map.set(keyOf(n), n);
    // In its order, all keys of one of its maps come in the order of insertion: a descent begins the next.
    let longest = 0;
    let run = 0;
    let last = -1;
    for (const n of map.values()) {
      run = n > last ? run + 1 : 1;
      last = n;
      longest = Math.max(longest, run);
    }
    expect(longest).toBeLessThan(count / 8);
  });
});
