import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelShares } from './priority.ts';
import { zoneShares } from './zones.ts';

const rounded = (shares: Iterable<number>) => Array.from(shares, (share) => Math.round(share * 100));

describe('levels', () => {
  // The table in Envoy's documentation: two levels; the first has this many of 100 instances healthy.
  it.each([
    [100, 100, [100, 0]],
    [72, 100, [100, 0]],
    [71, 100, [99, 1]],
    [50, 100, [70, 30]],
    [25, 100, [35, 65]],
    [0, 100, [0, 100]],
    [25, 50, [35, 65]],
    [25, 25, [50, 50]],
  ])('%i %% and %i %% healthy', (first, second, shares) => {
    expect(rounded(levelShares([first, second].map((healthy) => ({ healthy, total: 100 }))))).toEqual(shares);
  });

  it('give the first level all requests when no endpoint is healthy', () => {
    expect(levelShares([{ healthy: 0, total: 3 }, { healthy: 0, total: 3 }])).toEqual([1, 0]);
  });

  it('have shares that add up to 1', () => {
    const level = fc.integer({ min: 1, max: 50 }).chain((total) => fc.record({ healthy: fc.integer({ min: 0, max: total }), total: fc.constant(total) }));
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), (levels) => {
        const shares = levelShares(levels);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('zones', () => {
  const shares = (own: string, instances: Record<string, number>, callers?: Record<string, number>) =>
    Object.fromEntries([...zoneShares(own, new Map(Object.entries(instances)), callers)].map(([zone, share]) => [zone, Math.round(share * 1000) / 1000]));

  it.each([
    ['as many callers as instances: all stays', 'a', { a: 3, b: 3 }, undefined, { a: 1 }],
    ['more instances than callers: all stays', 'a', { a: 6, b: 2 }, undefined, { a: 1 }],
    ['fewer instances than callers: a part stays', 'b', { a: 6, b: 2 }, undefined, { b: 0.5, a: 0.5 }],
    ['the rest goes where there is capacity to spare', 'c', { a: 5, b: 4, c: 1 }, { a: 4, b: 3, c: 3 }, { c: 0.333, a: 0.333, b: 0.333 }],
    ['… and not where there is none', 'c', { a: 6, b: 3, c: 1 }, { a: 4, b: 3, c: 3 }, { c: 0.333, a: 0.667 }],
    ['no instance here: by the number of instances', 'c', { a: 3, b: 1 }, undefined, { a: 0.75, b: 0.25 }],
    ['unknown callers here', 'c', { a: 1, c: 1 }, { a: 1 }, { a: 0.5, c: 0.5 }],
    ['no endpoint anywhere', 'a', {}, undefined, {}],
  ] as const)('%s', (_, own, instances, callers, expected) => {
    expect(shares(own, instances, callers)).toEqual(expected);
  });

  it('give every instance the same load when the callers of all zones use them', () => {
    const zone = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(zone, zone), { minLength: 1, maxLength: 5 }), (sizes) => {
        const instances = new Map(sizes.map(([count], index) => [`z${index}`, count]));
        const callers = Object.fromEntries(sizes.map(([, count], index) => [`z${index}`, count]));
        const callersTotal = sizes.reduce((sum, [, count]) => sum + count, 0);
        const instancesTotal = sizes.reduce((sum, [count]) => sum + count, 0);
        const load = new Map<string, number>();
        for (const [own, count] of Object.entries(callers)) {
          for (const [to, share] of zoneShares(own, instances, callers)) {
            load.set(to, (load.get(to) ?? 0) + (share * count) / callersTotal);
          }
        }
        for (const [name, count] of instances) expect(load.get(name) ?? 0).toBeCloseTo(count / instancesTotal, 6);
      }),
    );
  });
});
