/**
 * The rows of a state with every index over them. Put and delete keep the indexes; knows no log and no
 * revision of its own, and tells no reader.
 */

import { OrderedKeys } from './ordered-keys.ts';
import type { Reader } from './reader.ts';
import { Rowset } from './rowset.ts';
import type { Row } from './rows.ts';
import { ServiceIndex } from './service-index.ts';
import { ViewRevisions } from './view-revisions.ts';

export class Contents implements Reader {
  readonly services = new ServiceIndex();
  readonly views = new ViewRevisions();
  /** The KV keys that have a lock delay, lapsed ones included. */
  readonly delays = new Set<string>();
  readonly #set = new Rowset();
  readonly #kvKeys = new OrderedKeys();
  readonly #graveKeys = new OrderedKeys();
  #kvRevision: number;

  /** @param kvRevision that of contents whose place it takes */
  constructor(kvRevision = 0) {
    this.#kvRevision = kvRevision;
  }

  /** Newest revision of a KV key or a tombstone that was ever put. */
  get kvRevision(): number {
    return this.#kvRevision;
  }

  get size(): number {
    return this.#set.rows.size;
  }

  get kvSize(): number {
    return this.#kvKeys.size;
  }

  get graves(): number {
    return this.#graveKeys.size;
  }

  get(key: string): Row | undefined {
    return this.#set.rows.get(key);
  }

  rows(): ReadonlyMap<string, Row> {
    return this.#set.rows;
  }

  bucket(bucket: string): Iterable<Row> {
    return this.#set.bucket(bucket);
  }

  bucketSize(bucket: string): number {
    return this.#set.bucketSize(bucket);
  }

  kvKeys(prefix: string, after?: string): Iterable<string> {
    return this.#kvKeys.under(prefix, after);
  }

  kvKeyList(prefix: string): readonly string[] {
    return this.#kvKeys.listUnder(prefix);
  }

  graveKeys(prefix: string): Iterable<string> {
    return this.#graveKeys.under(prefix);
  }

  /** Newest revision of a KV key or a tombstone under the prefix. */
  newestUnder(prefix: string): number {
    return Math.max(this.#kvKeys.newestUnder(prefix), this.#graveKeys.newestUnder(prefix));
  }

  /** @returns the row that was there before */
  put(key: string, row: Row): Row | undefined {
    const before = this.#set.put(key, row);
    switch (row.kind) {
      case 'kv':
        this.#kvKeys.add(row.key, row.modified);
        this.#kvRevision = Math.max(this.#kvRevision, row.modified);
        break;
      case 'tombstone':
        this.#graveKeys.add(row.key, row.modified);
        this.#kvRevision = Math.max(this.#kvRevision, row.modified);
        break;
      case 'instance':
        this.services.follow(before?.kind === 'instance' ? before : undefined, row);
        break;
      case 'delay':
        this.delays.add(row.key);
        break;
      default:
    }
    return before;
  }

  /** @returns the row that was there before */
  delete(key: string): Row | undefined {
    const before = this.#set.delete(key);
    switch (before?.kind) {
      case 'kv':
        this.#kvKeys.delete(before.key);
        break;
      case 'tombstone':
        this.#graveKeys.delete(before.key);
        break;
      case 'instance':
        this.services.follow(before, undefined);
        break;
      case 'delay':
        this.delays.delete(before.key);
        break;
      default:
    }
    return before;
  }
}
