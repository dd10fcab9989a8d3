/** Keys and values of the registry. */

import { RegistryError, frameLimits, type ItemView, type KvItem, type ReplyFrame } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from './option-check.ts';
import { follow } from './source/follow.ts';
import { type WaitOptions, waitOptions } from './registration.ts';
import type { Ask } from './connection/requests.ts';
import type { RegistryConnection } from './connection/registry-connection.ts';
import { checkNamespace, viewIn } from './connection/view-name.ts';
import type { WatchedViews } from './connection/watched-views.ts';

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** An unsigned 64-bit number, for any use by the writer. */
  readonly flags: bigint;
  /** Revision of the last change of the key; `cas` compares it. */
  readonly revision: number;
  /** The session that holds the key as a lock. */
  readonly session?: string;
}

/** The keys of a watch, at one revision. */
export interface KvSnapshot {
  /** Rises with every change, also with deletions, as long as the registry is the same. */
  readonly revision: number;
  /** In order of their keys. */
  readonly entries: readonly KvEntry[];
}

export interface KvPutOptions extends WaitOptions {
  /** Write only if this is the revision of the key; 0: only if the key does not exist. */
  readonly cas?: number | undefined;
  /** 0 to 2^64 - 1; 0 by default. */
  readonly flags?: bigint | undefined;
  /** Why, for the audit log of the registry: up to 500 characters. */
  readonly reason?: string | undefined;
}

export interface KvDeleteOptions extends WaitOptions {
  /** Delete only if this is the revision of the key. */
  readonly cas?: number | undefined;
  /** Delete every key with this prefix; cannot be combined with `cas`. */
  readonly recurse?: boolean | undefined;
  /** As in `KvPutOptions`. */
  readonly reason?: string | undefined;
}

const putOptions: OptionNames<KvPutOptions> = { ...waitOptions, cas: true, flags: true, reason: true };
const deleteOptions: OptionNames<KvDeleteOptions> = { ...waitOptions, cas: true, recurse: true, reason: true };

export type KvTarget = { readonly key: string } | { readonly prefix: string };

export interface KvParts {
  readonly connection: RegistryConnection;
  readonly views: WatchedViews;
  readonly timeoutMs: number;
  /** Of the keys. */
  readonly namespace: string;
  /** Of the connection; by default that of the keys. */
  readonly own?: string;
}

/**
 * Every operation throws RegistryError `unavailable` or `deadline_exceeded` if no registry has
 * answered in time, `invalid_argument` for a key or value over the limits or an unknown option, and the signal's reason
 * when it aborts. A write also throws `unknown_outcome` if it may have taken effect.
 */
export class Kv {
  readonly #connection: RegistryConnection;
  readonly #views: WatchedViews;
  readonly #timeoutMs: number;
  readonly #namespace: string;
  readonly #own: string;

  constructor({ connection, views, timeoutMs, namespace, own = namespace }: KvParts) {
    this.#connection = connection;
    this.#views = views;
    this.#timeoutMs = timeoutMs;
    this.#namespace = namespace;
    this.#own = own;
  }

  /**
   * The keys of another namespace, over the same connection.
   * @throws RegistryError `invalid_argument` for an invalid name
   */
  inNamespace(namespace: string): Kv {
    if (namespace === this.#namespace) return this;
    checkNamespace(namespace);
    return new Kv({ connection: this.#connection, views: this.#views, timeoutMs: this.#timeoutMs, namespace, own: this.#own });
  }

  /** Reads a key from the registry; undefined if it does not exist. */
  async get(key: string, options: WaitOptions = {}): Promise<KvEntry | undefined> {
    checkKnown(options, waitOptions, 'kv.get');
    const [entry] = await this.#read(viewIn(this.#namespace, 'key', key), options);
    return entry;
  }

  /** All keys that begin with `prefix`, in order. */
  async list(prefix: string, options: WaitOptions = {}): Promise<KvEntry[]> {
    checkKnown(options, waitOptions, 'kv.list');
    return this.#read(viewIn(this.#namespace, 'prefix', prefix), options);
  }

  /** @returns false if `cas` did not match, so that nothing was written */
  async put(key: string, value: Uint8Array | string, options: KvPutOptions = {}): Promise<boolean> {
    checkKnown(options, putOptions, 'kv.put');
    const { cas, flags, reason } = options;
    const bytes = Buffer.from(value);
    if (bytes.length * 1.34 + key.length * 3 > frameLimits.frameBytesMax - 1_024) {
      const message = `the value of ${JSON.stringify(key)} has ${bytes.length} bytes, which is more than a frame can carry`;
      throw new RegistryError('invalid_argument', message);
    }
    const condition = cas === undefined ? {} : { cas };
    const flagged = { ...(flags === undefined ? {} : { flags: flags.toString() }), ...(reason === undefined ? {} : { reason }) };
    return this.#write({ type: 'kv-put', ...this.#place(), key, value: bytes.toString('base64'), ...condition, ...flagged }, options);
  }

  /** @returns false if `cas` did not match, so that nothing was deleted; true if the key no longer exists */
  async delete(key: string, options: KvDeleteOptions = {}): Promise<boolean> {
    checkKnown(options, deleteOptions, 'kv.delete');
    const { cas, recurse, reason } = options;
    const condition = cas === undefined ? {} : { cas };
    return this.#write({ type: 'kv-delete', ...this.#place(), key, ...condition, ...(recurse === true ? { recurse } : {}), ...(reason === undefined ? {} : { reason }) }, options);
  }

  /**
   * Returns a key, or the keys under a prefix, now and after every change. A slow reader gets only the newest
   * state; while the registry is unreachable, nothing is returned. Ends when the client closes.
   * @throws the signal's reason when it aborts; RegistryError `resource_exhausted` if the watched content is
   *   too large
   */
  watch(target: KvTarget, options: WaitOptions = {}): AsyncIterableIterator<KvSnapshot, undefined> {
    checkKnown(target, { key: true, prefix: true }, 'the target of kv.watch');
    checkKnown(options, waitOptions, 'kv.watch');
    const view = 'key' in target ? viewIn(this.#namespace, 'key', target.key) : viewIn(this.#namespace, 'prefix', target.prefix);
    return follow(
      this.#views,
      view,
      ({ items, revision }) => ({ revision, entries: (items as readonly KvItem[]).map(toEntry).sort(byKey) }),
      options.signal,
    );
  }

  /** Frames name a namespace that is not the connection's own. */
  #place(): { readonly namespace?: string } {
    return this.#namespace === this.#own ? {} : { namespace: this.#namespace };
  }

  async #read(view: ItemView, { signal }: WaitOptions): Promise<KvEntry[]> {
    const reply = await this.#connection.ask({ type: 'get', view }, { repeatable: true, timeoutMs: this.#timeoutMs, signal });
    return (snapshotItems(reply) as readonly KvItem[]).map(toEntry).sort(byKey);
  }

  async #write(ask: Ask, { signal }: WaitOptions): Promise<boolean> {
    const reply = await this.#connection.ask(ask, { repeatable: false, timeoutMs: this.#timeoutMs, signal });
    return reply.type === 'done' && reply.applied;
  }
}

/** The items of the answer to a `get`. */
export function snapshotItems(reply: ReplyFrame): readonly unknown[] {
  if (reply.type === 'snapshot') return reply.items;
  throw new RegistryError('internal', `the registry answered a get with ${reply.type}`);
}

function toEntry({ key, value, flags, revision, session }: KvItem): KvEntry {
  return {
    key,
    value: Buffer.from(value, 'base64'),
    flags: BigInt(flags),
    revision,
    ...(session === undefined ? {} : { session }),
  };
}

function byKey(a: KvEntry, b: KvEntry): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
