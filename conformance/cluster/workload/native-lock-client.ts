/**
 * A client of Rollcall's own locks, with Rollcall's client: it acquires a lock, writes keys that the lock guards, and releases it, or is
 * silent until its time is over. Some of its writes come late, over another node, like those of a holder that was paused.
 */

import { connect, LeadershipLostError, type Guard, type Rollcall } from '@rollcall/client';
import type { Random } from '../seeded.ts';
import { Caller } from './caller.ts';
import { moments, sleep, type Scene } from './scene.ts';

const lockNames = ['chaos/native/0', 'chaos/native/1'];

/** Keys of guarded writes begin with this. */
export const guardedPrefix = 'chaos/guarded/';

const timing = { ttl: 2_000, renewEvery: 400, margin: 400 };

export async function runNativeLockClient(scene: Scene, client: number, random: Random, meanMs: number): Promise<void> {
  const { history, signal } = scene;
  const rotated = (first: number) => scene.entries.map((_, at) => scene.entries[(first + at) % scene.entries.length]?.url ?? '');
  const open = (first: number, name: string) => connect({ servers: rotated(first), name, onEvent: () => {} });
  const [own, other] = await Promise.all([open(client, `native-locks-${client}`), open(client + 1, `native-locks-late-${client}`)]);
  let writes = 0;
  const write = async (by: Rollcall, { name: lock, id, token }: Guard): Promise<void> => {
    const key = `${guardedPrefix}${client}/${++writes}`;
    const call = history.now();
    const outcome = await by.txn().ifLeader({ name: lock, id, token }).put(key, String(token)).commit().then(
      () => 'accepted' as const,
      (error: unknown) => (error instanceof LeadershipLostError ? ('refused' as const) : ('unknown' as const)),
    );
    history.add({ t: 'guarded', write: { lock, token: String(token), key, call, outcome } });
  };
  const late: Promise<void>[] = [];
  for await (const _ of moments(scene, random, meanMs)) {
    const name = random.pick(lockNames) ?? '';
    const holdMs = random.below(250);
    const [overtakes, comesLate] = [random.chance(0.5), random.chance(0.5)];
    const call = history.now();
    const lock = await own.lock(name, { ...timing, wait: 1_500, signal }).catch(() => undefined);
    if (lock === undefined) continue;
    const guard = { name, id: lock.id, token: lock.token };
    history.add({ t: 'native-grant', grant: { lock: name, id: guard.id, token: String(guard.token), call, return: history.now() } });
    await write(own, guard);
    await sleep(holdMs, signal);
    // One write may be on its way while the lock goes to another.
    if (overtakes) late.push(write(other, guard));
    await lock.release().catch(() => {});
    if (comesLate) late.push(sleep(random.below(400), signal).then(() => write(other, guard)));
  }
  await Promise.all(late);
  await Promise.all([own.close(), other.close()]);
}

/** Asks one node again and again who holds each lock. */
export async function observeNativeLocks(scene: Scene, index: number): Promise<void> {
  const { history, signal, direct } = scene;
  const entry = direct[index];
  if (entry === undefined) return;
  const caller = new Caller({ name: 'native-locks-observer', entries: [entry], first: 0, timeoutMs: 2_000 });
  while (!signal.aborted) {
    for (const lock of lockNames) {
      const outcome = await caller.get(`/rollcall/v1/locks?name=${encodeURIComponent(lock)}`);
      if (outcome.kind !== 'answer' || outcome.status !== 200) continue;
      const { holders } = JSON.parse(outcome.text) as { readonly holders: readonly { readonly token: string }[] };
      if (holders.length > 0) history.add({ t: 'native-holders', holders: { lock, node: entry.node, tokens: holders.map(({ token }) => token) } });
    }
    await sleep(100, signal);
  }
  await caller.close();
}

/** Notes the guarded writes that the store has, with their revisions. */
export async function recordGuarded({ history, direct }: Scene): Promise<void> {
  const caller = new Caller({ name: 'final', entries: direct, first: 0 });
  const outcome = await caller.get(`/v1/kv/${guardedPrefix}?recurse&consistent`);
  await caller.close();
  if (outcome.kind !== 'answer' || (outcome.status !== 200 && outcome.status !== 404)) {
    history.add({ t: 'breach', text: `node ${caller.node} does not list the guarded writes at the end: ${outcome.text}` });
    return;
  }
  const entries = outcome.status === 404 ? [] : (JSON.parse(outcome.text) as { readonly Key: string; readonly ModifyIndex: number }[]);
  history.add({ t: 'guarded-end', stored: entries.map(({ Key, ModifyIndex }) => ({ key: Key, revision: ModifyIndex })) });
}
