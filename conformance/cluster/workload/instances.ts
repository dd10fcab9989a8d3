/**
 * Instances that come and go: processes with Rollcall's client, which are killed without a goodbye, and instances with a TTL
 * check over Consul's API, whose heartbeats go to one node or to any node until they stop.
 */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Random } from '../seeded.ts';
import { Caller } from './caller.ts';
import { sleep, type Scene } from './scene.ts';

const program = fileURLToPath(new URL('instance.mjs', import.meta.url));

export interface InstancePlan {
  readonly id: string;
  readonly bornAt: number;
  /** `Infinity` when it runs to the end. */
  readonly diesAt: number;
}

/** Half of them run to the end; each of the others dies at a random time, and another one replaces it. */
export function planLives(random: Random, name: string, count: number, runMs: number): InstancePlan[] {
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const bornAt = random.next() * 1_000;
    if (random.chance(0.5)) return [{ id: `${name}-${index}`, bornAt, diesAt: Infinity }];
    const diesAt = bornAt + runMs * (0.2 + 0.4 * random.next());
    return [
      { id: `${name}-${index}`, bornAt, diesAt },
      { id: `${name}-${index}-next`, bornAt: diesAt + 200, diesAt: Infinity },
    ];
  });
}

export const graceMs = 3_000;

/** Of a client that dies together with its node, whose stream then has this grace at least, from the moment when the node is gone (`docs/concepts/cluster.md`). */
export const orphanMs = 10_000;

export async function runNativeInstance(scene: Scene, service: string, { id, bornAt, diesAt }: InstancePlan, first: number): Promise<void> {
  const { history, signal, homes } = scene;
  await sleep(bornAt - history.now(), signal);
  if (signal.aborted) return;
  const servers = [...homes.slice(first % homes.length), ...homes.slice(0, first % homes.length)].map(({ url }) => url);
  const child = spawn(process.execPath, [program, JSON.stringify({ servers, service, id, graceMs })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.once('message', () => history.add({ t: 'life', instance: id, at: history.now(), what: 'registered', graceMs }));
  await Promise.race([sleep(diesAt - history.now(), signal), gone, aborted(signal)]);
  if (child.exitCode !== null) history.add({ t: 'breach', text: `the process of instance ${id} ended with ${child.exitCode}` });
  if (!signal.aborted) history.add({ t: 'life', instance: id, at: history.now(), what: 'ended', graceMs, orphanMs });
  child.kill('SIGKILL');
  await gone;
}

export const ttlMs = 4_000;

/** Longest time from the TTL to the expiry: the hold before a verdict, and the tick of the wheel. */
export const verdictMs = 1_500;

/** @param strays whether its heartbeats go to any node, instead of to the one that took its registration */
export async function runTtlInstance(scene: Scene, service: string, { id, bornAt, diesAt }: InstancePlan, random: Random, strays: boolean): Promise<void> {
  const { history, signal } = scene;
  const caller = new Caller({ name: 'chaos', entries: scene.homes, first: random.below(scene.homes.length), timeoutMs: 1_500 });
  await sleep(bornAt - history.now(), signal);
  const body = { ID: id, Name: service, Port: 1, Address: '127.0.0.1', Check: { TTL: `${ttlMs}ms`, Status: 'passing' } };
  let registered = false;
  let known = false;
  while (!signal.aborted && history.now() < diesAt) {
    if (!registered) {
      const outcome = await caller.put('/v1/agent/service/register', body);
      registered = outcome.kind === 'answer' && outcome.status === 200;
      if (registered && !known) history.add({ t: 'life', instance: id, at: history.now(), what: 'registered', graceMs: ttlMs + verdictMs });
      known ||= registered;
    } else {
      if (strays) caller.move();
      // A heartbeat that a node refuses goes to the next node at once.
      for (let tries = 0; tries < scene.homes.length; tries++) {
        const outcome = await caller.put(`/v1/agent/check/pass/service:${id}`);
        if (outcome.kind !== 'answer') continue;
        // A store that was restored from a backup may not know it any more.
        registered = outcome.status !== 404;
        break;
      }
    }
    await sleep(registered ? 700 : 100, signal);
  }
  if (!signal.aborted) history.add({ t: 'life', instance: id, at: history.now(), what: 'ended', graceMs: ttlMs + verdictMs });
  await caller.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}
