/**
 * The state of the registry: the fold of the ordered log.
 *
 * `apply` is the only thing that changes it. The same changes give the same state on every node
 * and after every restart; there is no clock, randomness or I/O here.
 */

import { committedRow, decodeRow, interner } from './codec.ts';
import { Frozen } from './frozen.ts';
import { OrderedKeys } from './ordered-keys.ts';
import type { Reader } from './reader.ts';
import { Rowset } from './rowset.ts';
import { keys, type Row, type RowChange, type RowOf } from './rows.ts';
import { ServiceIndex } from './service-index.ts';
import { ViewRevisions } from './view-revisions.ts';

/** A committed transaction: what the log adds at `revision`. */
export interface Change {
  readonly revision: number;
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly delete: readonly string[];
}

/** What a change did. */
export interface Applied {
  readonly changes: readonly RowChange[];
  /** Names of the views that show something else now; keys, prefixes and single sessions are not among them. */
  readonly views: ReadonlySet<string>;
}

export class State implements Reader {
  readonly #set = new Rowset();
  readonly #kvKeys = new OrderedKeys();
  readonly #graveKeys = new OrderedKeys();
  readonly #services = new ServiceIndex();
  readonly #views = new ViewRevisions();
  readonly #intern = interner();
  /** Those who still read what was there at an earlier revision. */
  readonly #frozen = new Set<Frozen>();
  #revision = 0;
  readonly #delays = new Set<string>();
  #kvRevision = 0;

  /** Revision of the newest applied change. */
  get revision(): number {
    return this.#revision;
  }

  /** How many rows there are of every kind together. */
  get size(): number {
    return this.#set.rows.size;
  }

  /** How many KV keys there are. */
  get kvSize(): number {
    return this.#kvKeys.size;
  }

  /** How many tombstones and markers of empty views are kept; they are pruned when they grow too many. */
  get graves(): number {
    return this.#graveKeys.size + this.#views.empty.size;
  }

  /** Views that show nothing any more, and are kept so that their revision does not go back. */
  get emptyViews(): ReadonlySet<string> {
    return this.#views.empty;
  }

  /** The KV keys that have a lock delay, lapsed ones included. */
  get delays(): ReadonlySet<string> {
    return this.#delays;
  }

  /** Newest revision at which any KV key changed, deletions included. */
  get kvRevision(): number {
    return Math.max(this.#kvRevision, this.floor);
  }

  /** No pruned marker or tombstone had a revision above this. */
  get floor(): number {
    return (this.#set.rows.get(keys.floor()) as RowOf<'floor'> | undefined)?.revision ?? 0;
  }

  get(key: string): Row | undefined {
    return this.#set.rows.get(key);
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

  /** A copy of what `kvKeys` yields: 100,000 keys take less than a millisecond. */
  kvKeyList(prefix: string): readonly string[] {
    return this.#kvKeys.listUnder(prefix);
  }

  graveKeys(prefix: string): Iterable<string> {
    return this.#graveKeys.under(prefix);
  }

  /** Newest revision at which a KV key under the prefix changed, deletions included. */
  prefixRevision(prefix: string): number {
    if (prefix === '') return this.kvRevision;
    return Math.max(this.#kvKeys.newestUnder(prefix), this.#graveKeys.newestUnder(prefix), this.floor);
  }

  /** The services that have an instance, with their tags, and those of a node. */
  get services(): Pick<ServiceIndex, 'size' | 'has' | 'names' | 'tagsOf' | 'servicesOn' | 'instancesOf' | 'instancesWithTag'> {
    return this.#services;
  }

  rows(): Iterable<[string, Row]> {
    return this.#set.rows;
  }

  /** The revision of a view that is made of rows; the floor when it shows none and never did. */
  viewRevision(view: string): number {
    return this.#views.get(view) ?? this.floor;
  }

  /** What is there now, for a reader that takes its time; it must be closed. */
  freeze(): Frozen {
    const frozen = new Frozen(this, (closed) => this.#frozen.delete(closed));
    this.#frozen.add(frozen);
    return frozen;
  }

  /** Takes over one record of the initial state. */
  load(record: { key: string; value: Uint8Array; revision: number }): void {
    this.#put(record.key, decodeRow(record.key, record.value, record.revision, this.#intern));
  }

  /** The initial state is complete and stands at `revision`. */
  loaded(revision: number): void {
    this.#revision = revision;
    this.#views.derive(this);
  }

  /**
   * Folds a committed change in.
   * @param own rows by the bytes that encode them, for a change that was decided here
   * @throws RegistryError `data_loss` when a record cannot be read
   */
  apply(change: Change, own?: ReadonlyMap<Uint8Array, Row>): Applied {
    const changes: RowChange[] = [];
    for (const key of change.delete) {
      const before = this.#delete(key);
      if (before !== undefined) changes.push({ key, before, after: undefined });
    }
    for (const { key, value } of change.put) {
      const known = own?.get(value);
      const after =
        known === undefined || known.kind === 'kv'
          ? decodeRow(key, value, change.revision, this.#intern)
          : committedRow(known, change.revision, this.#intern);
      changes.push({ key, before: this.#put(key, after), after });
    }
    this.#revision = change.revision;
    return { changes, views: this.#views.follow(changes, change.revision, this) };
  }

  #put(key: string, row: Row): Row | undefined {
    const before = this.#set.put(key, row);
    for (const frozen of this.#frozen) frozen.note(key, before, row);
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
        this.#services.follow(before?.kind === 'instance' ? before : undefined, row);
        break;
      case 'delay':
        this.#delays.add(row.key);
        break;
      default:
    }
    return before;
  }

  #delete(key: string): Row | undefined {
    const before = this.#set.delete(key);
    if (before !== undefined) for (const frozen of this.#frozen) frozen.note(key, before, undefined);
    switch (before?.kind) {
      case 'kv':
        this.#kvKeys.delete(before.key);
        break;
      case 'tombstone':
        this.#graveKeys.delete(before.key);
        break;
      case 'instance':
        this.#services.follow(before, undefined);
        break;
      case 'delay':
        this.#delays.delete(before.key);
        break;
      default:
    }
    return before;
  }
}
