/**
 * Watchers of two znodes that one transaction always writes together, and the writer. A watcher reads both in one request, only when a watch has told
 * it of a change or after a lost connection: if a watch is lost, it does not see the last content.
 */

import type { Random } from '../seeded.ts';
import { moments, sleep, type Scene } from './scene.ts';
import { znodeAcl } from './znode-client.ts';
import { ZnodeSession } from './znode-session.ts';

export const znodePairView = 'znodes /chaos-pair';

export const znodePair = ['/chaos-pair-a', '/chaos-pair-b'] as const;

export async function runZnodePairWriter(scene: Scene, writer: number, random: Random, meanMs: number): Promise<void> {
  const session = new ZnodeSession(scene.zookeepers, writer);
  let count = 0;
  for await (const _ of moments(scene, random, meanMs)) {
    if (random.chance(0.1)) session.move();
    const data = Buffer.from(`${writer}-${++count}`);
    const set = await session.ask('multi', { operations: znodePair.map((path) => ({ op: 'setData' as const, path, data, version: -1 })) });
    const missing = set.kind === 'answer' && set.body?.results.some((result) => result.op === 'error' && result.err === -101) === true;
    if (missing) await session.ask('multi', { operations: znodePair.map((path) => ({ op: 'create' as const, path, data, acl: znodeAcl, flags: 0 })) });
  }
  await session.end();
}

export async function runZnodeWatcher(scene: Scene, watcher: number): Promise<void> {
  const { history, signal } = scene;
  const name = `znode-watcher-${watcher}`;
  let told = (): void => {};
  let changed = true;
  const session = new ZnodeSession(scene.zookeepers, watcher, {
    onNotification: () => {
      changed = true;
      told();
    },
  });
  let revision = 0;
  let connections = -1;
  let connected = false;
  while (!signal.aborted) {
    if (!changed && connections === session.connections) {
      // A lost connection is noticed here, when nothing is asked for a while.
      await Promise.race([new Promise<void>((resolve) => (told = resolve)), sleep(500, signal)]);
      if (!changed) connected = (await session.ask('ping', {})).kind === 'answer';
      continue;
    }
    changed = false;
    const armed = await arm(session);
    const pair = armed === undefined ? undefined : await readPair(session);
    connected = pair !== undefined;
    if (pair === undefined) {
      changed = true;
      await sleep(100, signal);
      continue;
    }
    connections = session.connections;
    if (pair.revision <= revision) continue;
    revision = pair.revision;
    history.add({ t: 'watch', view: znodePairView, watcher: name, event: { at: history.now(), revision, content: pair.content } });
  }
  history.add({ t: 'watch-end', view: znodePairView, watcher: name, connected });
  await session.end();
}

/** Sets a watch on both. @returns undefined when it could not */
async function arm(session: ZnodeSession): Promise<true | undefined> {
  for (const path of znodePair) if ((await session.ask('exists', { path, watch: true })).kind !== 'answer') return undefined;
  return true;
}

/** The content of both at one state, and the zxid of its last change: 0 while they do not exist. */
export async function readPair(session: ZnodeSession): Promise<{ readonly revision: number; readonly content: Readonly<Record<string, string>> } | undefined> {
  const outcome = await session.ask('multiRead', { operations: znodePair.map((path) => ({ op: 'getData' as const, path, watch: false })) });
  if (outcome.kind !== 'answer' || outcome.body === undefined) return undefined;
  const content: Record<string, string> = {};
  let revision = 0;
  for (const [at, result] of outcome.body.results.entries()) {
    if (result.op !== 'getData') continue;
    content[znodePair[at] ?? ''] = Buffer.from(result.data ?? []).toString();
    revision = Math.max(revision, result.stat.mzxid);
  }
  return { revision, content };
}
