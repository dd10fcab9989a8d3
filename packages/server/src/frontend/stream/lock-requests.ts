/**
 * The requests of one stream about locks, and transactions that their grants guard. It keeps which sessions of locks the stream has opened;
 * the sessions themselves, and the waiting, are in `locks/`.
 */

import { setMaxListeners } from 'node:events';
import {
  RegistryError,
  type LockAcquireFrame,
  type LockGrant,
  type LockReleaseFrame,
  type LockRenewFrame,
  type LockSessionFrame,
  type LockTransferFrame,
  type LockWaiter,
  type ReplyFrame,
  type RequestFrame,
  type TxnFrame,
  type TxnWrite,
} from '@rollcall/protocol';
import type { ConnectionEnd } from '../../health/connection/connection-session.ts';
import type { LockClient } from '../../locks/lock-client.ts';
import { parseToken, type ContenderRef, type Grant, type SessionRef } from '../../locks/locks.ts';
import type { Context } from '../../net/frontend.ts';
import { queueOf } from '../../registry/kind/lock/find.ts';
import type { ContenderRow } from '../../registry/kind/lock/rows.ts';
import type { RoomCommand, TxnOperation } from '../../registry/kinds.ts';
import { changedIn, type StreamAccess } from './access.ts';

/** Sessions of locks that one stream may have open. */
export const sessionsMax = 64;

/** Contenders in an answer about a queue: each may have a value of some KiB. */
const shownMax = 1_000;

export type LockFrame = Extract<RequestFrame, { readonly type: `lock-${string}` }>;

interface Opened {
  readonly ref: SessionRef;
  readonly bound: boolean;
  /** Of the session's row, as this stream has seen it last. */
  revision: number;
}

export interface LockRequestsOptions {
  readonly context: Context;
  readonly access: StreamAccess;
  /** Of the sessions, and so of the locks. */
  readonly namespace: () => string;
  /** For people. */
  readonly client: () => LockClient;
}

export class LockRequests {
  readonly #options: LockRequestsOptions;
  readonly #opened = new Map<string, Opened>();
  /** Ends what waits when the stream has ended. The contenders keep their places. */
  readonly #ended = new AbortController();

  constructor(options: LockRequestsOptions) {
    this.#options = options;
    // Each request that waits listens.
    setMaxListeners(0, this.#ended.signal);
  }

  /** @throws RegistryError as `Locks`, `permission_denied`, and `not_found` for a session that the stream has not opened */
  async answer(frame: LockFrame): Promise<ReplyFrame> {
    const { registry, locks } = this.#options.context;
    const { id } = frame;
    const done = (applied: boolean): ReplyFrame => ({ type: 'done', id, applied, revision: registry.state.revision });
    switch (frame.type) {
      case 'lock-session':
        await this.#open(frame);
        return done(true);
      case 'lock-renew':
        return this.#renew(frame);
      case 'lock-end': {
        const { ref } = this.#session(frame.session);
        this.#opened.delete(frame.session);
        return done(await locks.end(ref));
      }
      case 'lock-acquire':
        return this.#acquire(frame);
      case 'lock-release':
        return done(await locks.release(this.#contender(frame)));
      case 'lock-transfer':
        this.#demand('write', frame.name);
        return done(await locks.transfer(this.#contender(frame), frame.to));
      case 'lock-queue':
        this.#demand('read', frame.name);
        return { type: 'lock-waiting', id, waiting: queueOf(this.#options.context.registry.state, this.#options.namespace(), frame.name, shownMax).map(shown) };
    }
  }

  /** Called when the stream has ended. A client that lives, and goes elsewhere, keeps its sessions. */
  close(end: ConnectionEnd): void {
    const { locks, log } = this.#options.context;
    this.#ended.abort(new RegistryError('cancelled', 'the stream has ended'));
    if (end !== 'died') return;
    for (const { ref, bound, revision } of this.#opened.values()) {
      if (!bound) continue;
      locks.endIfUnchanged(ref, revision).catch((err: unknown) => log.warn({ err, session: ref.id }, 'a session of locks was not ended with its stream; it ends with its TTL'));
    }
  }

  async #open({ session: { id, token }, ttlMs, bound = false, name }: LockSessionFrame): Promise<void> {
    const { context, access } = this.#options;
    this.#demand('write', name);
    if (!this.#opened.has(id) && this.#opened.size >= sessionsMax) {
      throw new RegistryError('resource_exhausted', `this stream has opened ${sessionsMax} sessions of locks, which is the limit`);
    }
    const ref = { namespace: this.#options.namespace(), id };
    const revision = await context.locks.open(ref, token, { ttlMs, name, by: this.#options.client(), principal: access.principal });
    const opened = { ref, bound, revision };
    this.#opened.set(id, opened);
    // The stream may have ended meanwhile.
    if (bound && this.#ended.signal.aborted) await context.locks.endIfUnchanged(ref, revision);
  }

  async #renew({ id, session, grants }: LockRenewFrame): Promise<ReplyFrame> {
    const { context, access } = this.#options;
    const opened = this.#session(session);
    const lost = await context.locks.renew(opened.ref, grants.map(toGrant), access.principal);
    opened.revision = context.locks.revisionOf(opened.ref);
    if (lost === undefined) this.#opened.delete(session);
    return { type: 'lock-renewed', id, applied: lost !== undefined, lost: lost ?? grants.map(({ contender }) => contender) };
  }

  async #acquire(frame: LockAcquireFrame): Promise<ReplyFrame> {
    const { id, name, limit = 1, shared, value, purpose, waitMs = Infinity } = frame;
    this.#demand('write', name);
    const { signal } = this.#ended;
    const acquired = await this.#options.context.locks.acquire(this.#contender(frame), { limit, ...(shared === true ? { shared } : {}), value, purpose, waitMs, signal });
    return typeof acquired === 'string' ? { type: 'locked', id, state: acquired } : { type: 'locked', id, state: 'holds', token: String(acquired.token) };
  }

  #contender({ session, name, contender }: LockAcquireFrame | LockReleaseFrame | LockTransferFrame): ContenderRef {
    return { session: this.#session(session).ref, name, id: contender };
  }

  #session(id: string): Opened {
    const opened = this.#opened.get(id);
    if (opened !== undefined) return opened;
    throw new RegistryError('not_found', `session ${id} is not open on this stream; send lock-session first`);
  }

  #demand(verb: 'read' | 'write', name: string): void {
    this.#options.access.require(this.#options.namespace(), 'lock', verb, name);
  }
}

function shown({ id, shared, cameMs, value }: ContenderRow): LockWaiter {
  return { contender: id, ...(shared === undefined ? {} : { shared }), ...(cameMs === undefined ? {} : { sinceMs: cameMs }), ...(value === undefined ? {} : { value }) };
}

function toGrant({ name, contender, token }: LockGrant): Grant {
  return { name, id: contender, token: BigInt(token) };
}

/** The parts of its stream that a transaction uses. */
export interface TxnSurroundings {
  readonly context: Context;
  readonly access: StreamAccess;
  /** Of the hello. */
  readonly namespace: string;
}

/**
 * Writes keys, all or none, while the grants stand.
 * @throws RegistryError `permission_denied`, `invalid_argument`, and as the commit
 */
export async function answerTxn({ context, access, namespace }: TxnSurroundings, frame: TxnFrame): Promise<ReplyFrame> {
  const { registry, limits } = context;
  const place = changedIn(frame, namespace);
  for (const { name } of frame.grants) access.require(place, 'lock', 'read', name);
  for (const { key } of frame.operations) access.require(place, 'key', 'write', key);
  const operations = frame.operations.map((write): TxnOperation => ({ change: toCommand(write, place, limits.kvValueBytesMax) }));
  const result = await registry.submit({ kind: 'txn', operations: [...frame.grants.map((grant) => ({ change: toCheck(grant, place) })), ...operations] });
  const { revision } = registry.state;
  if (!('failures' in result)) return { type: 'committed', id: frame.id, applied: true, revision };
  const [first] = result.failures;
  if (first?.error !== undefined) throw first.error;
  const at = (first?.at ?? 0) - frame.grants.length;
  return { type: 'committed', id: frame.id, applied: false, revision, ...(at < 0 ? { fenced: true } : { failed: at }) };
}

function toCheck({ name, contender, token }: LockGrant, namespace: string): RoomCommand {
  const { revision, nth } = parseToken(token) ?? { revision: 0, nth: 0 };
  return { kind: 'lock-check', namespace, name, id: contender, revision, nth };
}

function toCommand(write: TxnWrite, namespace: string, bytesMax: number): RoomCommand {
  const { key, cas } = write;
  if (write.type === 'delete') return { kind: 'kv-delete', namespace, key, ...(cas === undefined ? {} : { cas }) };
  const value = Buffer.from(write.value, 'base64');
  if (value.length > bytesMax) throw new RegistryError('invalid_argument', `the value of ${JSON.stringify(key)} has ${value.length} bytes, the limit is ${bytesMax}`);
  const condition = cas === undefined ? {} : { condition: { kind: 'cas', revision: cas } as const };
  return { kind: 'kv-put', namespace, key, value, flags: BigInt(write.flags ?? '0'), ...condition };
}
