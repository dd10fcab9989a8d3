/** Namespaces in the state machine: rows of one are invisible in another, and are removed with their namespace. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { findCheck } from './kind/catalog/find.ts';
import { checksView, nodeView, serviceView, servicesView } from './kind/catalog/views.ts';
import { keyView, prefixView } from './kind/kv/views.ts';
import { findNamespace, namespaceNames } from './kind/namespace/find.ts';
import { namespacesView } from './kind/namespace/views.ts';
import { recordView, recordsView } from './kind/record/views.ts';
import { findSession } from './kind/session/find.ts';
import { sessionView, sessionsView } from './kind/session/views.ts';
import type { Command, Row } from './kinds.ts';

const created = (name: string): Command => ({ kind: 'namespace-put', name });
const put = (namespace: string, key: string): Command => ({ kind: 'kv-put', namespace, key, value: Buffer.from('x'), flags: 0n });
const error = (code: string, message: string) => ({ error: expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as object });

const pick = (...from: readonly string[]) => fc.constantFrom(...from);
const node = { name: 'n1', address: '10.0.0.1' };
const own = fc.oneof(
  fc.record({ id: pick('i1', 'i2'), service: pick('web', 'db'), tags: fc.subarray(['a', 'b']), status: fc.constantFrom('passing' as const, 'critical' as const) }).map(
    ({ id, service, tags, status }) => (namespace: string): Command => ({
      ...{ kind: 'register', namespace, node, nodeMode: 'ensure', replaceChecks: true },
      instances: [{ id, service, tags }],
      checks: [{ id: `c-${id}`, name: '', instance: id, status }],
    }),
  ),
  pick('i1', 'i2').map((id) => (namespace: string): Command => ({ kind: 'deregister-instance', namespace, node: 'n1', id })),
  fc.record({ id: pick('c-i1', 'c-i2'), status: fc.constantFrom('passing' as const, 'critical' as const) }).map(
    (each) => (namespace: string): Command => ({ kind: 'update-checks', updates: [{ namespace, node: 'n1', ...each }] }),
  ),
  pick('a', 'a/b').map((key) => (namespace: string) => put(namespace, key)),
  pick('a', 'a/b').map((key) => (namespace: string): Command => ({ kind: 'kv-delete', namespace, key })),
  fc.constant((namespace: string): Command => ({ kind: 'kv-delete-tree', namespace, prefix: 'a/' })),
  fc.record({ key: pick('a', 'a/b'), session: pick('s1', 's2') }).map(
    ({ key, session }) => (namespace: string): Command => ({ ...put(namespace, key), condition: { kind: 'acquire', session } }) as Command,
  ),
  fc.record({ id: pick('s1', 's2'), check: fc.option(pick('c-i1', 'c-i2'), { nil: undefined }) }).map(
    ({ id, check }) => (namespace: string): Command => ({
      ...{ kind: 'session-create', namespace, id, name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0, behavior: 'delete' },
      checks: check === undefined ? [] : [{ namespace, id: check }],
    }),
  ),
  pick('s1', 's2').map((id) => (namespace: string): Command => ({ kind: 'session-destroy', namespace, id })),
  pick('x', 'y').map((id) => (namespace: string): Command => ({ kind: 'record-put', namespace, type: 't', id, value: 1 })),
);

const viewsOf = (namespace: string) => [
  ...[servicesView(namespace), serviceView(namespace, 'web'), serviceView(namespace, 'db'), checksView(namespace)],
  ...[sessionsView(namespace), sessionView(namespace, 's1'), nodeView(namespace, 'n1')],
  ...[keyView(namespace, 'a'), prefixView(namespace, ''), prefixView(namespace, 'a/')],
  ...[recordsView(namespace, 't'), recordView(namespace, 't', 'x')],
];

/** The content of a namespace, without revisions, which both share. */
function contentOf({ state }: Journal, namespace: string): unknown[] {
  const rows = Array.from(state.rows(), ([, row]) => row).filter((row) => 'namespace' in row && row.namespace === namespace);
  return rows.map((row) => JSON.stringify({ ...row, namespace: '', created: 0, modified: 0, flags: 0, checks: checksOf(row) })).sort();
}

const checksOf = (row: Row) => (row.kind === 'session' ? row.checks.map(({ id }) => id) : undefined);

function begun(): Journal {
  const journal = new Journal();
  journal.commit([created('team-a'), created('team-b'), { kind: 'register', namespace: 'default', node, nodeMode: 'update' }]);
  return journal;
}

describe('two namespaces', () => {
  test('with the same names in both are independent, and neither wakes watchers of the other', () => {
    const played = fc.array(fc.record({ namespace: pick('team-a', 'team-b', 'default'), command: own }), { maxLength: 40 });
    fc.assert(
      fc.property(played, (steps) => {
        const together = begun();
        const alone = new Map(['team-a', 'team-b', 'default'].map((namespace) => [namespace, begun()]));
        const woken = new Set<string>();
        for (const view of [...alone.keys()].flatMap(viewsOf)) together.views.watch(view, () => woken.add(view));
        for (const { namespace, command } of steps) {
          woken.clear();
          const answers = (journal: Journal) =>
            journal.commit([command(namespace)]).outcomes.map((each) => ('error' in each ? each.error.code : each.result));
          const other = alone.get(namespace) as Journal;
          expect(answers(together)).toEqual(answers(other));
          expect(contentOf(together, namespace)).toEqual(contentOf(other, namespace));
          for (const view of woken) expect(viewsOf(namespace)).toContain(view);
        }
        const revisions = () => [...alone.keys()].flatMap(viewsOf).map((view) => together.views.revision(view));
        const before = revisions();
        together.restart();
        expect(revisions()).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  test('share their nodes: a change of a node wakes the views of both', () => {
    const journal = begun();
    journal.commit(['team-a', 'team-b'].map((namespace) => ({ kind: 'register', namespace, node, nodeMode: 'exists', instances: [{ id: 'i', service: 'web' }] })));
    const woken: string[] = [];
    for (const namespace of ['default', 'team-a', 'team-b']) {
      for (const view of [nodeView(namespace, 'n1'), serviceView(namespace, 'web')]) journal.views.watch(view, () => woken.push(view));
    }
    const { revision } = journal.commit([{ kind: 'register', namespace: 'default', node: { ...node, address: '10.0.0.2' }, nodeMode: 'update' }]);
    const expected = [nodeView('default', 'n1'), ...['team-a', 'team-b'].flatMap((each) => [nodeView(each, 'n1'), serviceView(each, 'web')])];
    expect(woken.sort()).toEqual(expected.sort());
    for (const view of expected) expect(journal.views.revision(view)).toBe(revision);
  });

  test('a check of the node is kept in default, and ends sessions of every namespace', () => {
    const journal = begun();
    const session = (namespace: string): Command => ({
      ...{ kind: 'session-create', namespace, id: 's', name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0, behavior: 'release' },
      checks: [{ namespace: 'default', id: 'alive' }],
    });
    const check = { id: 'alive', name: '', status: 'passing' as const };
    journal.commit([{ kind: 'register', namespace: 'team-a', node, nodeMode: 'exists', checks: [check] }, session('team-a'), session('team-b')]);
    expect(findCheck(journal.state, 'default', 'n1', 'alive')).toBeDefined();
    journal.commit([{ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n1', id: 'alive', status: 'critical' }] }]);
    expect([findSession(journal.state, 'team-a', 's'), findSession(journal.state, 'team-b', 's')]).toEqual([undefined, undefined]);
  });

  test('a session is not bound to a check of another namespace, and the error does not show whether that exists', () => {
    const journal = begun();
    const instances = [{ id: 'i', service: 'web' }];
    journal.commit([{ kind: 'register', namespace: 'team-a', node, nodeMode: 'exists', instances, checks: [{ id: 'c', name: '', instance: 'i', status: 'passing' }] }]);
    const { outcomes } = journal.commit([
      {
        ...{ kind: 'session-create', namespace: 'team-b', id: 's', name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0, behavior: 'release' },
        checks: [{ namespace: 'team-a', id: 'c' }],
      },
    ]);
    expect(outcomes).toEqual([error('failed_precondition', 'check c is not registered on node n1')]);
  });

  test('deregistering a node removes its rows in every namespace', () => {
    const journal = begun();
    for (const namespace of ['default', 'team-a', 'team-b']) {
      journal.commit([{ kind: 'register', namespace, node, nodeMode: 'exists', instances: [{ id: 'i', service: 'web' }] }]);
    }
    journal.commit([{ kind: 'deregister-node', node: 'n1' }]);
    const left = Array.from(journal.state.rows(), ([, row]) => row.kind).filter((kind) => kind !== 'view' && kind !== 'namespace');
    expect(left).toEqual([]);
  });
});

describe('a namespace', () => {
  test.each([
    ['put', put('nowhere', 'k')],
    ['register', { kind: 'register', namespace: 'nowhere', node, nodeMode: 'ensure' }],
    ['record', { kind: 'record-put', namespace: 'nowhere', type: 't', id: 'x', value: 1 }],
  ] as const)('must exist before anything is written in it: %s', (_what, command) => {
    expect(new Journal().commit([command as Command]).outcomes).toEqual([error('not_found', 'namespace "nowhere" does not exist; create it first')]);
  });

  test.each(['', '-a', 'a_b', 'a'.repeat(64)])('cannot have the name "%s"', (name) => {
    expect(new Journal().commit([created(name)]).outcomes).toEqual([error('invalid_argument', 'is not a valid name')]);
  });

  test('is listed with default, and wakes those that list', () => {
    const journal = new Journal();
    let woken = 0;
    journal.views.watch(namespacesView(), () => woken++);
    journal.commit([{ kind: 'namespace-put', name: 'team-a', description: 'A', meta: { k: 'v' }, foreign: { consul: { ACLs: null } } }]);
    expect([...namespaceNames(journal.state)]).toEqual(['default', 'team-a']);
    expect(findNamespace(journal.state, 'team-a')).toMatchObject({ description: 'A', meta: { k: 'v' }, foreign: { consul: { ACLs: null } } });
    journal.commit([created('default')]);
    expect([...namespaceNames(journal.state)]).toEqual(['default', 'team-a']);
    expect(woken).toBe(2);
  });

  test('default cannot be deleted, and a namespace that does not exist is reported', () => {
    const { outcomes } = new Journal().commit([{ kind: 'namespace-delete', name: 'default' }, { kind: 'namespace-delete', name: 'x' }]);
    expect(outcomes).toEqual([error('invalid_argument', '"default" cannot be deleted'), { result: false }]);
  });

  function full(): Journal {
    const journal = new Journal({ rows: 10, bytes: 100_000, reads: 1_000 });
    journal.commit([created('team-a'), created('team-b')]);
    for (const namespace of ['team-a', 'team-b']) {
      const session: Command = {
        ...{ kind: 'session-create', namespace, id: 's', name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 1_000 },
        ...{ behavior: 'release', checks: [] },
      };
      journal.commit([{ kind: 'register', namespace, node, nodeMode: 'ensure' }, session]);
      for (let n = 0; n < 30; n++) {
        const id = `i${n}`;
        journal.commit([
          { kind: 'register', namespace, node, nodeMode: 'exists', instances: [{ id, service: 'web' }], checks: [{ id: `c${n}`, name: '', instance: id }] },
          { ...put(namespace, `k${n}`), condition: { kind: 'acquire', session: 's' } } as Command,
          { kind: 'record-put', namespace, type: 't', id, value: n },
        ]);
      }
    }
    return journal;
  }

  const rowsIn = ({ state }: Journal, namespace: string) =>
    Array.from(state.rows(), ([, row]) => row).filter((row) => row.kind !== 'tombstone' && 'namespace' in row && row.namespace === namespace);

  test('is removed with everything in it and nothing else, in steps', () => {
    const journal = full();
    const kept = rowsIn(journal, 'team-b').length;
    expect(journal.commit([{ kind: 'namespace-delete', name: 'team-a' }]).outcomes).toEqual([{ result: true }]);
    expect(rowsIn(journal, 'team-a')).toEqual([]);
    expect(findNamespace(journal.state, 'team-a')).toBeUndefined();
    expect(rowsIn(journal, 'team-b')).toHaveLength(kept);
    expect(journal.commit([put('team-a', 'k')]).outcomes).toEqual([error('not_found', 'does not exist')]);
  });

  test('takes no more writes once its deletion has begun, and the same command completes it after a restart', () => {
    const journal = full();
    const remove: Command = { kind: 'namespace-delete', name: 'team-a' };
    const before = rowsIn(journal, 'team-a').length;
    expect(journal.step([remove, created('team-c')]).outcomes).toEqual([{ next: remove }]);
    expect(rowsIn(journal, 'team-a')).toHaveLength(before);
    journal.restart();
    expect(journal.commit([put('team-a', 'k'), created('team-a')]).outcomes).toEqual([
      error('failed_precondition', 'is being deleted'),
      error('failed_precondition', 'is being deleted'),
    ]);
    expect(journal.commit([remove]).outcomes).toEqual([{ result: true }]);
    expect(rowsIn(journal, 'team-a')).toEqual([]);
  });

  test('that was deleted and created again does not take revisions back', () => {
    const journal = full();
    journal.commit([{ kind: 'namespace-delete', name: 'team-a' }]);
    const last = viewsOf('team-a').map((view) => journal.views.revision(view));
    journal.commit([created('team-a')]);
    viewsOf('team-a').forEach((view, at) => expect(journal.views.revision(view)).toBeGreaterThanOrEqual(last[at] ?? 0));
  });
});

test('records take part in transactions with other rows, and each has a view of its own', () => {
  const journal = new Journal();
  const woken: string[] = [];
  for (const id of ['release', 'pointer']) journal.views.watch(recordView('default', 'config', id), () => woken.push(id));
  const record = (id: string, value: number, cas?: number): Command =>
    ({ kind: 'record-put', namespace: 'default', type: 'config', id, value, ...(cas === undefined ? {} : { cas }) });
  const txn = (cas: number): Command => ({
    kind: 'txn',
    operations: [{ change: record('release', 2) as never }, { change: record('pointer', 2, cas) as never }, { change: put('default', 'app') as never }],
  });
  expect(journal.commit([txn(7)]).outcomes).toMatchObject([{ result: { failures: [{ at: 1, reason: 'condition' }] } }]);
  expect(journal.state.size).toBe(0);
  const { revision } = journal.commit([txn(0)]);
  expect(woken.sort()).toEqual(['pointer', 'release']);
  expect(journal.views.revision(recordView('default', 'config', 'pointer'))).toBe(revision);
  woken.length = 0;
  journal.commit([record('release', 3)]);
  expect(woken).toEqual(['release']);
  const last = journal.commit([{ kind: 'record-delete', namespace: 'default', type: 'config', id: 'pointer' }]);
  expect(woken).toEqual(['release', 'pointer']);
  expect(journal.views.revision(recordView('default', 'config', 'pointer'))).toBe(last.revision);
});
