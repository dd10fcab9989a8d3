/**
 * The state as it was at one revision, while it goes on changing: what a reader that yields between its
 * steps reads from. Freezing copies nothing. From then on each row is remembered as it was before its first change:
 *
 *   get(key)      the row of today, when it is no newer than the revision; else the one remembered
 *   bucket(name)  today's rows that are no newer, and the remembered ones that were in the bucket
 *
 * So it costs each later change a little, and memory for the changed rows only; close it as soon as it is
 * read. What it returns lives: take an iterable to its end in the turn in which you got it.
 */

import { OfferChanges } from './kind/catalog/offer-changes.ts';
import { bucketsOf, type Reader } from './reader.ts';
import { keys, type InstanceRow, type Row } from './rows.ts';
import type { ServiceIndex } from './kind/catalog/service-index.ts';

/** The contents of a state, which go on changing. */
export interface Today extends Reader {
  rows(): Iterable<[string, Row]>;
  readonly services: Pick<ServiceIndex, 'has' | 'names' | 'tagsOf' | 'instancesOf' | 'instancesWithTag'>;
  kvKeyList(namespace: string, prefix: string): readonly string[];
}

export class Frozen implements Reader {
  readonly revision: number;
  readonly #state: Today;
  readonly #release: () => void;
  /** Changed rows as they were, undefined for those that were not there; made with the first change. */
  #rows: Map<string, Row | undefined> | undefined;
  #buckets: Map<string, Row[]> | undefined;
  /** What has to be added to today's counts to get those of the revision. */
  #offers: OfferChanges | undefined;

  /** By `State.freeze`. @param release tells the state that it is not read any more */
  constructor(state: Today, revision: number, release: (frozen: Frozen) => void) {
    this.revision = revision;
    this.#state = state;
    this.#release = () => release(this);
  }

  /** Ends it; idempotent. */
  close(): void {
    this.#release();
  }

  /** Told by the state of every change after the revision. */
  note(key: string, before: Row | undefined, after: Row | undefined): void {
    const rows = (this.#rows ??= new Map());
    if (before?.kind === 'instance' || after?.kind === 'instance') {
      // Backwards: from what is there now to what was.
      (this.#offers ??= new OfferChanges()).follow(after as InstanceRow | undefined, before as InstanceRow | undefined);
    }
    if (rows.has(key)) return;
    rows.set(key, before);
    if (before === undefined) return;
    const buckets = (this.#buckets ??= new Map());
    for (const name of bucketsOf(before)) {
      const known = buckets.get(name);
      if (known === undefined) buckets.set(name, [before]);
      else known.push(before);
    }
  }

  /** All rows in no particular order, in steps of one row: others may change the state between two of them. */
  *rows(): Generator<void, readonly (readonly [string, Row])[], undefined> {
    const rows: (readonly [string, Row])[] = [];
    for (const each of this.#state.rows()) {
      if (each[1].modified <= this.revision) rows.push(each);
      yield;
    }
    const changed = this.#rows;
    if (changed === undefined) return rows;
    // Those that changed after they were found must not be there twice.
    const found = new Set<string>();
    for (const [key] of rows) {
      if (changed.has(key)) found.add(key);
      yield;
    }
    for (const [key, row] of changed) if (row !== undefined && !found.has(key)) rows.push([key, row]);
    return rows;
  }

  get(key: string): Row | undefined {
    const row = this.#state.get(key);
    return this.#rows?.has(key) === true ? this.#rows.get(key) : row;
  }

  isUnread(key: string): boolean {
    return this.#state.isUnread(key);
  }

  bucket(name: string): Iterable<Row> {
    return this.#rows === undefined ? this.#state.bucket(name) : this.#bucketBefore(name);
  }

  *#bucketBefore(name: string): Generator<Row, void, undefined> {
    for (const row of this.#state.bucket(name)) if (row.modified <= this.revision) yield row;
    yield* this.#buckets?.get(name) ?? [];
  }

  kvKeys(namespace: string, prefix: string): readonly string[] {
    return this.#keysBefore('kv', namespace, prefix, this.#state.kvKeyList(namespace, prefix));
  }

  tombstoneKeys(namespace: string, prefix: string): readonly string[] {
    return this.#keysBefore('tombstone', namespace, prefix, [...this.#state.tombstoneKeys(namespace, prefix)]);
  }

  /** The services of a namespace that have an instance, in order. */
  services(namespace: string): readonly string[] {
    const { services } = this.#state;
    const names = [...services.names(namespace)];
    const changed = this.#offers;
    if (changed === undefined) return names;
    const had = (name: string) =>
      services.instancesOf(namespace, name) + (changed.get(namespace, name)?.instances ?? 0) > 0;
    const gone: string[] = [];
    for (const change of changed.all()) {
      if (change.namespace === namespace && !services.has(namespace, change.service)) gone.push(change.service);
    }
    return [...names, ...gone].filter(had).sort();
  }

  /** The tags of a service's instances, each once, in order. */
  tagsOf(namespace: string, service: string): readonly string[] {
    const { services } = this.#state;
    const tags = [...services.tagsOf(namespace, service)];
    const changed = this.#offers?.get(namespace, service)?.tags;
    if (changed === undefined) return tags;
    const withTag = (tag: string) => services.instancesWithTag(namespace, service, tag);
    const gone = [...changed.keys()].filter((tag) => withTag(tag) === 0);
    return [...tags, ...gone].filter((tag) => withTag(tag) + (changed.get(tag) ?? 0) > 0).sort();
  }

  #keysBefore(kind: 'kv' | 'tombstone', namespace: string, prefix: string, today: readonly string[]): readonly string[] {
    const record = keys[kind](namespace, '');
    const rows = this.#rows;
    if (rows === undefined) return today;
    const kept = today.filter((key) => !rows.has(record + key));
    const was = (row: Row | undefined) => row?.kind === kind && row.namespace === namespace && row.key.startsWith(prefix);
    const remembered = [...rows.values()].filter(was);
    if (remembered.length === 0) return kept;
    return [...kept, ...remembered.map((row) => (row as { readonly key: string }).key)].sort();
  }
}
