/** Routes in the state: set and deleted with and without a condition, their views, and their end with the namespace. */

import type { Route } from '@rollcall/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { countRoutes, findRoute, routesIn } from './find.ts';
import { routesView, routeView } from './views.ts';

let journal: Journal;
beforeEach(() => {
  journal = new Journal();
});

const at = { namespace: 'default', service: 'orders' } as const;
const set = (route: Route, more: { readonly cas?: number; readonly service?: string; readonly namespace?: string } = {}): Command => ({ kind: 'route-set', ...at, route, ...more });
const run = (command: Command) => journal.commit([command]).outcomes[0];
const found = () => findRoute(journal.state, at.namespace, at.service);

describe('a route', () => {
  it('is set whole, and needs no service', () => {
    expect(run(set({ timeoutMs: 1_000, triesMax: 2 }))).toEqual({ result: true });
    expect(run(set({ timeoutMs: 2_000 }))).toEqual({ result: true });
    expect(found()?.route).toEqual({ timeoutMs: 2_000 });
    expect([...routesIn(journal.state, 'default')]).toHaveLength(1);
    expect(countRoutes(journal.state, 'default')).toBe(1);
    expect([...routesIn(journal.state, 'other')]).toHaveLength(0);
  });

  it('is set and deleted only at the revision that the writer has seen', () => {
    expect(run(set({ triesMax: 1 }, { cas: 7 }))).toEqual({ result: false });
    expect(run(set({ triesMax: 1 }, { cas: 0 }))).toEqual({ result: true });
    expect(run(set({ triesMax: 2 }, { cas: 0 }))).toEqual({ result: false });
    const cas = found()?.modified as number;
    expect(run({ kind: 'route-delete', ...at, cas: cas + 1 })).toEqual({ result: false });
    expect(run(set({ triesMax: 2 }, { cas }))).toEqual({ result: true });
    expect(run({ kind: 'route-delete', ...at, cas: found()?.modified as number })).toEqual({ result: true });
    expect(run({ kind: 'route-delete', ...at })).toEqual({ result: false });
    expect(found()).toBeUndefined();
  });

  it('of an earlier command in the same transaction has no revision that a condition could name', () => {
    const { outcomes } = journal.commit([set({ triesMax: 1 }), set({ triesMax: 2 }, { cas: 0 }), set({ triesMax: 3 }, { cas: 1 })]);
    expect(outcomes).toEqual([{ result: true }, { result: false }, { result: false }]);
    expect(found()?.route).toEqual({ triesMax: 1 });
  });

  it('that no client could follow is refused, and leaves the one before', () => {
    run(set({ triesMax: 1 }));
    expect(run(set({ triesMax: 0 }))).toMatchObject({ error: { code: 'invalid_argument', message: 'triesMax is 0, it must be 1 to 100' } });
    const large = { tags: Array.from({ length: 32 }, () => 'ä'.repeat(512)) };
    expect(run(set({ select: large }))).toMatchObject({ error: { code: 'invalid_argument', message: expect.stringMatching(/has \d+ bytes, the limit is 16384/) as string } });
    expect(run(set({ triesMax: 1 }, { namespace: 'none' }))).toMatchObject({ error: { code: 'not_found' } });
    expect(found()?.route).toEqual({ triesMax: 1 });
  });

  it('changes its own view and that of its namespace; one that stays the same changes nothing', () => {
    const { views } = journal;
    run(set({ triesMax: 1 }, { service: 'other' }));
    const woken: string[] = [];
    views.watch(routeView('default', 'orders'), () => woken.push('orders'));
    views.watch(routeView('default', 'other'), () => woken.push('other'));
    views.watch(routesView('default'), () => woken.push('all'));
    const { revision } = journal.commit([set({ triesMax: 2 })]);
    expect(woken.sort()).toEqual(['all', 'orders']);
    expect([views.revision(routeView('default', 'orders')), views.revision(routesView('default'))]).toEqual([revision, revision]);
    expect(journal.commit([set({ triesMax: 2 })]).revision).toBe(revision);
    run({ kind: 'route-delete', ...at });
    expect(views.revision(routeView('default', 'orders'))).toBeGreaterThan(revision);
    expect(woken.filter((each) => each === 'orders')).toHaveLength(2);
    expect(woken).not.toContain('other');
  });

  it('goes with its namespace', () => {
    run({ kind: 'namespace-put', name: 'blue' });
    run(set({ triesMax: 1 }, { namespace: 'blue' }));
    run({ kind: 'namespace-delete', name: 'blue' });
    expect(findRoute(journal.state, 'blue', 'orders')).toBeUndefined();
  });
});
