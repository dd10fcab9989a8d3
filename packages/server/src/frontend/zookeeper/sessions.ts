/**
 * Sessions of clients: their rows in the registry, their passwords, and which connection of this node has which session.
 *
 *   connect ─ new ────► session-create ────────► granted, epoch 0
 *           └ resume ─► password? ─► session-reconnect ─► granted, epoch + 1: an older connection ends, here or on another node
 *
 * Any packet renews a session in memory. It outlives its connection by the time-out, and its row by its password on any node of the store.
 * The registry keeps only a hash of the password.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isRegistryError } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import { findLiveSession } from '../../registry/kind/session/find.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';
import { negotiated, type Settled } from './options.ts';
import { idOf, numberFrom, numberOf } from './session-id.ts';

/** What a connection has of its session. */
export interface Granted {
  readonly number: bigint;
  /** Of the row. */
  readonly id: string;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
  /** Of the connection, among those of the session. */
  readonly epoch: number;
}

/** A connection that has a session. */
export interface Holder {
  readonly session: Granted;
  /** The session has ended, or another connection has it. */
  dismiss(why: 'expired' | 'moved'): void;
}

export interface SessionsOptions {
  readonly context: Pick<Context, 'registry' | 'health' | 'uuid'>;
  readonly options: Pick<Settled, 'namespace' | 'tickMs'>;
}

/** Random ids that may be taken already, one after the other. */
const attemptsMax = 3;

export class Sessions {
  readonly #context: SessionsOptions['context'];
  readonly #options: SessionsOptions['options'];
  /** By the id of the row. */
  readonly #holders = new Map<string, Holder>();

  constructor({ context, options }: SessionsOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Sessions whose connection this node has. */
  get size(): number {
    return this.#holders.size;
  }

  holders(): Iterable<Holder> {
    return this.#holders.values();
  }

  /**
   * @param askedMs time-out that the client asks for
   * @param name of the client, for people
   * @throws RegistryError from the commit
   */
  async create(askedMs: number, name: string): Promise<Granted> {
    const { registry, uuid } = this.#context;
    const { namespace } = this.#options;
    const timeoutMs = negotiated(askedMs, this.#options);
    const password = Buffer.from(uuid().replaceAll('-', ''), 'hex');
    for (let attempt = 1; ; attempt++) {
      const number = numberFrom(uuid());
      const id = idOf(number);
      try {
        await registry.submit({
          ...{ kind: 'session-create', namespace, id, name, node: '', liveness: 'ttl', ttlMs: timeoutMs, exact: true },
          ...{ lockDelayMs: 0, behavior: 'delete', checks: [], foreign: { zookeeper: { passwordHash: hashOf(password).toString('base64') } } },
        });
        return { number, id, password, timeoutMs, epoch: 0 };
      } catch (error) {
        if (attempt === attemptsMax || !isRegistryError(error, 'already_exists')) throw error;
      }
    }
  }

  /**
   * @returns undefined when the session is gone, or the password is wrong
   * @throws RegistryError from the commit
   */
  async resume(number: bigint, password: Uint8Array): Promise<Granted | undefined> {
    const { registry } = this.#context;
    const { namespace } = this.#options;
    const id = idOf(number);
    const row = findLiveSession(registry.state, namespace, id);
    if (row === undefined || !isPassword(row, password)) return undefined;
    const epoch = await registry.submit({ kind: 'session-reconnect', namespace, id });
    return epoch === false ? undefined : { number, id, password, timeoutMs: row.ttlMs, epoch };
  }

  /** From now on the session has this connection; an older one on this node ends. */
  hold(holder: Holder): void {
    const { id, epoch } = holder.session;
    const before = this.#holders.get(id);
    if (before !== undefined && before.session.epoch > epoch) {
      holder.dismiss('moved');
      return;
    }
    this.#holders.set(id, holder);
    before?.dismiss('moved');
    // It may have ended, or gone to another node, since it was granted.
    const row = findLiveSession(this.#context.registry.state, this.#options.namespace, id);
    if (row === undefined) holder.dismiss('expired');
    else this.#judge(holder, row);
  }

  /** The connection has ended. */
  release(holder: Holder): void {
    if (this.#holders.get(holder.session.id) === holder) this.#holders.delete(holder.session.id);
  }

  /** The client has given a sign of life. */
  renew({ session: { id } }: Holder, principal: string, connection: object): void {
    this.#context.health.renewSession(this.#options.namespace, id, principal, connection);
  }

  /** The row of a session has changed. */
  changed(before: SessionRow | undefined, after: SessionRow | undefined): void {
    const row = after ?? before;
    const holder = row?.namespace === this.#options.namespace ? this.#holders.get(row.id) : undefined;
    if (holder === undefined) return;
    if (after === undefined) holder.dismiss('expired');
    else this.#judge(holder, after);
  }

  #judge(holder: Holder, { epoch = 0 }: SessionRow): void {
    if (epoch > holder.session.epoch) holder.dismiss('moved');
  }
}

/** Whether a row is that of a session of this protocol. */
export function isOurs(row: SessionRow): boolean {
  return numberOf(row.id) !== 0n;
}

function isPassword({ foreign }: SessionRow, password: Uint8Array): boolean {
  const known = (foreign?.['zookeeper'] as { passwordHash?: unknown } | undefined)?.passwordHash;
  return typeof known === 'string' && timingSafeEqual(hashOf(password), Buffer.from(known, 'base64'));
}

function hashOf(password: Uint8Array): Buffer {
  return createHash('sha256').update(password).digest();
}
