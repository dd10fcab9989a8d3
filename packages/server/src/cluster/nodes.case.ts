/**
 * Nodes on one memory engine, as tests drive them: each has a replica, liveness and its place in the cluster, and a clock of its own that
 * stands still while the node is frozen. The connection between two nodes can be cut.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { Engine } from '../engine/engine.ts';
import type { Presence } from '../engine/presence.ts';
import { memory, type MemoryEngine } from '../engine/memory/memory.ts';
import { ConnectionSession } from '../health/connection/connection-session.ts';
import { Liveness } from '../health/liveness.ts';
import { logTo, turns, type LogLine } from '../health/liveness.case.ts';
import type { Ownership, StrayBeat } from '../health/ownership.ts';
import { Wheel } from '../health/wheel.ts';
import { manualClock } from '../manual-clock.case.ts';
import { addressPolicy } from '../outbound/address-policy.ts';
import { findMember, membersOf } from '../registry/kind/member/find.ts';
import type { Command, Result } from '../registry/kinds.ts';
import type { Judge } from '../registry/judged.ts';
import { findCheck } from '../registry/kind/catalog/find.ts';
import { allSessions, findSession } from '../registry/kind/session/find.ts';
import type { Member } from '../registry/kind/member/rows.ts';
import { Replica } from '../replica.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { BeatBatch } from './channel/beat-body.ts';
import { Cluster } from './cluster.ts';

/** A planted fault that the suite must find. */
export interface Fault {
  /** Verdicts name no judge, so that those of a former owner count. */
  readonly noJudge?: true;
  /** Verdicts of an earlier membership of a node count. */
  readonly noEpoch?: true;
  /** Streams end at once when their node is gone, without a grace. */
  readonly noGrace?: true;
  /** A node reports a connection without its age. */
  readonly ageless?: true;
}

export type Node = Awaited<ReturnType<typeof startNode>>;

export interface Nodes {
  readonly engine: MemoryEngine;
  readonly all: Map<string, Node>;
  start(nodeId: string): Promise<Node>;
  /** Lets time pass for all nodes that are not frozen. */
  pass(ms: number): Promise<void>;
  /** Nodes that cannot reach each other, as `a b`. */
  readonly cut: Set<string>;
  close(): Promise<void>;
}

export function nodes(fault: Fault = {}): Nodes {
  const engine = memory();
  const shared: Engine = { ...engine, exclusive: false, close: () => Promise.resolve() };
  const all = new Map<string, Node>();
  const cut = new Set<string>();
  return {
    engine,
    all,
    cut,
    async start(nodeId) {
      const node = await startNode({ engine: shared, memoryEngine: engine, nodeId, all, cut, fault });
      all.set(nodeId, node);
      await turns();
      return node;
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= 50) {
        for (const node of all.values()) if (!node.frozen) node.clock.advance(Math.min(50, left));
        await turns(6);
      }
    },
    async close() {
      for (const node of all.values()) await node.stop();
      await engine.close();
    },
  };
}

interface StartOptions {
  readonly engine: Engine;
  readonly memoryEngine: MemoryEngine;
  readonly nodeId: string;
  readonly all: Map<string, Node>;
  readonly cut: Set<string>;
  readonly fault: Fault;
}

async function startNode({ engine, memoryEngine, nodeId, all, cut, fault }: StartOptions) {
  const clock = manualClock();
  const lines: LogLine[] = [];
  const log = logTo(lines);
  const metrics = new Metrics();
  let gate: Promise<void> = Promise.resolve();
  let unreachable = false;
  const view: Engine = {
    ...engine,
    async commit(transaction) {
      await gate;
      if (unreachable) throw new Error('the store cannot be reached');
      return engine.commit(transaction);
    },
  };
  const replica = new Replica({ engine: view, clock, onFatal: (error) => lines.push({ level: 60, msg: error.message }) });
  await replica.start();
  /** Commands that liveness has submitted. */
  const verdicts: Command[] = [];
  const registry = {
    get state() {
      return replica.state;
    },
    views: replica.views,
    barrier: () => replica.barrier(),
    observe: replica.observe.bind(replica),
    notOlderThan: (revision: number) => replica.notOlderThan(revision),
    isOnlyWriter: false,
    staleMs: 0,
    watchStaleness: replica.watchStaleness.bind(replica),
    submit<C extends Command>(command: C): Promise<Result<C>> {
      verdicts.push(command);
      return replica.submit(command);
    },
  };
  const liveness = new Liveness({
    ...{ registry, clock, log, metrics, limits: { probesMax: 8 }, random: () => 0.5 },
    resolve: addressPolicy(() => Promise.reject(new Error('no names here'))),
  });
  replica.observe(liveness);
  // A frozen process sends and receives nothing.
  const presence: Presence = {
    ttlMs: memoryEngine.presence.ttlMs,
    async hold(id) {
      await gate;
      return memoryEngine.presence.hold(id);
    },
    watch: (listener) => memoryEngine.presence.watch((present) => void gate.then(() => listener(present))),
  };
  let replaced = '';
  const batches: BeatBatch[] = [];
  const cluster: Cluster = new Cluster({
    ...{ registry: replica, liveness, presence, clock, log, metrics, nodeId, onReplaced: (error) => (replaced = error.message) },
    peers: {
      async beats(to: Member, batch: BeatBatch) {
        const peer = all.get(to.nodeId);
        // As on a network, a frozen node does not answer.
        if (peer?.frozen === true) return new Promise<never>(() => {});
        if (peer === undefined || cut.has(`${nodeId} ${to.nodeId}`)) throw new Error('the node cannot be reached');
        batches.push(batch);
        return peer.cluster.beats(batch);
      },
    },
  });
  const judging = judgingBy(cluster.ownership, fault, () => findMember(replica.state, nodeId));
  await liveness.start(judging);
  if (fault.noGrace === true) replica.views.watch('members', () => endOrphans(replica));
  await cluster.join({ name: `host-${nodeId}`, address: `http://${nodeId}`, version: '1.0.0' });

  const node = {
    nodeId,
    clock,
    replica,
    liveness,
    judging,
    cluster,
    metrics,
    lines,
    verdicts,
    batches,
    /** Its timers do not run, and its commits wait. */
    frozen: false,
    get replaced() {
      return replaced;
    },
    set unreachable(is: boolean) {
      unreachable = is;
    },
    get members() {
      return membersOf(replica.state).map((member) => member.nodeId);
    },

    /** As SIGSTOP does. Its presence ends when the store has not heard of it for its TTL. @returns wakes it up */
    freeze(): () => void {
      let open = () => {};
      gate = new Promise((resolve) => (open = resolve));
      node.frozen = true;
      const since = clock.monotonic();
      return () => {
        const asleep = Math.max(...Array.from(all.values(), (other) => other.clock.monotonic())) - since;
        clock.stall(asleep);
        node.frozen = false;
        open();
      };
    },

    /** As SIGKILL does, and the store has not heard of it for the TTL of its presence. */
    kill(): void {
      all.delete(nodeId);
      node.frozen = true;
      gate = new Promise(() => {});
      memoryEngine.presence.end(nodeId);
      liveness.close();
    },

    async stop(): Promise<void> {
      liveness.close();
      await cluster.leave();
      await replica.close();
    },

    async register(name: string, ttlMs: number, more: { readonly type?: 'ttl' | 'stream'; readonly session?: string; readonly service?: string } = {}): Promise<void> {
      const { type = 'ttl', session, service = 'web' } = more;
      await replica.submit({
        ...{ kind: 'register', namespace: 'default', node: { name: `node-${name}`, address: '10.0.0.1' }, nodeMode: 'ensure' },
        instances: [{ id: name, service, ...(session === undefined ? {} : { session }) }],
        checks: [{ id: `check-${name}`, name, instance: name, type, definition: type === 'ttl' ? { ttlMs } : {}, status: 'passing' }],
      });
    },
    async openStream(id: string, graceMs: number): Promise<void> {
      await replica.submit({
        ...{ kind: 'session-create', namespace: 'default', id, name: '', node: '', liveness: 'stream', ttlMs: graceMs, lockDelayMs: 0 },
        ...{ behavior: 'delete', checks: [], holder: nodeId },
      });
      await liveness.streamOpened('default', id, `client ${id}`);
    },
    /** A client with a session opens a new connection; `opened()` does the next step of the node. */
    connect(id: string) {
      const { holder } = liveness;
      const went = { lost: 0, moved: 0 };
      const session = new ConnectionSession({
        ...{ registry: replica, log, namespace: 'default', id, graceMs: 10_000, wheel: new Wheel({ clock, onError: () => {} }) },
        health: {
          ...{ holder, beat: () => true, restart() {}, output: () => undefined, renewedMsAgo: () => undefined, probe: () => Promise.resolve(undefined), renewSession: () => true, streamDismissed() {} },
          streamClosed: () => Promise.resolve(),
          streamOpened: (...[namespace, of, principal, after]) => liveness.streamOpened(namespace, of, principal, fault.ageless === true ? Infinity : after),
        },
        ...{ hold: { holds: true, release() {} }, principal: () => `client ${id}`, isOwn: () => true },
        ...{ onLost: () => went.lost++, onMoved: () => went.moved++ },
      });
      return { opened: () => session.opened(), went };
    },
    beat: async (name: string, { connection, status = 'passing' }: { readonly connection?: object; readonly status?: CheckStatus } = {}) =>
      liveness.beat('default', `node-${name}`, `check-${name}`, status, '', `client ${name}`, connection),
    status: (name: string) => findCheck(replica.state, 'default', `node-${name}`, `check-${name}`)?.status,
    owns: (name: string) => cluster.ownership.owns(`check\0default\0node-${name}\0check-${name}`),
    session: (id: string) => findSession(replica.state, 'default', id),
    async counted(outcome: string): Promise<number> {
      const values = (await metrics.registry.getSingleMetric('rollcall_stray_heartbeats_total')?.get())?.values ?? [];
      return values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
    },
  };
  return node;
}

/** The ownership, and the judge of a verdict that is decided later than it was passed, with the faults. */
function judgingBy(ownership: Ownership, { noJudge, noEpoch }: Fault, present: () => Judge | undefined) {
  return {
    nodeId: ownership.nodeId,
    get generation() {
      return ownership.generation;
    },
    get judge() {
      return noJudge === true ? undefined : ownership.judge;
    },
    lateJudge: (judge: Judge | undefined) => (noEpoch === true ? present() : judge),
    owns: (key: string) => ownership.owns(key),
    stray: (beat: StrayBeat) => ownership.stray(beat),
  };
}

function endOrphans(replica: Replica): void {
  for (const { namespace, id, holder } of allSessions(replica.state, 'default')) {
    if (holder === undefined || findMember(replica.state, holder) !== undefined) continue;
    void replica.submit({ kind: 'session-destroy', namespace, id });
  }
}
