/** Two nodes on one store: one watches all deadlines, connections and heartbeats come to both. */

import { afterEach, describe, expect, test } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { findCheck, findInstance } from '../registry/kind/catalog/find.ts';
import { holderOf } from '../registry/kind/member/find.ts';
import type { Registry } from '../registry/registry.ts';
import { startLiveness, turns, type Started } from './liveness.case.ts';
import { soleOwner, type Ownership, type StrayBeat } from './ownership.ts';

const ttlMs = 10_000;
/** Far beyond what a verdict takes. */
const slackMs = 2_000;

const started: Started[] = [];

afterEach(async () => {
  for (const each of started.splice(0)) await each.close();
});

/** `other` watches what it holds, and `owner` everything else. */
async function two(stray: (beat: StrayBeat) => void = () => {}): Promise<{ owner: Started; other: Started }> {
  const engine = { ...memory(), exclusive: false, close: () => Promise.resolve() };
  const states: Record<string, Started['replica']> = {};
  const node = (nodeId: string): Ownership => ({
    ...soleOwner(nodeId),
    stray,
    owns: (key) => ((states[nodeId] && holderOf(states[nodeId].state, key)) ?? 'owner') === nodeId,
  });
  const [owner, other] = [await startLiveness({ engine, ownership: node('owner') }), await startLiveness({ engine, ownership: node('other') })];
  Object.assign(states, { owner: owner.replica, other: other.replica });
  started.push(owner, other);
  return { owner, other };
}

const pass = async (nodes: { owner: Started; other: Started }, ms: number) => {
  for (let left = ms; left > 0; left -= 500) {
    await Promise.all([nodes.owner.pass(Math.min(500, left)), nodes.other.pass(Math.min(500, left))]);
  }
};

const status = ({ replica }: Started, name: string) => findCheck(replica.state, 'default', `node-${name}`, `check-${name}`)?.status;

describe('a deadline', () => {
  test('is watched by its owner only', async () => {
    const nodes = await two();
    await nodes.other.register('web', { type: 'ttl', definition: { ttlMs } });
    await pass(nodes, ttlMs + slackMs);
    expect(status(nodes.other, 'web')).toBe('critical');
    expect(nodes.other.submitted).toEqual([]);
    expect(nodes.owner.submitted).toHaveLength(1);
  });

  test('of a check is void when the check was changed meanwhile, and starts again', async () => {
    const { owner } = await two();
    await owner.register('web', { type: 'ttl', definition: { ttlMs }, status: 'warning' });
    const release = owner.holdCommits();
    await owner.pass(ttlMs + slackMs);
    expect(owner.submitted).toMatchObject([{ kind: 'update-checks', updates: [{ judged: { key: 'check\0default\0node-web\0check-web', revision: owner.row('web')?.modified } }] }]);
    // Another node submits the status; this node gets no heartbeat.
    await owner.replica.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', output: 'alive' }] });
    release();
    await turns();
    expect(status(owner, 'web')).toBe('warning');
    await owner.pass(ttlMs + slackMs);
    expect(status(owner, 'web')).toBe('critical');
  });

  test('of a critical instance is void when its check has recovered', async () => {
    const { owner } = await two();
    await owner.register('web', { type: 'ttl', definition: { ttlMs: 3_600_000, deregisterCriticalAfterMs: 60_000 }, status: 'critical' });
    const release = owner.holdCommits();
    await owner.pass(60_000 + slackMs);
    await owner.replica.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', status: 'passing' }] });
    release();
    await turns();
    expect(findInstance(owner.replica.state, 'default', 'node-web', 'web')).toBeDefined();
  });
});

test('a probe that is asked for at another node is run by the owner', async () => {
  const strays: StrayBeat[] = [];
  const { owner, other } = await two((beat) => strays.push(beat));
  await owner.register('web', { type: 'tcp', definition: { tcp: '127.0.0.1:1', intervalMs: 3_600_000 } });
  await other.replica.barrier();
  expect(other.liveness.probe('default', 'node-web', 'check-web')).toBe('elsewhere');
  const [{ key, status: said, output, principal }] = strays as [StrayBeat];
  expect(await owner.liveness.deliver(key, said, output, principal)).toBe('taken');
  // The probe is joined, so its result is that of the one that was asked for.
  expect(await owner.liveness.probe('default', 'node-web', 'check-web')).toMatchObject({ status: 'critical' });
});

describe('a stream', () => {
  async function withStream() {
    const nodes = await two();
    const { owner, other } = nodes;
    await owner.createSession('s', 'stream', ttlMs);
    await owner.register('web', { type: 'stream', status: 'critical', session: 's' });
    await other.replica.barrier();
    return nodes;
  }

  test('that another node holds does not expire, and ends after its grace when that node has lost it', async () => {
    const nodes = await withStream();
    const { owner, other } = nodes;
    await other.liveness.streamOpened('default', 's', 'client');
    await owner.replica.barrier();
    expect(owner.session('s')).toMatchObject({ holder: 'other', epoch: 1 });
    await pass(nodes, 10 * ttlMs);
    expect(status(owner, 'web')).toBe('passing');
    await other.liveness.streamClosed('default', 's');
    await owner.replica.barrier();
    expect(status(owner, 'web')).toBe('critical');
    expect(owner.session('s')).toBeDefined();
    await pass(nodes, ttlMs + slackMs);
    expect(owner.session('s')).toBeUndefined();
  });

  test('that has moved stays when its former node reports its loss late', async () => {
    const nodes = await withStream();
    const { owner, other } = nodes;
    await other.liveness.streamOpened('default', 's', 'client');
    // The report of the old holder is still on its way when the client is already connected to another node.
    const release = other.holdCommits();
    const late = other.liveness.streamClosed('default', 's');
    await owner.replica.barrier();
    await owner.liveness.streamOpened('default', 's', 'client');
    expect(owner.session('s')).toMatchObject({ holder: 'owner', epoch: 2 });
    release();
    await late;
    await owner.replica.barrier();
    expect(owner.session('s')).toMatchObject({ holder: 'owner', epoch: 2 });
    expect(status(owner, 'web')).toBe('passing');
    await pass(nodes, 3 * ttlMs);
    expect(status(owner, 'web')).toBe('passing');
  });

  test('that comes back while its end is being committed keeps its session', async () => {
    const nodes = await withStream();
    const { owner, other } = nodes;
    await owner.liveness.streamOpened('default', 's', 'client');
    await owner.liveness.streamClosed('default', 's');
    await other.replica.barrier();
    const release = owner.holdCommits();
    await owner.pass(ttlMs + slackMs);
    await other.liveness.streamOpened('default', 's', 'client');
    release();
    await turns();
    await owner.replica.barrier();
    expect(owner.session('s')).toMatchObject({ holder: 'other' });
    await pass(nodes, 3 * ttlMs);
    expect(status(owner, 'web')).toBe('passing');
  });

  test('whose holder was an earlier process of the only node ends after its grace', async () => {
    const engine = { ...memory(), close: () => Promise.resolve() };
    const before = await startLiveness({ engine });
    await before.createSession('s', 'stream', ttlMs);
    await before.liveness.streamOpened('default', 's', 'client');
    await before.close();
    const after = await startLiveness({ engine });
    started.push(after);
    await after.pass(ttlMs + slackMs);
    expect((after as { readonly replica: Pick<Registry, 'state'> }).replica.state.get('session\0default\0s')).toBeUndefined();
  });
});
