/** Transactions over keys, which the grants of locks can guard. */

import { RegistryError, frameLimits as limits, type LockGrant, type TxnWrite } from '@rollcall/protocol';
import type { RegistryConnection } from './connection/registry-connection.ts';
import { LeadershipLostError } from './lock/lost-error.ts';
import { checkKnown, type OptionNames } from './option-check.ts';
import { waitOptions, type WaitOptions } from './registration.ts';

export interface TxnPutOptions {
  /** Only if this is the revision of the key; 0: only if the key does not exist. */
  readonly cas?: number;
  /** 0 to 2^64 - 1; 0 by default. */
  readonly flags?: bigint;
}

export interface TxnDeleteOptions {
  /** Only if this is the revision of the key. */
  readonly cas?: number;
}

/** `applied` is false if a `cas` did not match; `failed` is the index of the first such write. */
export type TxnOutcome = { readonly applied: true; readonly revision: number } | { readonly applied: false; readonly failed: number };

/** A lock or leadership that guards a transaction. */
export interface Guard {
  readonly name: string;
  readonly id: string;
  readonly token: bigint;
}

const putOptions: OptionNames<TxnPutOptions> = { cas: true, flags: true };
const deleteOptions: OptionNames<TxnDeleteOptions> = { cas: true };

/** Collects writes, and does all of them at once or none. */
export class Txn {
  readonly #connection: Pick<RegistryConnection, 'ask'>;
  readonly #timeoutMs: number;
  readonly #grants: LockGrant[] = [];
  readonly #operations: TxnWrite[] = [];

  /** `client.txn()` calls this. */
  constructor({ connection, timeoutMs }: { readonly connection: Pick<RegistryConnection, 'ask'>; readonly timeoutMs: number }) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Writes only while this grant stands. The registry decides that in the transaction itself, so a holder that was paused, whose signal has not
   * fired yet, writes nothing.
   */
  ifLeader({ name, id, token }: Guard): this {
    this.#grants.push({ name, contender: id, token: String(token) });
    return this;
  }

  /** @param value a text is stored as UTF-8 */
  put(key: string, value: string | Uint8Array, options: TxnPutOptions = {}): this {
    checkKnown(options, putOptions, 'put');
    const { cas, flags } = options;
    const given = { ...(cas === undefined ? {} : { cas }), ...(flags === undefined ? {} : { flags: flags.toString() }) };
    return this.#add({ type: 'put', key, value: Buffer.from(value as Uint8Array).toString('base64'), ...given });
  }

  delete(key: string, options: TxnDeleteOptions = {}): this {
    checkKnown(options, deleteOptions, 'delete');
    return this.#add({ type: 'delete', key, ...(options.cas === undefined ? {} : { cas: options.cas }) });
  }

  /**
   * @throws LeadershipLostError when a grant does not stand: nothing was written. RegistryError `unknown_outcome` when it may have been
   *   written, `unavailable`, `permission_denied`, `invalid_argument`; the signal's reason
   */
  async commit(options: WaitOptions = {}): Promise<TxnOutcome> {
    checkKnown(options, waitOptions, 'commit');
    const ask = { type: 'txn', grants: [...this.#grants], operations: [...this.#operations] } as const;
    const reply = await this.#connection.ask(ask, { repeatable: false, timeoutMs: this.#timeoutMs, signal: options.signal });
    if (reply.type !== 'committed') throw new RegistryError('internal', `the registry answered a transaction with ${reply.type}`);
    if (reply.applied) return { applied: true, revision: reply.revision };
    if (reply.fenced === true) throw new LeadershipLostError(`nothing was written: ${this.#grants.map(({ name }) => JSON.stringify(name)).join(' or ')} has a newer holder, or none`);
    return { applied: false, failed: reply.failed ?? 0 };
  }

  #add(write: TxnWrite): this {
    if (this.#operations.length >= limits.txnMax) throw new RegistryError('invalid_argument', `a transaction has at most ${limits.txnMax} writes`);
    this.#operations.push(write);
    return this;
  }
}
