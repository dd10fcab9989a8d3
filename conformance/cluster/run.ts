/**
 * One run: a deployment under a workload and faults, both from one seed; then all faults end, and the history gets the final
 * content of the registry. It judges nothing.
 */

import { setMaxListeners } from 'node:events';
import type { ClusterNode, Deployment } from './deployment.ts';
import type { History } from './history.ts';
import { planFaults } from './plan.ts';
import { seeded } from './seeded.ts';
import { Caller } from './workload/caller.ts';
import { planLives, runNativeInstance, runTtlInstance, orphanMs, ttlMs, verdictMs } from './workload/instances.ts';
import { runKeyClient } from './workload/key-client.ts';
import { runListClient } from './workload/list-client.ts';
import { FencedResource, runLockClient } from './workload/lock-client.ts';
import { observeNativeLocks, recordGuarded, runNativeLockClient } from './workload/native-lock-client.ts';
import { observe } from './workload/observers.ts';
import { moments, sleep, type Scene } from './workload/scene.ts';
import { runBlockingWatcher, runPairWriter, runStreamWatcher, viewOf } from './workload/watchers.ts';
import { runZnodeClient, runZnodeReader } from './workload/znode-client.ts';
import { readPair, runZnodePairWriter, runZnodeWatcher, znodePair, znodePairView } from './workload/znode-watchers.ts';
import { ZnodeSession } from './workload/znode-session.ts';

export type Part = 'keys' | 'znodes' | 'locks' | 'native-locks' | 'lists' | 'watches' | 'native' | 'ttl';

export const allParts: readonly Part[] = ['keys', 'znodes', 'locks', 'native-locks', 'lists', 'watches', 'native', 'ttl'];

export interface RunOptions {
  readonly seed: number;
  readonly runMs: number;
  readonly parts?: readonly Part[];
  /** Mean time between two faults, in milliseconds: 2,000 by default. */
  readonly calmMs?: number;
  /** Faults begin at this interval instead, in milliseconds. */
  readonly everyMs?: number;
  /** Divides the pace of all clients: 1 by default, which is some 60 requests a second. */
  readonly slower?: number;
  /**
   * How long watchers and observers continue after the last request, in milliseconds; by default until every dead instance must
   * be gone.
   */
  readonly restMs?: number;
  /** Longest time until a node must be ready after a fault has ended, in milliseconds; 30,000 by default. */
  readonly recoveryMs?: number;
  /** Called with a line for people at each fault. */
  readonly tell?: (line: string) => void;
}

export const pairPrefix = 'chaos/pair/';
export const service = 'chaos';

/**
 * Longest time from an acknowledged registration until every node shows it, and from the end of a fault until views are right.
 */
export const settleMs = 3_000;

/** Keys of the view of pairs that are always written together. */
export const together = {
  [viewOf({ kind: 'prefix', name: pairPrefix })]: [0, 1].map((pair) => [`${pairPrefix}${pair}/a`, `${pairPrefix}${pair}/b`]),
  [znodePairView]: [znodePair],
};

/**
 * Time after the last request of the clients: without faults, every watcher has seen each change and every dead instance is
 * removed by then.
 */
const restMsDefault = { changes: 1_500, deaths: Math.max(ttlMs + verdictMs, orphanMs) + settleMs + 500 };

export async function run(deployment: Deployment, history: History, options: RunOptions): Promise<void> {
  const { seed, runMs, parts = allParts, calmMs = 2_000, everyMs, recoveryMs = 30_000, tell = () => {} } = options;
  const stop = new AbortController();
  // Every part of the workload listens.
  setMaxListeners(0, stop.signal);
  const scene: Scene = {
    history,
    entries: deployment.nodes.map(({ name, link }) => ({ node: name, url: `http://${link.host}:${link.port}` })),
    homes: deployment.nodes.map(({ name, home }) => ({ node: name, url: `http://${home.host}:${home.port}` })),
    zookeepers: deployment.nodes.flatMap(({ name, zookeeper }) => (zookeeper === undefined ? [] : [{ node: name, host: zookeeper.host, port: zookeeper.port }])),
    direct: deployment.nodes.map(({ name, url }) => ({ node: name, url })),
    signal: stop.signal,
    runMs,
  };
  const { clients, watchers } = workload(scene, options);
  for (const { at, kind, lastsMs, random } of planFaults(seeded(seed).fork('faults'), deployment.faults, { runMs, calmMs, everyMs })) {
    await sleep(at - history.now());
    const began = history.now();
    const { what, ...begun } = await kind.begin(random);
    tell(`${(began / 1_000).toFixed(1)} s: ${what} for ${(lastsMs / 1_000).toFixed(1)} s`);
    await sleep(lastsMs);
    await begun.end();
    const recovered = await allReady(deployment.nodes, recoveryMs);
    if (recovered !== undefined) history.add({ t: 'breach', text: `after "${what}": ${recovered}` });
    history.add({ t: 'fault', what, at: began, until: history.now(), ...(kind.forgets && { forgets: true }) });
  }
  await clients;
  await sleep(runMs - history.now());
  // Watchers and observers continue until nothing changes any more, so that they see the end.
  await sleep(options.restMs ?? (parts.includes('native') || parts.includes('ttl') ? restMsDefault.deaths : restMsDefault.changes));
  await recordFinal(scene);
  if (parts.includes('znodes')) await recordFinalPair(scene);
  if (parts.includes('native-locks')) await recordGuarded(scene);
  await sleep(200);
  stop.abort();
  await watchers;
  for (const text of deployment.problems()) history.add({ t: 'breach', text });
  history.flush();
}

function workload(scene: Scene, { seed, parts = allParts, slower = 1 }: RunOptions): { readonly clients: Promise<unknown>; readonly watchers: Promise<unknown> } {
  const random = seeded(seed).fork('workload');
  const has = new Set(parts);
  const clients: Promise<unknown>[] = [];
  const watchers: Promise<unknown>[] = [];
  const many = (count: number, start: (index: number) => Promise<unknown>): Promise<unknown>[] => Array.from({ length: count }, (_, index) => start(index));
  if (has.has('keys')) clients.push(...many(4, (client) => runKeyClient(scene, client, random.fork(`keys ${client}`), 120 * slower)));
  if (has.has('znodes') && scene.zookeepers.length > 0) {
    clients.push(
      ...many(4, (client) => runZnodeClient(scene, client, random.fork(`znodes ${client}`), 120 * slower)),
      ...scene.zookeepers.map((node, reader) => runZnodeReader(scene, node, 100 + reader, random.fork(`znode reader ${reader}`), 100 * slower)),
      ...many(2, (writer) => runZnodePairWriter(scene, writer, random.fork(`znode pairs ${writer}`), 200 * slower)),
    );
    watchers.push(...many(3, (index) => runZnodeWatcher(scene, index)));
  }
  const resource = new FencedResource();
  if (has.has('locks')) clients.push(...many(3, (client) => runLockClient(scene, client, random.fork(`locks ${client}`), 300 * slower, resource)));
  if (has.has('native-locks')) {
    clients.push(...many(3, (client) => runNativeLockClient(scene, client, random.fork(`native locks ${client}`), 300 * slower)));
    watchers.push(...scene.direct.map((_, index) => observeNativeLocks(scene, index)));
  }
  if (has.has('lists')) clients.push(...many(3, (client) => runListClient(scene, client, random.fork(`lists ${client}`), 250 * slower)));
  if (has.has('watches')) {
    for (const writer of [0, 1]) {
      const own = random.fork(`pairs ${writer}`);
      clients.push(runPairWriter(scene, `pairs-${writer}`, own, moments(scene, own, 200 * slower)));
    }
    const target = { kind: 'prefix', name: pairPrefix } as const;
    watchers.push(
      ...many(3, (index) => runStreamWatcher(scene, { name: `roaming-${index}`, target, entries: scene.entries }, index)),
      ...scene.direct.map((entry) => runStreamWatcher(scene, { name: `bound-${entry.node}`, target, entries: [entry] }, 0)),
      ...many(2, (index) => runBlockingWatcher(scene, `blocking-${index}`, pairPrefix, random.fork(`blocking ${index}`), index)),
    );
  }
  const instances = random.fork('instances');
  if (has.has('native')) {
    const lives = planLives(instances.fork('native'), 'native', 4, scene.runMs);
    watchers.push(...lives.map((plan, index) => runNativeInstance(scene, service, plan, index)));
  }
  if (has.has('ttl')) {
    const lives = [...planLives(instances.fork('sticky'), 'sticky', 4, scene.runMs), ...planLives(instances.fork('stray'), 'stray', 4, scene.runMs)];
    watchers.push(...lives.map((plan) => runTtlInstance(scene, service, plan, instances.fork(plan.id), plan.id.startsWith('stray'))));
  }
  if (has.has('native') || has.has('ttl')) watchers.push(...scene.direct.map((entry) => observe(scene, entry, service)));
  return { clients: Promise.all(clients), watchers: Promise.all(watchers) };
}

/** @returns the name of a node that is not ready in time, with the reason; undefined when all are ready */
export async function allReady(nodes: readonly ClusterNode[], withinMs: number): Promise<string | undefined> {
  const deadline = performance.now() + withinMs;
  for (const { name, url } of nodes) {
    let why = 'no answer';
    for (;;) {
      try {
        const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
        if (answer.ok) break;
        why = await answer.text();
      } catch (error) {
        why = (error as Error).message;
      }
      if (performance.now() > deadline) return `node ${name} is not ready after ${withinMs / 1_000} s: ${why}`;
      await sleep(50);
    }
  }
  return undefined;
}

/** The pair of znodes at the end, when all links are whole; every node must return the same. */
async function recordFinalPair({ history, zookeepers }: Scene): Promise<void> {
  const texts = new Set<string>();
  for (const entry of zookeepers) {
    const session = new ZnodeSession([entry], 0);
    const pair = (await session.ask('sync', { path: '/' })).kind === 'answer' ? await readPair(session) : undefined;
    await session.end();
    if (pair === undefined) history.add({ t: 'breach', text: `node ${entry.node} does not answer ZooKeeper's clients at the end` });
    else texts.add(JSON.stringify(pair.content));
    if (pair !== undefined && texts.size === 1) history.add({ t: 'final', view: znodePairView, content: pair.content });
  }
  if (texts.size > 1) history.add({ t: 'breach', text: `at rest, nodes have different znodes: ${[...texts].join(' and ')}` });
}

/** The content of the views at the end; every node must return the same. */
async function recordFinal({ direct, history }: Scene): Promise<void> {
  const texts = new Map<string, string>();
  for (const entry of direct) {
    const caller = new Caller({ name: 'final', entries: [entry], first: 0 });
    const outcome = await caller.get(`/v1/kv/${pairPrefix}?recurse&consistent`);
    await caller.close();
    if (outcome.kind !== 'answer') {
      history.add({ t: 'breach', text: `node ${entry.node} does not answer at the end: ${outcome.text}` });
      continue;
    }
    const entries = outcome.status === 404 ? [] : (JSON.parse(outcome.text) as { readonly Key: string; readonly Value: string | null }[]);
    const content = Object.fromEntries(entries.map(({ Key, Value }) => [Key, Value ?? '']));
    texts.set(JSON.stringify(content), entry.node);
    if (texts.size === 1) history.add({ t: 'final', view: viewOf({ kind: 'prefix', name: pairPrefix }), content });
  }
  if (texts.size > 1) history.add({ t: 'breach', text: `at rest, nodes ${[...texts.values()].join(' and ')} differ: ${[...texts.keys()].join(' and ')}` });
}
