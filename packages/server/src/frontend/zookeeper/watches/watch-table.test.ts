/** Watches fire as ZooKeeper's do: compared with its rules as a table, and with a naive model. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everyKind, WatchTable, type WatchKind, type ZnodeEventType } from './watch-table.ts';

const ada = { name: 'ada' };
const bob = { name: 'bob' };

const fires: readonly (readonly [WatchKind, ZnodeEventType, boolean])[] = [
  ...(['created', 'deleted', 'changed'] as const).map((type) => ['data', type, true] as const),
  ['data', 'children', false],
  ['children', 'created', false],
  ['children', 'deleted', true],
  ['children', 'changed', false],
  ['children', 'children', true],
  ...(['created', 'deleted', 'changed', 'children'] as const).map((type) => ['persistent', type, true] as const),
  ...(['created', 'deleted', 'changed'] as const).map((type) => ['recursive', type, true] as const),
  ['recursive', 'children', false],
];

describe('a watch', () => {
  it.each(fires)('of the kind %s and an event %s: fires %s', (kind, type, does) => {
    const table = new WatchTable();
    table.add('/a', ada, kind);
    expect(table.fire('/a', type)).toEqual(does ? [ada] : []);
    const stays = !does || kind === 'persistent' || kind === 'recursive';
    expect([table.size, table.paths, table.watchers]).toEqual(stays ? [1, 1, 1] : [0, 0, 0]);
    expect(table.has('/a', ada, [kind])).toBe(stays);
  });

  it('that is recursive hears of everything below, but of no lists of children', () => {
    const table = new WatchTable();
    table.add('/a', ada, 'recursive');
    for (const type of ['created', 'changed', 'deleted'] as const) expect(table.fire('/a/b/c', type)).toEqual([ada]);
    expect(table.fire('/a/b', 'children')).toEqual([]);
    expect(table.fire('/ab', 'created')).toEqual([]);
    table.add('/', bob, 'recursive');
    expect(table.fire('/x', 'created')).toEqual([bob]);
    expect(table.fire('/a/b', 'created')).toEqual([ada, bob]);
    expect(table.fire('/', 'changed')).toEqual([bob]);
  });

  it('is one of several on a path, and its watcher hears once', () => {
    const table = new WatchTable();
    for (const kind of everyKind) table.add('/a', ada, kind);
    table.add('/', ada, 'recursive');
    expect(table.fire('/a', 'deleted')).toEqual([ada]);
    expect(table.has('/a', ada, ['data', 'children'])).toBe(false);
    expect(table.has('/a', ada, ['persistent'])).toBe(true);
    expect(table.remove('/a', ada, ['data'])).toBe(false);
    expect(table.remove('/a', ada, ['persistent', 'recursive'])).toBe(true);
    expect(table.countOf(ada)).toBe(1);
    expect(table.remove('/b', ada, everyKind)).toBe(false);
  });

  it('tells when a path begins to be watched, and when it is not any more', () => {
    const told: string[] = [];
    const table = new WatchTable({ onFollow: (path, isFollowed) => told.push(`${isFollowed ? '+' : '-'}${path}`) });
    table.add('/a', ada, 'data');
    table.add('/a', bob, 'children');
    table.fire('/a', 'changed');
    expect(told).toEqual(['+/a']);
    for (const _ of table.removeAll(bob)) expect(told).toEqual(['+/a', '-/a']);
    expect([...table.all()]).toEqual([]);
  });
});

it('agrees with a list of watches that is searched', () => {
  const paths = ['/', '/a', '/a/b', '/a/b/c', '/ab'];
  const watchers = [ada, bob, { name: 'eve' }];
  const path = fc.constantFrom(...paths);
  const watcher = fc.constantFrom(...watchers);
  const kind = fc.constantFrom(...everyKind);
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), path, watcher, kind }),
    fc.record({ do: fc.constant('remove' as const), path, watcher, kind }),
    fc.record({ do: fc.constant('leave' as const), watcher }),
    fc.record({ do: fc.constant('fire' as const), path, type: fc.constantFrom('created', 'deleted', 'changed', 'children') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const table = new WatchTable();
      let model: { path: string; watcher: object; kind: WatchKind }[] = [];
      for (const each of steps) {
        if (each.do === 'add') {
          table.add(each.path, each.watcher, each.kind);
          model = [...model.filter((known) => known.path !== each.path || known.watcher !== each.watcher || known.kind !== each.kind), each];
        } else if (each.do === 'remove') {
          const left = model.filter((known) => known.path !== each.path || known.watcher !== each.watcher || known.kind !== each.kind);
          expect(table.remove(each.path, each.watcher, [each.kind])).toBe(left.length < model.length);
          model = left;
        } else if (each.do === 'leave') {
          for (const _ of table.removeAll(each.watcher)) expect(table.size).toBeGreaterThanOrEqual(0);
          model = model.filter((known) => known.watcher !== each.watcher);
        } else {
          const { path: at, type } = each;
          const below = (above: string) => above === '/' || at === above || at.startsWith(`${above}/`);
          const hit = model.filter(({ path: on, kind: of }) => (of === 'recursive' ? type !== 'children' && below(on) : on === at && (fires.find(([k, t]) => k === of && t === type)?.[2] ?? false)));
          expect(new Set(table.fire(at, type))).toEqual(new Set(hit.map((known) => known.watcher)));
          model = model.filter((known) => !hit.includes(known) || known.kind === 'persistent' || known.kind === 'recursive');
        }
        expect(table.size).toBe(new Set(model.map((known) => `${known.path} ${(known.watcher as { name: string }).name}`)).size);
        expect(table.watchers).toBe(new Set(model.map((known) => known.watcher)).size);
      }
    }),
  );
});
