/** Keys and values of the registry. */

import { RegistryError, frameLimits, type FrameView, type KvItem, type ReplyFrame } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from './option-check.ts';
import { follow } from './source/follow.ts';
import { type WaitOptions, waitOptions } from './registration.ts';
import type { Ask } from './connection/requests.ts';
import type { RegistryConnection } from './connection/registry-connection.ts';
import { viewIn } from './connection/view-name.ts';
import type { WatchedViews } from './connection/watched-views.ts';

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** An unsigned 64-bit number for the writer's own use. */
  readonly flags: bigint;
  /** Revision at which the key last changed; what `cas` compares. */
  readonly revision: number;
  /** The session that holds the key as a lock. */
  readonly session?: string;
}

/** The keys that a watch is about, at one revision. */
export interface KvSnapshot {
  /** Rises with every change, deletions included, as long as the registry is the same one. */
  readonly revision: number;
  /** In order of their keys. */
  readonly entries: readonly KvEntry[];
}

export interface KvPutOptions extends WaitOptions {
  /** Write only if the key stands at this revision; 0: only if it does not exist. */
  readonly cas?: number | undefined;
  /** 0 to 2^64 - 1; 0 by default. */
  readonly flags?: bigint | undefined;
}

export interface KvDeleteOptions extends WaitOptions {
  /** Delete only if the key stands at this revision. */
  readonly cas?: number | undefined;
  /** Delete every key that begins with it; not together with `cas`. */
  readonly recurse?: boolean | undefined;
}

const putOptions: OptionNames<KvPutOptions> = { ...waitOptions, cas: true, flags: true };
const deleteOptions: OptionNames<KvDeleteOptions> = { ...waitOptions, cas: true, recurse: true };

export type KvTarget = { readonly key: string } | { readonly prefix: string };

export interface KvParts {
  readonly connection: RegistryConnection;
  readonly views: WatchedViews;
  readonly timeoutMs: number;
  readonly namespace: string;
}

/**
 * Every operation throws RegistryError `unavailable` or `deadline_exceeded` when no registry has
 * answered in time, `invalid_argument` for a key or value over the limits or an option that there is not, and the signal's reason
 * when it aborts. A write also throws `unknown_outcome` when it may have taken effect.
 */
export class Kv {
  readonly #connection: RegistryConnection;
  readonly #views: WatchedViews;
  readonly #timeoutMs: number;
  readonly #namespace: string;

  constructor({ connection, views, timeoutMs, namespace }: KvParts) {
    this.#connection = connection;
    this.#views = views;
    this.#timeoutMs = timeoutMs;
    this.#namespace = namespace;
  }

  /** The key as it stands in the registry now; undefined when it does not exist. */
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

  /** @returns false when `cas` did not hold and nothing was written */
  async put(key: string, value: Uint8Array | string, options: KvPutOptions = {}): Promise<boolean> {
    checkKnown(options, putOptions, 'kv.put');
    const { cas, flags } = options;
    const bytes = Buffer.from(value);
    if (bytes.length * 1.34 + key.length * 3 > frameLimits.frameBytesMax - 1_024) {
      const message = `the value of ${JSON.stringify(key)} has ${bytes.length} bytes, which no frame can carry`;
      throw new RegistryError('invalid_argument', message);
    }
    const condition = cas === undefined ? {} : { cas };
    const flagged = flags === undefined ? {} : { flags: flags.toString() };
    return this.#write({ type: 'kv-put', key, value: bytes.toString('base64'), ...condition, ...flagged }, options);
  }

  /** @returns false when `cas` did not hold and nothing was deleted; true when the key is gone */
  async delete(key: string, options: KvDeleteOptions = {}): Promise<boolean> {
    checkKnown(options, deleteOptions, 'kv.delete');
    const { cas, recurse } = options;
    const condition = cas === undefined ? {} : { cas };
    return this.#write({ type: 'kv-delete', key, ...condition, ...(recurse === true ? { recurse } : {}) }, options);
  }

  /**
   * The key or the keys below a prefix, now and after every change; a slow reader gets the newest
   * only, an outage of the registry makes a pause. Ends when the client closes.
   * @throws the signal's reason when it aborts; RegistryError `resource_exhausted` when there is too
   *   much to watch at once
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

  async #read(view: FrameView, { signal }: WaitOptions): Promise<KvEntry[]> {
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
