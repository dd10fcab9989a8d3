/** Commands that do not fit into one transaction of an engine with limits: they become steps, each of which is harmless. */

import { afterEach, describe, expect, test } from 'vitest';
import { limited, etcdLimits, type Limited } from '../engine/limited.case.ts';
import { memory } from '../engine/memory/memory.ts';
import { restoreInSteps } from '../backup/restore.ts';
import { findInstance, findNode } from '../registry/kind/catalog/find.ts';
import { findSession } from '../registry/kind/session/find.ts';
import { encodeRow, type Command } from '../registry/kinds.ts';
import { findPrunable } from '../registry/prune.ts';
import type { State } from '../registry/state.ts';
import { everything, say, see, view } from './shared-commands.case.ts';
import { testNode, type TestNode } from './test-node.case.ts';

const nodes: TestNode[] = [];

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});

async function start(limits = etcdLimits): Promise<{ one: TestNode; other: TestNode; engine: Limited }> {
  const engine = limited(memory(), limits);
  const [one, other] = [await testNode(engine), await testNode(engine)];
  nodes.push(one, other);
  return { one, other, engine };
}

async function submitAll({ replica }: TestNode, commands: readonly Command[]): Promise<void> {
  await Promise.all(commands.map((command) => replica.submit(command)));
}

/** Looks at what every transaction leaves. */
function afterEachCommit({ replica }: TestNode, look: (state: State) => void): void {
  replica.observe({
    observe: () => look(replica.state),
    *replaced() {},
  });
}

/** No instance without its node, no check without its instance, no lock and no instance held by a session that is gone. */
function expectSound(state: State): void {
  for (const [, row] of state.rows()) {
    if (row.kind === 'instance') {
      expect(findNode(state, row.node)).toBeDefined();
      if (row.session !== undefined) expect(findSession(state, row.namespace, row.session)).toBeDefined();
    }
    if (row.kind === 'check' && row.instance !== '') expect(findInstance(state, row.namespace, row.node, row.instance)).toBeDefined();
    if (row.kind === 'kv' && row.session !== undefined) expect(findSession(state, row.namespace, row.session)).toBeDefined();
  }
}

async function expectSame(one: TestNode, other: TestNode): Promise<void> {
  await other.replica.barrier();
  expect(everything(other.replica)).toEqual(everything(one.replica));
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('an engine with the limits of etcd takes', () => {
  test('many commands at once', async () => {
    const { one, other, engine } = await start();
    await submitAll(one, numbers(2_000).map((n) => say.replace(`node-${n % 50}`, `i-${n}`, [{ id: `c-${n}`, name: 'c', instance: `i-${n}`, status: 'passing' }])));
    expect(see.instances(one.replica.state, 'web')).toHaveLength(2_000);
    // Not one command in each.
    expect(engine.commits).toBeLessThan(200);
    await expectSame(one, other);
  });

  test('the removal of a node with 1,000 instances', async () => {
    const { one, other, engine } = await start();
    await submitAll(one, numbers(1_000).map((n) => say.replace('n', `i-${n}`, [{ id: `c-${n}`, name: 'c', instance: `i-${n}`, status: 'passing' }])));
    const before = engine.commits;
    afterEachCommit(one, expectSound);
    expect(await one.replica.submit(say.deregisterNode('n'))).toBe(true);
    expect(see.node(one.replica.state, 'n')).toBeUndefined();
    expect(see.instances(one.replica.state, 'web')).toEqual([]);
    expect(engine.commits - before).toBeGreaterThan(10);
    await expectSame(one, other);
  });

  test('the removal of a node while another writer registers on it: it keeps what came later, and the node with it', async () => {
    const { one, other } = await start();
    await submitAll(one, numbers(300).map((n) => say.instance('n', `i-${n}`)));
    await other.replica.barrier();
    let later: Promise<unknown> | undefined;
    afterEachCommit(one, () => {
      later ??= other.replica.submit(say.instance('n', 'later'));
    });
    expect(await one.replica.submit(say.deregisterNode('n'))).toBe(true);
    await later;
    await one.replica.barrier();
    expect(see.instances(one.replica.state, 'web')).toEqual(['later']);
    expect(see.node(one.replica.state, 'n')).toBeDefined();
    expectSound(one.replica.state);
    await expectSame(one, other);
  });

  test('a recursive delete of 50,000 keys', async () => {
    const { one, other, engine } = await start();
    await submitAll(one, numbers(50_000).map((n) => say.put(`d/${n}`, 'x')));
    await other.replica.barrier();
    expect(await one.replica.submit(say.removeTree('d/'))).toBe(true);
    expect(see.keys(one.replica.state, 'd/')).toEqual([]);
    expect(engine.most.operations).toBeLessThanOrEqual(128);
    await other.replica.barrier();
    expect(see.keys(other.replica.state, 'd/')).toEqual([]);
  });

  test('the end of a stream with 500 instances and 500 locks', async () => {
    const { one, other } = await start();
    await one.replica.submit(say.node('n'));
    await one.replica.submit({ ...say.session('s', 'n'), liveness: 'stream', ttlMs: 10_000 });
    const stream = (n: number) => [{ id: `c-${n}`, name: 'c', instance: `i-${n}`, status: 'critical', type: 'stream' }] as const;
    await submitAll(one, numbers(500).map((n) => ({ ...say.instance('n', `i-${n}`, { session: 's' }), checks: stream(n) })));
    await submitAll(one, numbers(500).map((n) => say.acquire(`lock/${n}`, 's')));
    afterEachCommit(one, expectSound);
    const connection = { kind: 'session-connected', namespace: 'default', id: 's', holder: 'here' } as const;
    for (const connected of [true, false]) {
      expect(await one.replica.submit(connected ? { ...connection, connected, after: 0 } : { ...connection, connected, epoch: 1 })).toBe(true);
      const wanted = connected ? 'passing' : 'critical';
      const statuses = numbers(500).map((n) => see.check(one.replica.state, 'n', `c-${n}`)?.status);
      expect(new Set(statuses)).toEqual(new Set([wanted]));
    }
    expect(await one.replica.submit(say.destroy('s'))).toBe(true);
    expect(see.instances(one.replica.state, 'web')).toEqual([]);
    expect(see.holder(one.replica.state, 'lock/7')).toBeUndefined();
    await expectSame(one, other);
  });

  test('a prune of 2,000 keys', async () => {
    const { one, other } = await start();
    await submitAll(one, numbers(2_000).flatMap((n) => [say.put(`k/${n}`, 'x')]));
    await one.replica.submit(say.removeTree('k/'));
    const revision = one.replica.views.revision(view.prefix('k/'));
    const steps = findPrunable(one.replica.state, 0);
    let found = steps.next();
    while (found.done !== true) found = steps.next();
    expect(found.value.length).toBeGreaterThan(900);
    expect(await one.replica.submit(say.prune(found.value))).toBe(true);
    expect(one.replica.views.revision(view.prefix('k/'))).toBeGreaterThanOrEqual(revision);
    await expectSame(one, other);
  });

  test('an instance with 300 checks goes', async () => {
    const { one, other } = await start();
    await one.replica.submit(say.instance('n', 'i'));
    await submitAll(one, numbers(300).map((n) => say.check('n', `c-${n}`, { instance: 'i' })));
    afterEachCommit(one, expectSound);
    expect(await one.replica.submit(say.deregisterInstance('n', 'i'))).toBe(true);
    expect(see.check(one.replica.state, 'n', 'c-7')).toBeUndefined();
    await expectSame(one, other);
  });

  test('a restore, which brings the old content back and never leaves a row without one that it depends on', async () => {
    const source = await start();
    const fill = (node: TestNode, from: number) =>
      submitAll(node, numbers(150).flatMap((n) => [
        say.replace(`node-${(n + from) % 40}`, `i-${n + from}`, [{ id: `c-${n + from}`, name: 'c', instance: `i-${n + from}`, status: 'passing' }]),
        say.put(`k/${n + from}`, String(from)),
      ]));
    await fill(source.one, 0);
    await source.one.replica.submit(say.session('s', 'node-1'));
    await source.one.replica.submit(say.acquire('lock', 's'));
    const { state } = source.one.replica;
    const records = Array.from(state.rows(), ([key, row]) => ({ key, value: encodeRow(row) }));

    const { one, other, engine } = await start();
    await fill(one, 100);
    await submitAll(one, [say.node('only here'), say.put('gone', '1'), say.session('t', 'only here'), say.acquire('k/200', 't')]);
    const before = one.replica.state.revision;
    afterEachCommit(one, expectSound);
    const commits = engine.commits;
    expect(await one.replica.submit(restoreInSteps({ revision: 1, records }, one.replica.state))).toBe(true);
    expect(engine.commits - commits).toBeGreaterThan(5);
    const content = (from: State) =>
      Array.from(from.rows(), ([key, { created: _c, modified: _m, ...row }]) => [key, row] as const)
        .filter(([, { kind }]) => !['view', 'head', 'tombstone', 'floor', 'delay'].includes(kind))
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(content(one.replica.state)).toEqual(content(state));
    expect(one.replica.views.revision(view.key('gone'))).toBeGreaterThan(before);
    await expectSame(one, other);
    // Given again, it changes nothing.
    const again = one.replica.state.revision;
    await one.replica.submit({ ...restoreInSteps({ revision: 1, records }, one.replica.state), rows: [] });
    expect(one.replica.state.revision).toBe(again);
  });

  test('values of half a megabyte, as many as fit into a transaction', async () => {
    const { one, other, engine } = await start();
    await submitAll(one, numbers(20).map((n) => say.put(`large/${n}`, 'x'.repeat(524_288))));
    expect(see.keys(one.replica.state, 'large/')).toHaveLength(20);
    expect(engine.commits).toBeLessThan(20);
    await other.replica.barrier();
    expect(see.keys(other.replica.state, 'large/')).toHaveLength(20);
  });
});

describe('what cannot be cut', () => {
  test('is refused with the limit, and others go on', async () => {
    const { one, engine } = await start();
    const many = numbers(200).map((n) => ({ id: `c-${n}`, name: 'c', status: 'passing' }) as const);
    const refused = one.replica.submit({ ...say.node('n'), checks: many });
    const other = one.replica.submit(say.put('k', '1'));
    await expect(refused).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('the limit of the store is 128') as string });
    expect(await other).toBe(true);
    await expect(one.replica.submit(say.put('k', 'x'.repeat(2_000_000)))).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(see.node(one.replica.state, 'n')).toBeUndefined();
    expect(engine.most.operations).toBeLessThanOrEqual(128);
  });

  test('is refused whatever it is, when the limit is very small, and not retried without end', async () => {
    const { one } = await start({ operations: 3, bytes: 10_000 });
    expect(await one.replica.submit(say.put('k', '1'))).toBe(true);
    await expect(one.replica.submit(say.replace('n', 'i', [{ id: 'c', name: 'c', instance: 'i' }]))).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
