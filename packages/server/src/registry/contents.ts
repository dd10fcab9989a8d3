/**
 * The rows of a state with every index over them. Put and delete keep the indexes; knows no log and no
 * revision of its own, and tells no reader.
 */

import { OrderedKeys } from './ordered-keys.ts';
import type { Reader } from './reader.ts';
import { Rowset } from './rowset.ts';
import type { Row, UnreadRow } from './rows.ts';
import { ServiceIndex } from './kind/catalog/service-index.ts';
import { ViewRevisions } from './view-revisions.ts';

export class Contents implements Reader {
  readonly services = new ServiceIndex();
  readonly views = new ViewRevisions();
  /** Record keys of the lock delays, lapsed ones included. */
  readonly delays = new Set<string>();
  readonly #set = new Rowset();
  /** Records of a newer Rollcall, by key; they are in no index. */
  readonly #unread = new Map<string, UnreadRow>();
  /** By namespace; of those that ever had a key. */
  readonly #keys = new Map<string, ScopeKeys>();
  #kvSize = 0;
  #tombstones = 0;

  /** @param before contents whose place it takes: its revisions of keys do not go back */
  constructor(before?: Contents) {
    if (before === undefined) return;
    for (const [namespace, { revision }] of before.#keys) this.#keys.set(namespace, new ScopeKeys(revision));
  }

  /** Newest revision of a KV key or a tombstone of the namespace that was ever put. */
  kvRevision(namespace: string): number {
    return this.#keys.get(namespace)?.revision ?? 0;
  }

  get size(): number {
    return this.#set.rows.size + this.#unread.size;
  }

  get kvSize(): number {
    return this.#kvSize;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  get(key: string): Row | undefined {
    return this.#set.rows.get(key);
  }

  isUnread(key: string): boolean {
    return this.#unread.has(key);
  }

  /** All of them, those that are kept unread included. */
  rows(): Iterable<[string, Row]> {
    return this.#unread.size === 0 ? this.#set.rows : both(this.#set.rows, this.#unread);
  }

  bucket(bucket: string): Iterable<Row> {
    return this.#set.bucket(bucket);
  }

  bucketSize(bucket: string): number {
    return this.#set.bucketSize(bucket);
  }

  /** The namespaces that have, or had, KV keys. */
  keyNamespaces(): Iterable<string> {
    return this.#keys.keys();
  }

  kvKeys(namespace: string, prefix: string, after?: string): Iterable<string> {
    return this.#keys.get(namespace)?.kv.under(prefix, after) ?? [];
  }

  kvKeyList(namespace: string, prefix: string): readonly string[] {
    return this.#keys.get(namespace)?.kv.listUnder(prefix) ?? [];
  }

  tombstoneKeys(namespace: string, prefix: string): Iterable<string> {
    return this.#keys.get(namespace)?.tombstone.under(prefix) ?? [];
  }

  /** Newest revision of a KV key or a tombstone under the prefix. */
  newestUnder(namespace: string, prefix: string): number {
    const own = this.#keys.get(namespace);
    return own === undefined ? 0 : Math.max(own.kv.newestUnder(prefix), own.tombstone.newestUnder(prefix));
  }

  /** @returns the row that was there before */
  put(key: string, row: Row): Row | undefined {
    if (row.kind === 'unread' || this.#unread.size > 0) return this.#putBesideUnread(key, row);
    return this.#put(key, row);
  }

  /** A record may turn unreadable, or readable again. */
  #putBesideUnread(key: string, row: Row): Row | undefined {
    const unread = this.#unread.get(key);
    this.#unread.delete(key);
    if (row.kind !== 'unread') return this.#put(key, row) ?? unread;
    const before = this.delete(key);
    this.#unread.set(key, row);
    return before ?? unread;
  }

  #put(key: string, row: Row): Row | undefined {
    const before = this.#set.put(key, row);
    switch (row.kind) {
      case 'kv':
        if (before === undefined) this.#kvSize++;
        this.#keysOf(row.namespace).add('kv', row.key, row.modified);
        break;
      case 'tombstone':
        if (before === undefined) this.#tombstones++;
        this.#keysOf(row.namespace).add('tombstone', row.key, row.modified);
        break;
      case 'instance':
        this.services.follow(before?.kind === 'instance' ? before : undefined, row);
        break;
      case 'delay':
        this.delays.add(key);
        break;
      default:
    }
    return before;
  }

  /** @returns the row that was there before */
  delete(key: string): Row | undefined {
    const before = this.#set.delete(key) ?? this.#takeUnread(key);
    switch (before?.kind) {
      case 'kv':
        this.#kvSize--;
        this.#keys.get(before.namespace)?.kv.delete(before.key);
        break;
      case 'tombstone':
        this.#tombstones--;
        this.#keys.get(before.namespace)?.tombstone.delete(before.key);
        break;
      case 'instance':
        this.services.follow(before, undefined);
        break;
      case 'delay':
        this.delays.delete(key);
        break;
      default:
    }
    return before;
  }

  #takeUnread(key: string): UnreadRow | undefined {
    const row = this.#unread.get(key);
    if (row !== undefined) this.#unread.delete(key);
    return row;
  }

  #keysOf(namespace: string): ScopeKeys {
    let own = this.#keys.get(namespace);
    if (own === undefined) this.#keys.set(namespace, (own = new ScopeKeys(0)));
    return own;
  }
}

function* both<T>(one: Iterable<T>, other: Iterable<T>): Generator<T, void, undefined> {
  yield* one;
  yield* other;
}

/** The KV keys of one namespace, those that are there and those that were deleted. */
class ScopeKeys {
  readonly kv = new OrderedKeys();
  readonly tombstone = new OrderedKeys();
  /** Newest revision of either that was ever put. */
  revision: number;

  constructor(revision: number) {
    this.revision = revision;
  }

  add(kind: 'kv' | 'tombstone', key: string, revision: number): void {
    this[kind].add(key, revision);
    this.revision = Math.max(this.revision, revision);
  }
}
