/**
 * The state of the registry: the fold of the ordered log.
 *
 * `apply` and `replace` are the only things that change it. The same changes give the same state on every node
 * and after every restart; there is no clock, randomness or I/O here.
 */

import { committedRow, decodeWith, interner } from './codec.ts';
import { Contents } from './contents.ts';
import { Frozen } from './frozen.ts';
import type { KindTable } from './kind-table.ts';
import { kinds as known, type Row } from './kinds.ts';
import { floorKey, type FloorRow } from './markers.ts';
import type { Reader } from './reader.ts';
import { Relisting } from './relisting.ts';
import { replacing, type Replacement } from './replacement.ts';
import type { Indexed, Revisioned, RoomIndex } from './room.ts';
import { orderedKey, type AnyRow, type AnyRowChange, type Change } from './row.ts';

/** The effects of a change. */
export interface Applied<R extends AnyRow = Row> {
  readonly changes: readonly AnyRowChange<R>[];
  /** Names of the views whose content has changed; keys, prefixes and single sessions are not among them. */
  readonly views: ReadonlySet<string>;
}

/** What was decided here and is being committed: `rows` are those that the values of `put` encode, in the same order. */
export interface Own<R extends AnyRow = Row> {
  readonly put: Change['put'];
  readonly rows: readonly R[];
}

export class State<R extends AnyRow = Row> implements Reader, Indexed, Revisioned {
  readonly kinds: KindTable<R>;
  #contents: Contents<R>;
  readonly #intern = interner();
  /** Frozen states that are still read. */
  readonly #frozen = new Set<Frozen<R>>();
  #revision = 0;
  #base = 0;

  /** @param kinds of its rows */
  constructor(kinds: KindTable<R> = known as KindTable) {
    this.kinds = kinds;
    this.#contents = new Contents(kinds);
  }

  /** Revision of the newest applied change. */
  get revision(): number {
    return this.#revision;
  }

  /** How many rows there are of every kind together. */
  get size(): number {
    return this.#contents.size;
  }

  /** How many rows of an ordered kind there are. */
  sizeOf(kind: string): number {
    return this.#contents.orderedIndex(kind).size;
  }

  /** How many tombstones and markers of empty views are kept; they are pruned when they grow too many. */
  get forgettable(): number {
    let kept = this.emptyViews.size;
    for (const kind of this.kinds.kindsWith(({ keepsRevision }) => keepsRevision === true)) kept += this.sizeOf(kind);
    return kept;
  }

  /** Views without content, which are kept so that their revision does not go back. */
  get emptyViews(): ReadonlySet<string> {
    return this.#contents.views.empty;
  }

  /** Record keys of the rows that may lapse (lock delays), lapsed ones included. */
  get lapsing(): ReadonlySet<string> {
    return this.#contents.lapsing;
  }

  /** No pruned marker or tombstone had a revision above this. */
  get floor(): number {
    return (this.#contents.get(floorKey()) as AnyRow as FloorRow | undefined)?.revision ?? 0;
  }

  /** The store went back to a backup before this revision: no view stands below it. 0 when it never did. */
  get base(): number {
    return this.#base;
  }

  get(key: string): R | undefined {
    return this.#contents.get(key);
  }

  isUnread(key: string): boolean {
    return this.#contents.isUnread(key);
  }

  bucket(bucket: string): Iterable<R> {
    return this.#contents.bucket(bucket);
  }

  /** The rows of a bucket with their keys. */
  entries(bucket: string): Iterable<[string, R]> {
    return this.#contents.entries(bucket);
  }

  bucketSize(bucket: string): number {
    return this.#contents.bucketSize(bucket);
  }

  ordered(kind: string, namespace: string, prefix: string, after?: string): Iterable<string> {
    return this.#contents.ordered(kind, namespace, prefix, after);
  }

  /** Record keys of all rows of an ordered kind. */
  *keysOf(kind: string): Generator<string, void, undefined> {
    const index = this.#contents.orderedIndex(kind);
    for (const namespace of index.namespaces()) {
      for (const key of index.under(namespace, '')) yield orderedKey(kind, namespace, key);
    }
  }

  newestUnder(kind: string, namespace: string, prefix: string): number {
    return this.#contents.orderedIndex(kind).newestUnder(namespace, prefix);
  }

  index(room: string): RoomIndex | undefined {
    return this.#contents.index(room);
  }

  rows(): Iterable<[string, R]> {
    return this.#contents.rows();
  }

  keptRevision(view: string): number | undefined {
    return this.#contents.views.get(view);
  }

  /** The revision of a view that is made of rows; the floor when it shows none and never did. */
  viewRevision(view: string): number {
    return this.#contents.views.get(view) ?? this.floor;
  }

  /** The present content, for a reader that needs several turns; it must be closed. */
  freeze(): Frozen<R> {
    const frozen = new Frozen(this.#contents, this.#revision, (closed) => this.#frozen.delete(closed));
    this.#frozen.add(frozen);
    return frozen;
  }

  /** Takes over one record of the initial state. */
  load(record: { key: string; value: Uint8Array; revision: number }): void {
    this.#put(record.key, decodeWith(this.kinds, record, this.#intern));
  }

  /** Derives what the records of the initial state do not say; then comes `loaded`. A step is one row. */
  deriving(): Generator<number | void, void, undefined> {
    return this.#contents.views.deriving(this.#contents);
  }

  /** Completes the initial state, which stands at `revision` from now on; nothing may have been read or applied before. */
  loaded(revision: number, base = 0): void {
    this.#revision = revision;
    this.#base = base;
  }

  /**
   * Applies a committed change.
   * @param own what was decided here, if this is its change: its rows need not be decoded
   * @throws RegistryError `data_loss` when a record cannot be read
   */
  apply(change: Change, own?: Own<R>): Applied<R> {
    const changes: AnyRowChange<R>[] = [];
    for (const key of change.delete) {
      const before = this.#delete(key);
      if (before !== undefined) changes.push({ key, before, after: undefined });
    }
    let at = 0;
    for (const { key, value } of change.put) {
      const mine = own?.put[at]?.value === value ? own.rows[at] : undefined;
      at++;
      const after =
        mine === undefined
          ? decodeWith(this.kinds, { key, value, revision: change.revision }, this.#intern)
          : committedRow(this.kinds.of(mine), key, mine, change.revision, this.#intern);
      changes.push({ key, before: this.#put(key, after), after });
    }
    this.#revision = change.revision;
    return { changes, views: this.#contents.views.follow(changes, change.revision, this.#contents) };
  }

  /**
   * Applies a committed change beside the present content, in steps; nothing else may be applied until `replace` takes it over.
   * @throws RegistryError `data_loss` when a record cannot be read
   */
  replacing(change: Change): Generator<number | void, Replacement<R>, undefined> {
    return replacing(this.#contents, change, this.#intern);
  }

  /**
   * Collects all records of the store, to replace the present content; nothing else may be applied until `replace` takes it
   * over.
   */
  relisting(): Relisting<R> {
    return new Relisting(this.#contents, this.#intern);
  }

  /** From now on the state is what `replacing` or `relisting` made; every view of it may have another revision. */
  replace({ contents, revision, base }: Replacement<R>): void {
    this.#contents = contents;
    this.#revision = revision;
    this.#base = base ?? this.#base;
    // They continue with the old content, which no longer changes.
    this.#frozen.clear();
  }

  #put(key: string, row: R): R | undefined {
    const before = this.#contents.put(key, row);
    for (const frozen of this.#frozen) frozen.note(key, before, row);
    return before;
  }

  #delete(key: string): R | undefined {
    const before = this.#contents.delete(key);
    if (before !== undefined) for (const frozen of this.#frozen) frozen.note(key, before, undefined);
    return before;
  }
}
