/**
 * Several nodes on one store: which node watches a deadline, and that no death, sleep or silence of a node counts as that of a
 * service.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { turns } from '../health/liveness.case.ts';
import { holderOf } from '../registry/kind/member/find.ts';
import { nodes, type Fault, type Node, type Nodes } from './nodes.case.ts';

const ttlMs = 10_000;
/** A client keeps using it. */
const sticky = {};
const slackMs = 2_500;

let cluster: Nodes;
let a: Node;
let b: Node;
let c: Node;

async function setUp(fault: Fault = {}): Promise<void> {
  cluster = nodes(fault);
  [a, b, c] = [await cluster.start('a'), await cluster.start('b'), await cluster.start('c')];
}

beforeEach(() => setUp());

afterEach(() => cluster.close());

const key = (name: string) => `check\0default\0node-${name}\0check-${name}`;

/** Time passes, and clients send heartbeats through a node every 2 s. */
async function beatFor(ms: number, beats: () => Promise<unknown>): Promise<void> {
  for (let left = ms; left > 0; left -= 2_000) {
    await beats();
    await cluster.pass(Math.min(2_000, left));
  }
}

/** The presence of a frozen or dead node ends after its TTL; the others notice. */
const loses = async (node: Node) => {
  cluster.engine.presence.end(node.nodeId);
  await turns(40);
};

describe('members', () => {
  it('are the same on every node', () => {
    expect([a.members, b.members, c.members]).toEqual(Array.from({ length: 3 }, () => ['a', 'b', 'c']));
  });

  it('lose one that dies, at once', async () => {
    a.kill();
    await turns(40);
    expect([b.members, c.members]).toEqual([['b', 'c'], ['b', 'c']]);
  });

  it('lose one that dies together with the node that should remove it, after 2 s', async () => {
    a.kill();
    b.kill();
    await turns(40);
    await cluster.pass(3_000);
    expect(c.members).toEqual(['c']);
  });

  it('lose those that were not seen alive since the start, after the TTL of a presence', async () => {
    for (const node of [a, b, c]) node.kill();
    const d = await cluster.start('d');
    await cluster.pass(9_000);
    expect(d.members).toEqual(['a', 'b', 'c', 'd']);
    await cluster.pass(4_000);
    expect(d.members).toEqual(['d']);
  });

  it('keep one that was wrongly taken for dead: it joins again with a new epoch', async () => {
    const wake = a.freeze();
    await loses(a);
    expect(b.members).toEqual(['b', 'c']);
    wake();
    await cluster.pass(2_000);
    expect(b.members).toEqual(['b', 'c', 'a']);
  });

  it('lose a node that stops, without waiting for its presence', async () => {
    await a.stop();
    cluster.all.delete('a');
    await turns();
    expect(b.members).toEqual(['b', 'c']);
    expect(b.lines.map(({ msg }) => msg)).not.toContain('a node is gone: what it held is taken over');
  });

  it('do not count a second process under the id of one: the first one must stop', async () => {
    await cluster.start('a');
    await turns();
    expect(a.replaced).toBe('another process has joined the store as node host-a (a); give each node a name of its own');
    expect(b.members).toEqual(['b', 'c', 'a']);
  });
});

describe('a TTL check', () => {
  it('is watched by the node through which it was registered, and its heartbeats there are not forwarded', async () => {
    await a.register('web', ttlMs);
    await turns();
    expect([a.owns('web'), b.owns('web'), c.owns('web')]).toEqual([true, false, false]);
    await beatFor(30_000, () => a.beat('web', { connection: sticky }));
    expect(a.batches).toEqual([]);
    expect(c.status('web')).toBe('passing');
    await cluster.pass(ttlMs + slackMs);
    expect(c.status('web')).toBe('critical');
    expect([a, b, c].map(({ verdicts }) => verdicts.length)).toEqual([1, 0, 0]);
  });

  it('stays alive by heartbeats that come to other nodes in turn', async () => {
    await a.register('web', ttlMs);
    let turn = 0;
    await beatFor(60_000, () => ([b, c][turn++ % 2] as Node).beat('web', { connection: {} }));
    expect(a.status('web')).toBe('passing');
    expect(await b.counted('forwarded')).toBe(15);
    expect(holderOf(a.replica.state, key('web'))).toBe('a');
  });

  it('moves to the node that keeps getting its heartbeats on one connection; no view changes', async () => {
    await a.register('web', ttlMs);
    await turns();
    const before = c.replica.state.viewRevision('service\0default\0web');
    await beatFor(8_000, () => b.beat('web', { connection: sticky }));
    expect([a.owns('web'), b.owns('web'), c.owns('web')]).toEqual([false, true, false]);
    expect(c.replica.state.viewRevision('service\0default\0web')).toBe(before);
    const sent = b.batches.length;
    await beatFor(20_000, () => b.beat('web', { connection: sticky }));
    expect(b.batches.length).toBe(sent);
    await cluster.pass(ttlMs + slackMs);
    expect(a.status('web')).toBe('critical');
    expect(b.verdicts).toHaveLength(1);
  });

  it('is claimed when its owner cannot be reached, so that it does not expire', async () => {
    await a.register('web', ttlMs);
    await turns();
    cluster.cut.add('b a');
    await beatFor(60_000, () => b.beat('web', { connection: {} }));
    expect(a.status('web')).toBe('passing');
    expect(b.owns('web')).toBe(true);
  });

  it('has its full time again when its owner dies', async () => {
    await a.register('web', ttlMs);
    await cluster.pass(ttlMs - 1_000);
    a.kill();
    await turns(40);
    const heir = b.owns('web') ? b : c;
    await cluster.pass(ttlMs - 500);
    expect(heir.status('web')).toBe('passing');
    await cluster.pass(500 + slackMs);
    expect(heir.status('web')).toBe('critical');
  });

  it('has its full time again when its owner comes back', async () => {
    await a.register('web', ttlMs);
    const wake = a.freeze();
    await loses(a);
    await cluster.pass(ttlMs - 1_000);
    wake();
    await cluster.pass(2_000);
    expect(a.owns('web')).toBe(true);
    await cluster.pass(ttlMs - 3_000);
    expect(b.status('web')).toBe('passing');
    await cluster.pass(3_000 + slackMs);
    expect(b.status('web')).toBe('critical');
  });

  it('still expires when its instance dies during a change of owners', async () => {
    for (let at = 0; at < 8; at++) await a.register(`web-${at}`, ttlMs, { service: `s${at}` });
    a.kill();
    await turns(40);
    const d = await cluster.start('d');
    await cluster.pass(ttlMs + slackMs + 5_000);
    expect(Array.from({ length: 8 }, (_, at) => d.status(`web-${at}`))).toEqual(Array.from({ length: 8 }, () => 'critical'));
  });
});

/** A service is alive, and its heartbeats come to another node, while the owner of its check sleeps and has its verdict ready. */
async function sleeper(): Promise<string | undefined> {
  await a.register('web', ttlMs);
  await cluster.pass(ttlMs + 900);
  const wake = a.freeze();
  a.clock.advance(1_500);
  await turns();
  await loses(a);
  await beatFor(30_000, () => b.beat('web', { connection: sticky }));
  wake();
  await turns(40);
  return b.status('web');
}

/** A verdict of the owner's earlier life comes to the log when it has joined again. */
async function lateVerdict(): Promise<string | undefined> {
  await a.register('web', ttlMs);
  await turns();
  const { judge } = a.judging;
  const wake = a.freeze();
  await loses(a);
  wake();
  await cluster.pass(2_000);
  const by = a.judging.lateJudge(judge);
  const judged = { key: key('web'), revision: a.replica.state.get(key('web'))?.modified ?? 0, ...(by === undefined ? {} : { by }) };
  await a.replica.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', status: 'critical', judged }] });
  return a.status('web');
}

/** The node of a stream dies, and its client comes back within the grace. */
async function orphan(): Promise<string | undefined> {
  await a.openStream('s', ttlMs);
  await a.register('web', 0, { type: 'stream', session: 's' });
  await turns();
  a.kill();
  await turns(40);
  await cluster.pass(5_000);
  if (b.session('s') === undefined) return 'gone';
  await b.liveness.streamOpened('default', 's', 'client s');
  return b.status('web');
}

/** A node is stopped between the hello of a client and its commit; the client goes on at another node. */
async function overtaken(): Promise<string | undefined> {
  await c.openStream('s', ttlMs);
  await c.register('web', 0, { type: 'stream', session: 's' });
  await turns();
  const first = a.connect('s');
  const wake = a.freeze();
  const late = first.opened();
  await turns();
  const second = b.connect('s');
  await second.opened();
  wake();
  await late;
  await turns(40);
  expect(second.went.lost).toBe(0);
  if (second.went.moved > 0 || first.went.moved === 0 || b.session('s')?.holder !== 'b') return 'taken back';
  return b.status('web');
}

describe('a service that is alive', () => {
  it('is not expired by an owner that wakes up with a verdict', async () => {
    expect(await sleeper()).toBe('passing');
  });

  it('is not expired by a verdict of an earlier life of its owner', async () => {
    expect(await lateVerdict()).toBe('passing');
  });

  it('is not removed when the node of its stream dies', async () => {
    expect(await orphan()).toBe('passing');
  });

  it('is not taken back by a node that was stopped after the client had connected to it', async () => {
    expect(await overtaken()).toBe('passing');
  });

  it.each([
    ['verdicts name no judge', { noJudge: true }, sleeper],
    ['the epoch of a judge is not checked', { noEpoch: true }, lateVerdict],
    ['the grace of streams is skipped when their node is gone', { noGrace: true }, orphan],
    ['a node does not report the age of a connection', { ageless: true }, overtaken],
  ] as const)('would be lost if %s: this suite notices', async (_what, fault, scenario) => {
    await cluster.close();
    await setUp(fault);
    expect(await scenario()).not.toBe('passing');
  });
});

describe('a session with a TTL', () => {
  it('stays alive by renewals that come to another node', async () => {
    await a.replica.submit({
      ...{ kind: 'session-create', namespace: 'default', id: 's', name: '', node: '', liveness: 'ttl', ttlMs, lockDelayMs: 0 },
      ...{ behavior: 'release', checks: [] },
    });
    await turns();
    for (let at = 0; at < 10; at++) {
      expect(b.liveness.renewSession('default', 's', 'client', {})).toBe(true);
      await cluster.pass(ttlMs);
    }
    expect(c.session('s')).toBeDefined();
    await cluster.pass(2 * ttlMs + slackMs);
    expect(c.session('s')).toBeUndefined();
  });
});

describe('a stream', () => {
  beforeEach(async () => {
    await a.openStream('s', ttlMs);
    await a.register('web', 0, { type: 'stream', session: 's' });
    await turns();
  });

  it('whose node dies keeps its instances passing for the grace, in which the client may come back elsewhere', async () => {
    a.kill();
    await turns(40);
    await cluster.pass(ttlMs - 1_000);
    expect([b.status('web'), c.status('web')]).toEqual(['passing', 'passing']);
    await b.liveness.streamOpened('default', 's', 'client s');
    await cluster.pass(10 * ttlMs);
    expect([b.status('web'), c.status('web')]).toEqual(['passing', 'passing']);
    expect(c.session('s')).toMatchObject({ holder: 'b', epoch: 2 });
  });

  it('whose client does not come back ends after the grace, which begins when the node is gone', async () => {
    const wake = a.freeze();
    // As long as the node is a member it holds the stream, whatever its state.
    await cluster.pass(3 * ttlMs);
    expect(b.session('s')).toBeDefined();
    await loses(a);
    await cluster.pass(ttlMs - 500);
    expect(b.session('s')).toBeDefined();
    await cluster.pass(500 + slackMs);
    expect(b.session('s')).toBeUndefined();
    expect(b.status('web')).toBeUndefined();
    wake();
  });

  it('gets 10 s at least when its node dies, however short its grace', async () => {
    await a.openStream('short', 1_000);
    await turns();
    a.kill();
    await turns(40);
    await cluster.pass(9_000);
    expect(b.session('short')).toBeDefined();
    await cluster.pass(1_000 + slackMs);
    expect(b.session('short')).toBeUndefined();
  });

  it('that is still open on a node that was wrongly taken for dead is held by it again', async () => {
    const wake = a.freeze();
    await loses(a);
    await cluster.pass(5_000);
    wake();
    await cluster.pass(5 * ttlMs);
    expect(b.session('s')).toMatchObject({ holder: 'a' });
    expect(b.status('web')).toBe('passing');
  });
});

describe('a check by probes', () => {
  it('is probed by one node only', async () => {
    await a.replica.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '127.0.0.1' }, nodeMode: 'ensure' },
      checks: Array.from({ length: 30 }, (_, at) => ({ id: `c${at}`, name: 'c', type: 'tcp' as const, definition: { tcp: '127.0.0.1:1', intervalMs: 60_000 } })),
    });
    await turns();
    const probed = [a, b, c].map(({ liveness }) => liveness.probed);
    expect(probed.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect(Math.min(...probed)).toBeGreaterThan(0);
    b.kill();
    await turns(40);
    expect(a.liveness.probed + c.liveness.probed).toBe(30);
  });
});

describe('self-preservation', () => {
  const each = 20;
  const all = () => [a, b, c].flatMap((node) => Array.from({ length: each }, (_, at) => ({ node, name: `${node.nodeId}-${at}` })));
  const missing = (share: number) => all().filter(({ name }) => Number(name.slice(2)) < share * each);

  beforeEach(async () => {
    for (const { node, name } of all()) await node.register(name, ttlMs, { service: `s${name.length}-${name.at(-1)}` });
    await turns();
  });

  /** Time passes; the services that are not missing send their heartbeats to the node that watches them. */
  async function withoutBeats(gone: readonly { readonly name: string }[], ms: number): Promise<void> {
    const names = new Set(gone.map(({ name }) => name));
    await beatFor(ms, async () => {
      for (const { node, name } of all()) if (!names.has(name)) await node.beat(name);
    });
  }

  it('freezes expiry on every node when a quarter of the fleet is missing, although each node watches only a third', async () => {
    const gone = missing(0.25);
    await withoutBeats(gone, 30_000);
    expect([a, b, c].map(({ liveness }) => liveness.status().frozen)).toEqual([true, true, true]);
    expect(gone.map(({ name }) => a.status(name))).toEqual(gone.map(() => 'passing'));
  });

  it('lets a few missing instances expire', async () => {
    const gone = missing(0.1);
    await withoutBeats(gone, 30_000);
    expect(gone.map(({ name }) => a.status(name))).toEqual(gone.map(() => 'critical'));
  });
});
