/**
 * A client of locks: takes them with a session, reads its fencing token, writes to a resource that remembers the highest token, and
 * releases, ends its session, or leaves it to its TTL. Sometimes it is paused longer than the TTL and writes late.
 */

import type { LockInput, LockOutput } from '../check/lock-model.ts';
import type { Random } from '../seeded.ts';
import { Caller, type Outcome } from './caller.ts';
import { epochOf, moments, sleep, type Scene } from './scene.ts';

const locksPerEpoch = 2;
const epochMs = 10_000;

/** The least TTL of a session that Consul takes. A registry ends a session no earlier than this after its last renewal. */
const sessionTtlMs = 10_000;

/** The resource that locks protect: it accepts a write unless it has seen a higher token. */
export class FencedResource {
  readonly #highest = new Map<string, number>();

  write(lock: string, token: number): boolean {
    if (token < (this.#highest.get(lock) ?? 0)) return false;
    this.#highest.set(lock, token);
    return true;
  }
}

interface Leased {
  readonly id: string;
  readonly epoch: number;
  /** When its creation was sent; it is never renewed. */
  readonly since: number;
  /** Locks that it was used for. */
  readonly locks: Set<string>;
}

export async function runLockClient(scene: Scene, client: number, random: Random, meanMs: number, resource: FencedResource): Promise<void> {
  const { history } = scene;
  const caller = new Caller({ name: `lock-client-${client}`, entries: scene.entries, first: client });
  const record = async (lock: string, input: LockInput, request: () => Promise<Outcome>): Promise<LockOutput | undefined> => {
    const call = history.now();
    const outcome = await request();
    if (outcome.kind === 'unsent') return undefined;
    const output = outputOf(input, outcome);
    if (output === undefined && input.kind === 'read') return undefined;
    history.add({ t: 'lock', lock, operation: { client, input, call, ...(output === undefined ? {} : { output, return: history.now() }) } });
    if (outcome.kind === 'answer' && input.kind === 'read') recordHeld(scene, lock, outcome.text);
    return output;
  };
  const end = async (session: Leased, how: 'destroy' | 'lapse'): Promise<void> => {
    const call = history.now();
    // A session that may have expired before it is destroyed has ended at an unknown time.
    const expired = call > session.since + sessionTtlMs;
    const outcome = how === 'destroy' ? await caller.put(`/v1/session/destroy/${session.id}`) : undefined;
    const ended = outcome?.kind === 'answer' && outcome.status === 200 && !expired;
    const operation = ended ? { client, call, output: { applied: true }, return: history.now() } : { client, call: outcome === undefined ? session.since + sessionTtlMs : call };
    for (const lock of session.locks) history.add({ t: 'lock', lock, operation: { ...operation, input: { kind: 'end', session: session.id } } });
    if (ended) return;
    // If the request took no effect, the TTL ends the session.
    if (outcome !== undefined) await end(session, 'lapse');
  };
  let session: Leased | undefined;
  for await (const at of moments(scene, random, meanMs)) {
    const epoch = epochOf(at, epochMs);
    const lock = `chaos/lock/${epoch}/${random.below(locksPerEpoch)}`;
    const holdMs = random.below(300);
    const entry = random.below(scene.entries.length);
    const [destroys, lapses, late] = [random.chance(0.15), random.chance(0.1), random.chance(0.3)];
    caller.choose(entry);
    if (session !== undefined && (session.epoch !== epoch || history.now() - session.since > sessionTtlMs / 2)) {
      await end(session, lapses ? 'lapse' : 'destroy');
      session = undefined;
    }
    session ??= await createSession(scene, caller, epoch);
    if (session === undefined) continue;
    const { id } = session;
    session.locks.add(lock);
    const call = history.now();
    const acquired = await record(lock, { kind: 'acquire', session: id }, () => caller.put(`/v1/kv/${lock}?acquire=${id}`, id));
    const granted = history.now();
    const read = await readToken(caller, lock, record);
    if (acquired?.applied !== true || read?.session !== id) continue;
    history.add({ t: 'grant', grant: { lock, session: id, token: read.token, call, return: granted } });
    history.add({ t: 'fenced', lock, write: { token: read.token, accepted: resource.write(lock, read.token) } });
    await sleep(holdMs, scene.signal);
    if (destroys) {
      await end(session, 'destroy');
      session = undefined;
    } else {
      await record(lock, { kind: 'release', session: id }, () => caller.put(`/v1/kv/${lock}?release=${id}`, id));
    }
    // Like a client that was paused before its last write.
    if (late) void sleep(holdMs * 3, scene.signal).then(() => history.add({ t: 'fenced', lock, write: { token: read.token, accepted: resource.write(lock, read.token) } }));
  }
  if (session !== undefined) await end(session, 'destroy');
  await caller.close();
}

async function createSession({ history }: Scene, caller: Caller, epoch: number): Promise<Leased | undefined> {
  const since = history.now();
  const outcome = await caller.put('/v1/session/create', { TTL: `${sessionTtlMs / 1_000}s`, LockDelay: '0s', NodeChecks: [] });
  if (outcome.kind !== 'answer' || outcome.status !== 200) return undefined;
  return { id: (JSON.parse(outcome.text) as { readonly ID: string }).ID, epoch, since, locks: new Set() };
}

interface Entry {
  readonly Session?: string;
  readonly LockIndex: number;
  readonly ModifyIndex: number;
}

async function readToken(
  caller: Caller,
  lock: string,
  record: (lock: string, input: LockInput, request: () => Promise<Outcome>) => Promise<LockOutput | undefined>,
): Promise<{ readonly session: string | undefined; readonly token: number } | undefined> {
  let entry: Entry | undefined;
  await record(lock, { kind: 'read' }, async () => {
    const outcome = await caller.get(`/v1/kv/${lock}?consistent`);
    if (outcome.kind === 'answer' && outcome.status === 200) entry = (JSON.parse(outcome.text) as Entry[])[0];
    return outcome;
  });
  return entry === undefined ? undefined : { session: entry.Session, token: entry.LockIndex };
}

function recordHeld({ history }: Scene, lock: string, text: string): void {
  const [entry] = text === '' ? [] : (JSON.parse(text) as Entry[]);
  if (entry !== undefined) history.add({ t: 'held', held: { lock, revision: entry.ModifyIndex, session: entry.Session, token: entry.LockIndex } });
}

/** @returns undefined when the outcome is unknown */
function outputOf(input: LockInput, outcome: Outcome): LockOutput | undefined {
  if (outcome.kind !== 'answer') return undefined;
  const { status, text } = outcome;
  if (input.kind !== 'read') return status === 200 ? { applied: text.trim() === 'true' } : /invalid session/i.test(text) ? { applied: false } : undefined;
  if (status === 404) return {};
  if (status !== 200) return undefined;
  const holder = (JSON.parse(text) as Entry[])[0]?.Session;
  return holder === undefined ? {} : { holder };
}
