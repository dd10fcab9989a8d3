import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { catalogBuckets } from './kind/catalog/keys.ts';
import { servicesOf } from './kind/catalog/service-index.ts';
import { servicesAt } from './kind/catalog/services-at.ts';
import { checksView, nodeView, nodesView, serviceView, servicesView } from './kind/catalog/views.ts';
import { kvKeysUnder } from './kind/kv/find.ts';
import { keyView } from './kind/kv/views.ts';
import { recordsView } from './kind/record/views.ts';
import { sessionsView } from './kind/session/views.ts';
import { encodeRow, type Command } from './kinds.ts';
import { isLarge, largeBytes, largeRows } from './replacement.ts';
import type { Change } from './row.ts';
import type { State } from './state.ts';

const register = (id: string, service: string, node = 'n1'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: node, address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id, service, port: 80, tags: [service, 'v1'] }],
  checks: [{ id: `c-${id}`, name: '', status: 'passing', instance: id }],
});
const put = (key: string, value = 'x'): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n });
const pick = <T>(...from: T[]) => fc.constantFrom(...from);
const command = fc.oneof(
  fc.record({ id: pick('i1', 'i2', 'i3'), service: pick('web', 'db'), node: pick('n1', 'n2') }).map(({ id, service, node }) => register(id, service, node)),
  pick('a', 'a/b', 'b').map((key) => put(key)),
  pick('a', 'a/b', 'b').map((key): Command => ({ kind: 'kv-delete', namespace: 'default', key })),
  pick('n1', 'n2').map((node): Command => ({ kind: 'deregister-node', node })),
  pick('i1', 'i2').map((id): Command => ({ kind: 'record-put', namespace: 'default', type: 'config', id, value: id })),
);
const views = [
  ...['a', 'a/b', 'none'].map((key) => keyView('default', key)),
  ...['web', 'db', 'none'].map((name) => serviceView('default', name)),
  ...['n1', 'n2'].map((name) => nodeView('default', name)),
  ...[nodesView(), servicesView('default'), checksView('default'), sessionsView('default'), recordsView('default', 'config')],
];

function stateOf(commands: readonly Command[]): State {
  const journal = new Journal();
  for (const each of commands) journal.commit([each]);
  return journal.state;
}

/** A change that replaces the whole content of one state by that of another, except `kept`. */
function changeTo(to: State, from: State, kept: string): Change {
  const rows = [...to.rows()].filter(([key]) => key !== kept);
  const keys = new Set(rows.map(([key]) => key));
  return {
    revision: 1_000,
    put: rows.map(([key, row]) => ({ key, value: encodeRow(row) })),
    delete: [...from.rows()].flatMap(([key]) => (keys.has(key) || key === kept ? [] : [key])),
  };
}

function servicesOn(state: State, node: string): string[] {
  const views = new Set<string>();
  servicesOf(state).addViewsOn(node, views);
  return [...views].sort();
}

function content(state: State): unknown {
  return {
    rows: [...state.rows()].map(([key, row]) => [key, { ...row }]).sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
    views: views.map((view) => [view, state.viewRevision(view)]),
    services: [...servicesOf(state).names('default')].map((name) => [name, servicesOf(state).instancesOf('default', name), [...servicesOf(state).tagsOf('default', name)]]),
    onNode: ['n1', 'n2'].map((node) => servicesOn(state, node)),
    checks: [...state.bucket(catalogBuckets.checks('default'))].length,
    keys: [...kvKeysUnder(state, 'default', '')],
    tombstones: [...state.ordered('tombstone', 'default', '')],
    sizes: [state.size, state.sizeOf('kv'), state.forgettable, state.revision, state.newestUnder('kv', 'default', 'a'), state.newestUnder('kv', 'default', '')],
    empty: [...state.emptyViews].sort(),
  };
}

describe('a state that is replaced', () => {
  test('has its old content until the last step, and then the content that the same change gives in one go', () => {
    const some = fc.array(command, { maxLength: 25 });
    fc.assert(
      fc.property(some, some, pick('kv\0default\0a', 'kv\0default\0b', 'none'), (now, then, kept) => {
        const state = stateOf(now);
        const change = changeTo(stateOf(then), state, kept);
        const atOnce = stateOf(now);
        const { changes } = atOnce.apply(change);
        const before = content(state);
        const steps = state.replacing(change);
        let step = steps.next();
        for (; step.done !== true; step = steps.next()) expect(state.revision).toBeLessThan(1_000);
        expect(content(state)).toEqual(before);
        state.replace(step.value);
        expect(content(state)).toEqual(content(atOnce));
        const byKey = (list: typeof changes) => [...list].sort((a, b) => (a.key < b.key ? -1 : 1));
        expect(byKey(step.value.changes)).toEqual(byKey(changes));
      }),
      { numRuns: 300 },
    );
  });

  test('keeps its old content for a reader that began before', () => {
    const state = stateOf([register('i1', 'web'), put('a'), put('b')]);
    const frozen = state.freeze();
    state.apply({ revision: 500, put: [], delete: ['kv\0default\0b'] });
    const steps = state.replacing(changeTo(stateOf([register('i9', 'db'), put('z')]), state, ''));
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    state.replace(step.value);
    state.apply({ revision: 1_001, put: [], delete: ['kv\0default\0z'] });
    expect([...kvKeysUnder(frozen, 'default', '')]).toEqual(['a', 'b']);
    expect(servicesAt(frozen, 'default')).toEqual(['web']);
    expect(frozen.get('kv\0default\0z')).toBeUndefined();
    const rows = frozen.rows();
    let found = rows.next();
    while (found.done !== true) found = rows.next();
    expect(found.value.map(([key]) => key.split('\0')[0]).sort()).toContain('instance');
    expect(found.value.filter(([key]) => key.startsWith('kv\0')).map(([key]) => key).sort()).toEqual(['kv\0default\0a', 'kv\0default\0b']);
    frozen.close();
    expect([...kvKeysUnder(state, 'default', '')]).toEqual([]);
  });

  test('is replaced in steps if it has many rows or many bytes', () => {
    const value = Buffer.alloc(0);
    const rows = (count: number, each: Uint8Array) => Array.from({ length: count }, (_, n) => ({ key: `kv\0default\0${n}`, value: each }));
    const change = (records: Change['put'], gone: readonly string[] = []): Change => ({ revision: 1, put: records, delete: gone });
    expect(isLarge(change(rows(largeRows, value)))).toBe(false);
    expect(isLarge(change(rows(largeRows, value), ['kv\0default\0x']))).toBe(true);
    const half = Buffer.alloc(largeBytes / 2);
    expect(isLarge(change(rows(2, half)))).toBe(false);
    expect(isLarge(change(rows(3, half)))).toBe(true);
  });
});
