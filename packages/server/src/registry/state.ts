/**
 * The state of the registry: the fold of the ordered log.
 *
 * `apply` and `replace` are the only things that change it. The same changes give the same state on every node
 * and after every restart; there is no clock, randomness or I/O here.
 */

import { committedRow, decodeRow, interner } from './codec.ts';
import { Contents } from './contents.ts';
import { Frozen } from './frozen.ts';
import { find, type Reader } from './reader.ts';
import { Relisting } from './relisting.ts';
import { replacing, type Replacement } from './replacement.ts';
import { keys, type Change, type Row, type RowChange, type RowOf } from './rows.ts';
import type { ServiceIndex } from './kind/catalog/service-index.ts';
import { viewOf } from './view-name.ts';

/** What a change did. */
export interface Applied {
  readonly changes: readonly RowChange[];
  /** Names of the views that show something else now; keys, prefixes and single sessions are not among them. */
  readonly views: ReadonlySet<string>;
}

export class State implements Reader {
  #contents = new Contents();
  readonly #intern = interner();
  /** Those who still read what was there at an earlier revision. */
  readonly #frozen = new Set<Frozen>();
  #revision = 0;

  /** Revision of the newest applied change. */
  get revision(): number {
    return this.#revision;
  }

  /** How many rows there are of every kind together. */
  get size(): number {
    return this.#contents.size;
  }

  /** How many KV keys there are. */
  get kvSize(): number {
    return this.#contents.kvSize;
  }

  /** How many tombstones and markers of empty views are kept; they are pruned when they grow too many. */
  get forgettable(): number {
    return this.#contents.tombstones + this.emptyViews.size;
  }

  /** Views that show nothing any more, and are kept so that their revision does not go back. */
  get emptyViews(): ReadonlySet<string> {
    return this.#contents.views.empty;
  }

  /** Record keys of the lock delays, lapsed ones included. */
  get delays(): ReadonlySet<string> {
    return this.#contents.delays;
  }

  /** Newest revision at which any KV key of the namespace changed, deletions included. */
  kvRevision(namespace: string): number {
    return Math.max(this.#contents.kvRevision(namespace), this.floor);
  }

  /** No pruned marker or tombstone had a revision above this. */
  get floor(): number {
    return (this.#contents.get(keys.floor()) as RowOf<'floor'> | undefined)?.revision ?? 0;
  }

  get(key: string): Row | undefined {
    return this.#contents.get(key);
  }

  isUnread(key: string): boolean {
    return this.#contents.isUnread(key);
  }

  bucket(bucket: string): Iterable<Row> {
    return this.#contents.bucket(bucket);
  }

  bucketSize(bucket: string): number {
    return this.#contents.bucketSize(bucket);
  }

  kvKeys(namespace: string, prefix: string, after?: string): Iterable<string> {
    return this.#contents.kvKeys(namespace, prefix, after);
  }

  /** A copy of what `kvKeys` yields: 100,000 keys take less than a millisecond. */
  kvKeyList(namespace: string, prefix: string): readonly string[] {
    return this.#contents.kvKeyList(namespace, prefix);
  }

  tombstoneKeys(namespace: string, prefix: string): Iterable<string> {
    return this.#contents.tombstoneKeys(namespace, prefix);
  }

  /** The namespaces that have, or had, KV keys. */
  keyNamespaces(): Iterable<string> {
    return this.#contents.keyNamespaces();
  }

  /** Newest revision at which a KV key under the prefix changed, deletions included. */
  prefixRevision(namespace: string, prefix: string): number {
    if (prefix === '') return this.kvRevision(namespace);
    return Math.max(this.#contents.newestUnder(namespace, prefix), this.floor);
  }

  /** The services that have an instance, with their tags, and those of a node. */
  get services(): Omit<ServiceIndex, 'follow'> {
    return this.#contents.services;
  }

  rows(): Iterable<[string, Row]> {
    return this.#contents.rows();
  }

  /** The revision of a view that is made of rows; the floor when it shows none and never did. */
  viewRevision(view: string): number {
    return this.#contents.views.get(view) ?? this.floor;
  }

  /** The revision of a view of a node: the newest of what all its views share, and of what only this one shows. */
  nodeRevision(namespace: string, name: string): number {
    const shared = this.#sharedRevision(name) ?? this.floor;
    return Math.max(shared, this.#contents.views.get(viewOf.node(namespace, name)) ?? 0);
  }

  /** That of its newest row or its marker; undefined when there is neither. Few rows are looked at. */
  #sharedRevision(name: string): number | undefined {
    const marker = this.get(keys.view(viewOf.sharedNode(name)));
    const node = find.node(this, name);
    if (marker === undefined && node === undefined) return undefined;
    let newest = Math.max(marker?.modified ?? 0, node?.modified ?? 0);
    for (const { modified } of find.checksOfNode(this, name)) newest = Math.max(newest, modified);
    return newest;
  }

  /** What is there now, for a reader that takes its time; it must be closed. */
  freeze(): Frozen {
    const frozen = new Frozen(this.#contents, this.#revision, (closed) => this.#frozen.delete(closed));
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
    const steps = this.#contents.views.deriving(this.#contents);
    while (steps.next().done !== true);
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
    return { changes, views: this.#contents.views.follow(changes, change.revision, this.#contents) };
  }

  /**
   * Folds a committed change in beside what is read meanwhile, in steps; nothing else may be applied until
   * `replace` takes it over.
   * @throws RegistryError `data_loss` when a record cannot be read
   */
  replacing(change: Change): Generator<void, Replacement, undefined> {
    return replacing(this.#contents, change, this.#intern);
  }

  /** For all records of the store, in place of what is there; nothing else may be applied until `replace` takes it over. */
  relisting(): Relisting {
    return new Relisting(this.#contents, this.#intern);
  }

  /** From now on the state is what `replacing` or `relisting` made; every view of it may have another revision. */
  replace({ contents, revision }: Replacement): void {
    this.#contents = contents;
    this.#revision = revision;
    // They go on reading what was there, which does not change any more.
    this.#frozen.clear();
  }

  #put(key: string, row: Row): Row | undefined {
    const before = this.#contents.put(key, row);
    for (const frozen of this.#frozen) frozen.note(key, before, row);
    return before;
  }

  #delete(key: string): Row | undefined {
    const before = this.#contents.delete(key);
    if (before !== undefined) for (const frozen of this.#frozen) frozen.note(key, before, undefined);
    return before;
  }
}
