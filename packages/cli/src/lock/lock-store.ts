/** The part of Consul's API that locks use: sessions, and keys that sessions hold. */

import { adminCall, askJson, textOf, type Target } from '../admin-call.ts';
import { blockingQuery } from '../blocking-query.ts';
import { parseWithFlags } from '../kv-json.ts';
import { kvPath } from '../kv-path.ts';

export interface HeldKey {
  readonly key: string;
  /** A number of 64 bits, in decimal. */
  readonly flags: string;
  readonly value: string;
  /** Empty when no session holds it. */
  readonly session: string;
  /** Revision of its last change, which `cas` compares. */
  readonly revision: string;
}

export interface Found {
  readonly keys: readonly HeldKey[];
  /** The next read waits for a change after it. */
  readonly index: string;
}

export interface KeyWrite {
  readonly value?: string;
  readonly flags: bigint;
  /** `acquire` and `release` name a session, `cas` a revision; 0: only if the key does not exist. */
  readonly acquire?: string;
  readonly release?: string;
  readonly cas?: string;
}

/** Each throws CommandFailure as `adminCall`. */
export class LockStore {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  async createSession(name: string, ttlMs: number): Promise<string> {
    const body = JSON.stringify({ Name: name, TTL: `${ttlMs / 1_000}s` });
    return (await askJson<{ ID: string }>(this.#target, '/v1/session/create', { method: 'PUT', body })).ID;
  }

  /** @throws CommandFailure `notFound` when the session has ended */
  async renewSession(id: string, signal: AbortSignal): Promise<void> {
    const path = `/v1/session/renew/${id}`;
    await textOf(await adminCall({ ...this.#target, path, method: 'PUT', body: '', expect: 'application/json', signal }));
  }

  async destroySession(id: string): Promise<void> {
    await askJson(this.#target, `/v1/session/destroy/${id}`, { method: 'PUT', body: '' });
  }

  /** A key, or all with this prefix; with `index`, after a change since then or after `waitSeconds`. */
  async look(
    key: string,
    options: { recurse?: true; index?: string | undefined; waitSeconds?: number; signal: AbortSignal },
  ): Promise<Found> {
    const { recurse, ...query } = options;
    const { body, index } = await blockingQuery(this.#target, kvPath(key) + (recurse === true ? '?recurse' : ''), query);
    return { keys: (parseWithFlags(body ?? '[]') as Entry[]).map(heldKey), index };
  }

  /** @returns whether it was written */
  write(key: string, { value = '', flags, acquire, release, cas }: KeyWrite): Promise<boolean> {
    const conditions = Object.entries({ acquire, release, cas }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const query = new URLSearchParams([['flags', String(flags)], ...conditions]);
    return askJson<boolean>(this.#target, `${kvPath(key)}?${query.toString()}`, { method: 'PUT', body: value });
  }

  /** @param revision deletes only if the key is at this revision */
  async remove(key: string, revision?: string): Promise<void> {
    const path = kvPath(key) + (revision === undefined ? '' : `?cas=${revision}`);
    await askJson(this.#target, path, { method: 'DELETE' });
  }
}

interface Entry {
  readonly Key: string;
  readonly Flags: string;
  readonly Value: string | null;
  readonly Session?: string;
  readonly ModifyIndex: number;
}

function heldKey({ Key, Flags, Value, Session, ModifyIndex }: Entry): HeldKey {
  const value = Buffer.from(Value ?? '', 'base64').toString('utf8');
  return { key: Key, flags: Flags, value, session: Session ?? '', revision: String(ModifyIndex) };
}
