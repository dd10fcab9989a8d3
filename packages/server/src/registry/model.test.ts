/**
 * Property tests: random commands against the state machine and against the naive model. fast-check
 * prints the seed and the shortest failing sequence. `ROLLCALL_RUNS` sets how many sequences.
 */

import { administrativeStatuses } from '@rollcall/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Journal, type Committed, type Settled } from './journal.case.ts';
import { allChecks, allNodes, findCheck, findInstance, findNode, instancesOfService, serviceRecords } from './kind/catalog/find.ts';
import { servicesOf } from './kind/catalog/service-index.ts';
import { serviceList } from './kind/catalog/services.ts';
import { catalogView, checksView, nodeView, nodesView, serviceRecordView, serviceRecordsView, serviceView, servicesView } from './kind/catalog/views.ts';
import { findKv, kvKeysUnder } from './kind/kv/find.ts';
import { kvKey } from './kind/kv/keys.ts';
import { keyView, prefixView } from './kind/kv/views.ts';
import { allSessions, findSession } from './kind/session/find.ts';
import { sessionsView } from './kind/session/views.ts';
import { keyOf, type AnyResult, type Command, type Row, type Txn, type TxnOperation, type TxnResult } from './kinds.ts';
import { Model, show, type Answer } from './model.case.ts';
import { prunable } from './prune.case.ts';
import { sameContent } from './same-content.ts';

const numRuns = Number(process.env['ROLLCALL_RUNS'] ?? 300);

const names = { node: ['n1', 'n2'], instance: ['i1', 'i2'], service: ['web', 'db'], check: ['c1', 'c2', '_service_maintenance:i1', 'serfHealth', '_rollcall_status:i1'] };
const kvKeys = ['a', 'a/b', 'a/c', 'b'];
const sessions = ['s1', 's2'];

const views = [
  servicesView('default'),
  nodesView(),
  checksView('default'),
  catalogView(),
  sessionsView('default'),
  serviceRecordsView('default'),
  ...names.service.flatMap((name) => [serviceView('default', name), serviceRecordView('default', name)]),
  ...names.node.map((name) => nodeView('default', name)),
  ...kvKeys.map((name) => keyView('default', name)),
  ...['', 'a', 'a/', 'b', 'zz'].map((name) => prefixView('default', name)),
];

const pick = (from: readonly string[]) => fc.constantFrom(...from);
const status = fc.constantFrom('passing' as const, 'warning' as const, 'critical' as const);
const administrative = fc.constantFrom(...administrativeStatuses);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Drops the fields that are undefined: `exactOptionalPropertyTypes` wants them absent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}

const register = fc
  .record({
    node: pick(names.node),
    address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    id: maybe(fc.constantFrom('id1', 'id2')),
    nodeMode: fc.constantFrom('update' as const, 'ensure' as const, 'exists' as const, 'none' as const),
    instance: maybe(
      fc.record({
        id: pick(names.instance),
        service: pick(names.service),
        tags: fc.array(fc.constantFrom('v1', 'v2'), { maxLength: 3 }),
        session: maybe(pick(sessions)),
        status: maybe(administrative),
        enabled: maybe(fc.boolean()),
      }),
    ),
    check: maybe(fc.record({ id: pick(names.check), instance: maybe(pick(names.instance)), status: maybe(status) })),
    replaceChecks: fc.boolean(),
  })
  .map(({ node, address, id, nodeMode, instance, check, replaceChecks }): Command => ({
    kind: 'register',
    namespace: 'default',
    node: nodeMode === 'none' ? { name: '', address: '' } : (compact({ name: node, address, id }) as { name: string; address: string }),
    nodeMode,
    replaceChecks,
    instances: instance === undefined ? [] : [compact(instance) as { id: string; service: string }],
    checks: check === undefined ? [] : [{ ...(compact(check) as { id: string }), name: '' }],
  }));

const condition = fc.oneof(
  fc.constant(undefined),
  fc.nat(30).map((revision) => ({ kind: 'cas' as const, revision })),
  pick(sessions).map((session) => ({ kind: 'acquire' as const, session })),
  pick(sessions).map((session) => ({ kind: 'release' as const, session })),
);

/** Of an instance: also the empty name, for one that has no node. */
const anyNode = pick([...names.node, '']);

const single: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: register },
  {
    weight: 3,
    arbitrary: fc
      .record({ node: anyNode, id: pick(names.instance), status: maybe(administrative), override: maybe(fc.oneof(fc.constant(null), administrative)), enabled: maybe(fc.boolean()) })
      .map((each): Command => compact({ ...each, kind: 'instance-status' as const, namespace: 'default' }) as Command),
  },
  fc
    .record({ name: pick(names.service), protectThreshold: fc.constantFrom(0, 0.5) })
    .map((each): Command => ({ ...each, kind: 'service-put', namespace: 'default' })),
  fc.record({ kind: fc.constant('service-delete' as const), namespace: fc.constant('default'), name: pick(names.service) }),
  fc.record({ kind: fc.constant('deregister-instance' as const), namespace: fc.constant('default'), node: anyNode, id: pick(names.instance) }),
  fc.record({ kind: fc.constant('deregister-check' as const), namespace: fc.constant('default'), node: anyNode, id: pick(names.check) }),
  fc.record({ kind: fc.constant('deregister-node' as const), node: pick(names.node) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('update-checks' as const),
      updates: fc.array(fc.record({ namespace: fc.constant('default'), node: anyNode, id: pick(names.check), status }), { maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ key: pick(kvKeys), value: fc.constantFrom('', 'x', 'y'), flags: fc.constantFrom(0n, 7n), condition })
      .map(({ value, ...rest }): Command =>
        compact({ ...rest, kind: 'kv-put' as const, namespace: 'default', value: Buffer.from(value) }) as Command,
      ),
  },
  fc
    .record({ key: pick(kvKeys), cas: maybe(fc.nat(30)) })
    .map((each): Command => compact({ ...each, kind: 'kv-delete' as const, namespace: 'default' }) as Command),
  fc.record({ kind: fc.constant('kv-delete-tree' as const), namespace: fc.constant('default'), prefix: fc.constantFrom('', 'a', 'a/') }),
  {
    weight: 2,
    arbitrary: fc
      .record({
        id: pick(sessions),
        node: pick(names.node),
        checks: fc.subarray(names.check, { maxLength: 1 }).map((ids) => ids.map((id) => ({ namespace: 'default', id }))),
        behavior: fc.constantFrom('release' as const, 'delete' as const),
        lockDelayMs: fc.constantFrom(0, 20),
      })
      .map((each): Command => ({ ...each, kind: 'session-create', namespace: 'default', name: '', liveness: 'ttl', ttlMs: 0 })),
  },
  fc.record({ kind: fc.constant('session-destroy' as const), namespace: fc.constant('default'), id: pick(sessions) }),
);

const requirement = fc.oneof(
  fc.record({ key: pick(kvKeys.map((key) => kvKey('default', key))), present: fc.boolean() }),
  fc.record({ key: pick(kvKeys.map((key) => kvKey('default', key))), revision: fc.nat(30) }),
  fc.record({ key: pick(kvKeys.map((key) => kvKey('default', key))), session: pick(sessions) }),
);

const operation = fc
  .record({
    require: fc.option(requirement, { nil: undefined, freq: 4 }),
    change: maybe(single.filter(({ kind }) => kind !== 'update-checks' && kind !== 'session-create')),
    read: maybe(
      fc.oneof(
        fc.record({ key: pick(kvKeys.map((key) => kvKey('default', key))) }),
        fc.record({ kind: fc.constant('kv'), namespace: fc.constant('default'), prefix: fc.constantFrom('', 'a', 'a/') }),
      ),
    ),
  })
  .map((each) => compact(each) as TxnOperation);

/** Writes that are read, of which several of one batch meet on the same key. */
const written = fc
  .record({ key: fc.constantFrom('a', 'b'), value: fc.constantFrom('', 'x') })
  .map(({ key, value }): TxnOperation => ({
    change: { kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n },
    read: { key: kvKey('default', key) },
  }));

const txn = fc.array(fc.oneof(operation, written), { minLength: 1, maxLength: 3 }).map((operations): Txn => ({ kind: 'txn', operations }));

const command: fc.Arbitrary<Command> = fc.oneof({ weight: 6, arbitrary: single }, { weight: 1, arbitrary: txn });

/** Batches with the time that passes before each, in milliseconds. */
const steps = (maxBatch: number, commands = command) =>
  fc.array(fc.record({ waitMs: fc.nat(15), batch: fc.array(commands, { minLength: 1, maxLength: maxBatch }) }), {
    minLength: 15,
    maxLength: 40,
  });

// Minutes, since the runs are many, and a loaded machine takes several times as long.
describe('the state machine against a naive model', { timeout: 180_000 }, () => {
  test('every answer, every content and every view revision agree, one command at a time', () => {
    fc.assert(
      // A transaction may make and remove a key, which leaves a tombstone and moves its views.
      fc.property(steps(1, single), (played) => {
        const journal = new Journal();
        const model = new Model();
        let now = 0;
        for (const { waitMs, batch } of played) {
          now += waitMs;
          const { outcomes } = journal.commit(batch, now);
          expect(outcomes.map(answer)).toEqual(model.commit(batch, now, views));
          compare(journal, model);
          for (const view of views) {
            expect([view, journal.views.revision(view)]).toEqual([view, model.revisionOf(view)]);
          }
        }
      }),
      { numRuns },
    );
  });

  test('a batch answers as its commands would one after the other', () => {
    fc.assert(
      fc.property(steps(8), (played) => {
        const journal = new Journal();
        const model = new Model();
        let now = 0;
        for (const { waitMs, batch } of played) {
          now += waitMs;
          const committed = journal.commit(batch, now);
          const { outcomes, revision } = committed;
          expect(outcomes.map(answer)).toEqual(model.commit(batch, now, views, revision));
          checkRevisions(committed, journal);
          compare(journal, model);
        }
      }),
      { numRuns },
    );
  });

  test('work that takes several transactions comes to the same, also when a restart cuts it off and it is given again', () => {
    fc.assert(
      fc.property(steps(1, single), fc.integer({ min: 1, max: 4 }), fc.boolean(), (played, rows, restarts) => {
        const journal = new Journal({ rows, bytes: 1_000, reads: Infinity });
        const model = new Model();
        let now = 0;
        for (const { waitMs, batch } of played) {
          now += waitMs;
          // Without its other steps; the same command does the rest.
          const cut = restarts && batch.every(({ kind }) => kind.startsWith('deregister') || kind === 'session-destroy');
          if (cut) {
            const { outcomes } = journal.step(batch, now);
            journal.restart();
            checkWhole(journal);
            if (outcomes.every((outcome) => !('next' in outcome))) {
              expect(outcomes.map((outcome) => answer(outcome as Settled))).toEqual(model.commit(batch, now, views, journal.state.revision));
              continue;
            }
            endSessionsAsAtStart(journal, now);
            journal.commit(batch, now);
            model.commit(batch, now, views, journal.state.revision);
            // What was there may be gone before the command is given again, so its answer may be another one.
            compare(journal, model, { revisions: false });
            checkWhole(journal);
            continue;
          }
          const { outcomes, revision } = journal.commit(batch, now);
          expect(outcomes.map(answer)).toEqual(model.commit(batch, now, views, revision));
          compare(journal, model, { revisions: false });
          checkWhole(journal);
        }
      }),
      { numRuns },
    );
  });

  test('a restart changes nothing, and only watchers of a changed view are woken', () => {
    fc.assert(
      fc.property(steps(3), fc.nat(39), (played, restartAt) => {
        const journal = new Journal();
        const woken = new Set<string>();
        const watchAll = () => views.forEach((view) => journal.views.watch(view, () => woken.add(view)));
        watchAll();
        played.forEach(({ batch }, at) => {
          if (at === restartAt) {
            const before = [dump(journal), ...views.map((view) => journal.views.revision(view))];
            journal.restart();
            expect([dump(journal), ...views.map((view) => journal.views.revision(view))]).toEqual(before);
            watchAll();
          }
          const revisions = new Map(views.map((view) => [view, journal.views.revision(view)]));
          woken.clear();
          journal.commit(batch);
          const raised = views.filter((view) => journal.views.revision(view) !== revisions.get(view));
          expect([...woken].sort()).toEqual(raised.sort());
        });
      }),
      { numRuns },
    );
  });

  /** A prune that forgets views raised the view of the whole catalog, which stood lower after the restart. */
  const forgottenViews: (Command | 'prune' | 'restart')[] = [
    { kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.1' }, nodeMode: 'update', instances: [{ id: 'i1', service: 'web' }] },
    { kind: 'deregister-node', node: 'n1' },
    'prune',
    'restart',
  ];

  test('no revision goes back, prunes and restarts included', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 8, arbitrary: command }, fc.constantFrom('prune', 'restart')), { maxLength: 60 }), (played) => {
        const journal = new Journal();
        const last = new Map<string, number>();
        for (const each of played) {
          if (each === 'restart') journal.restart();
          else if (typeof each === 'string') journal.commit([{ kind: 'prune', keys: prunable(journal.state, 0) }]);
          else journal.commit([each]);
          for (const view of views) {
            const revision = journal.views.revision(view);
            expect(revision).toBeGreaterThanOrEqual(last.get(view) ?? 0);
            last.set(view, revision);
          }
        }
      }),
      { numRuns, examples: [[forgottenViews]] },
    );
  });
});

type Shown = Extract<AnyResult, object>;

/** Whether a command about a znode answered it. */
function isZnode(result: Shown): result is Exclude<Shown, TxnResult> {
  return !('failures' in result) && !('reads' in result);
}

function answer(outcome: Settled): Answer {
  if ('error' in outcome) return outcome.error.code as Answer;
  const { result } = outcome;
  if (typeof result === 'string') throw new TypeError(`the model knows no answer ${result}`);
  if (typeof result !== 'object') return result;
  if (isZnode(result)) throw new TypeError('the model knows no znodes');
  if ('failures' in result) return { failed: result.failures.map(({ at }) => at) };
  return {
    read: result.reads.map((rows) =>
      rows.map((row) => (row.kind === 'kv' ? `${row.key}=${Buffer.from(row.value).toString()}` : '?')).sort().join(),
    ),
  };
}

/**
 * A client may take the revision of a row that a transaction showed it for its next condition, so
 * the row with that revision now must be what it saw; alone in its commit, its last read of a row that
 * it wrote must be the row.
 */
function checkRevisions({ outcomes }: Committed, { state }: Journal): void {
  for (const outcome of outcomes) {
    if ('error' in outcome || typeof outcome.result !== 'object' || isZnode(outcome.result) || 'failures' in outcome.result) continue;
    const last = new Map<string, Row>();
    for (const row of outcome.result.reads.flat()) last.set(keyOf(row), row);
    for (const [key, row] of last) {
      const now = state.get(key);
      expect(row.modified).toBeLessThanOrEqual(state.revision);
      // Unless the transaction itself went on to write it.
      const own = outcome.result.written.get(key);
      if (own !== undefined && !sameContent(own, row)) continue;
      if (now?.modified === row.modified) expect(now).toEqual(row);
    }
    if (outcomes.length > 1) continue;
    for (const [key, row] of outcome.result.written) {
      const read = last.get(key);
      if (read !== undefined && sameContent(read, row)) expect(state.get(key)).toEqual(read);
    }
  }
}

/** A start completes the ends of sessions that it finds begun (`health/sessions.ts`). */
function endSessionsAsAtStart(journal: Journal, now: number): void {
  const begun = [...allSessions(journal.state, 'default')].filter(({ ending }) => ending === true);
  for (const { id } of begun) journal.commit([{ kind: 'session-destroy', namespace: 'default', id }], now);
}

/** No row depends on a missing one, after every kind of cut. */
function checkWhole({ state }: Journal): void {
  for (const [, row] of state.rows()) {
    if (row.kind === 'kv' && row.session !== undefined) expect(findSession(state, 'default', row.session)).toBeDefined();
    if (row.kind === 'instance' && row.node !== '') expect(findNode(state, row.node)).toBeDefined();
    if (row.kind === 'instance' && row.session !== undefined) expect(findSession(state, 'default', row.session)).toBeDefined();
    if (row.kind === 'check' && row.instance !== '') expect(findInstance(state, 'default', row.node, row.instance)).toBeDefined();
    // The end of a session may take a check that it was bound to before the session itself.
    if (row.kind === 'session' && row.ending !== true) for (const { namespace, id } of row.checks) expect(findCheck(state, namespace, row.node, id)).toBeDefined();
  }
}

/** Compares contents through the model's own views, so that one way of reading serves both. */
function compare(journal: Journal, model: Model, { revisions } = { revisions: true }): void {
  const copy = new Model();
  const { state } = journal;
  copy.data = {
    nodes: Array.from(allNodes(state), ({ name, address, id }) => ({ name, address, id })),
    services: Array.from(serviceRecords(state, 'default'), ({ name, protectThreshold }) => ({ name, protectThreshold })),
    instances: names.service.flatMap((service) =>
      Array.from(instancesOfService(state, 'default', service), ({ node, id, service: own, tags, session, status: said = 'up', override, enabled = true }) => ({
        node,
        id,
        service: own,
        tags,
        session,
        status: said,
        override,
        enabled,
      })),
    ),
    checks: Array.from(allChecks(state, 'default'), ({ node, id, instance, status: own, type, output }) => ({
      node,
      id,
      instance,
      status: own,
      type: type === 'status' ? `status ${output.slice(0, output.indexOf(':')).replaceAll(' ', '_')}` : type,
    })),
    sessions: Array.from(allSessions(state, 'default'), ({ id, node, checks, behavior, lockDelayMs }) => ({
      id,
      node,
      checks: checks.map((check) => check.id),
      behavior,
      lockDelayMs,
    })),
    kv: Array.from(kvKeysUnder(state, 'default', ''), (key) => {
      const { value, flags, lockIndex, session, modified } = findKv(state, 'default', key) as NonNullable<ReturnType<typeof findKv>>;
      const known = model.data.kv.find((each) => each.key === key);
      const shown = revisions ? modified : (known?.modified ?? modified);
      return { key, value: Buffer.from(value).toString(), flags, lockIndex, session, modified: shown };
    }),
    delays: [],
  };
  for (const view of views) expect([view, copy.content(view)]).toEqual([view, model.content(view)]);
  expect(show(serviceList(state, 'default'))).toBe(model.content(servicesView('default')));
  for (const node of names.node) {
    const shown = new Set<string>();
    servicesOf(state).addViewsOn(node, shown);
    expect([...shown].sort()).toEqual(model.servicesOn(node).map((service) => serviceView('default', service)));
  }
}

function dump(journal: Journal): string {
  return show([...journal.state.rows()].sort(([a], [b]) => (a < b ? -1 : 1)));
}
