/**
 * The state as it was at one revision, while the state itself goes on changing. Readers that yield between their steps use it.
 * Freezing copies nothing. From then on each row is remembered as it was before its first change:
 *
 *   get(key)      the row of today, when it is no newer than the revision; else the one remembered
 *   bucket(name)  today's rows that are no newer, and the remembered ones that were in the bucket
 *
 * So it costs each later change a little, and memory for the changed rows only; close it as soon as it is
 * read. Its results change with the state: read an iterable to its end in the turn in which you got it.
 */

import type { Contents } from './contents.ts';
import type { KindTable } from './kind-table.ts';
import type { Reader } from './reader.ts';
import type { IndexNotes, RoomIndex } from './room.ts';
import type { AnyRow } from './row.ts';

export class Frozen<R extends AnyRow = AnyRow> implements Reader {
  readonly revision: number;
  readonly kinds: KindTable<R>;
  readonly #state: Contents<R>;
  readonly #release: () => void;
  /** Changed rows as they were, undefined for those that did not exist; made with the first change. */
  #rows: Map<string, R | undefined> | undefined;
  #buckets: Map<string, R[]> | undefined;
  /** By room; made with the first change that its index follows. */
  readonly #notes = new Map<string, IndexNotes>();

  /** By `State.freeze`. @param release tells the state that it is not read any more */
  constructor(state: Contents<R>, revision: number, release: (frozen: Frozen<R>) => void) {
    this.revision = revision;
    this.#state = state;
    this.kinds = state.kinds;
    this.#release = () => release(this);
  }

  /** Ends it; idempotent. */
  close(): void {
    this.#release();
  }

  /** Told by the state of every change after the revision. */
  note(key: string, before: R | undefined, after: R | undefined): void {
    const rows = (this.#rows ??= new Map());
    this.#noteInIndex(before, after);
    if (rows.has(key)) return;
    rows.set(key, before);
    if (before === undefined) return;
    const buckets = (this.#buckets ??= new Map());
    for (const name of this.kinds.bucketsOf(before)) {
      const known = buckets.get(name);
      if (known === undefined) buckets.set(name, [before]);
      else known.push(before);
    }
  }

  #noteInIndex(before: R | undefined, after: R | undefined): void {
    const kind = (before ?? after)?.kind ?? '';
    for (const { name, index } of this.kinds.rooms) {
      if (index?.of.includes(kind) !== true) continue;
      let notes = this.#notes.get(name);
      if (notes === undefined) this.#notes.set(name, (notes = (this.#state.index(name) as RoomIndex).notes()));
      notes.note(before, after);
    }
  }

  /** All rows in no particular order, in steps of one row: others may change the state between two of them. */
  *rows(): Generator<void, readonly (readonly [string, R])[], undefined> {
    const rows: (readonly [string, R])[] = [];
    for (const each of this.#state.rows()) {
      if (each[1].modified <= this.revision) rows.push(each);
      yield;
    }
    const changed = this.#rows;
    if (changed === undefined) return rows;
    // Rows that changed after they were found must not appear twice.
    const found = new Set<string>();
    for (const [key] of rows) {
      if (changed.has(key)) found.add(key);
      yield;
    }
    for (const [key, row] of changed) if (row !== undefined && !found.has(key)) rows.push([key, row]);
    return rows;
  }

  get(key: string): R | undefined {
    const row = this.#state.get(key);
    return this.#rows?.has(key) === true ? this.#rows.get(key) : row;
  }

  isUnread(key: string): boolean {
    return this.#state.isUnread(key);
  }

  bucket(name: string): Iterable<R> {
    return this.#rows === undefined ? this.#state.bucket(name) : this.#bucketBefore(name);
  }

  *#bucketBefore(name: string): Generator<R, void, undefined> {
    for (const row of this.#state.bucket(name)) if (row.modified <= this.revision) yield row;
    yield* this.#buckets?.get(name) ?? [];
  }

  /** The index of a room as it is today; with the notes of the same room it can be read as it was. */
  index(room: string): RoomIndex | undefined {
    return this.#state.index(room);
  }

  /** What changed in the index of a room since the revision; undefined when nothing did. */
  notes(room: string): IndexNotes | undefined {
    return this.#notes.get(room);
  }

  ordered(kind: string, namespace: string, prefix: string): readonly string[] {
    const today = this.#state.orderedIndex(kind).listUnder(namespace, prefix);
    const rows = this.#rows;
    if (rows === undefined) return today;
    const record = `${kind}\0${namespace}\0`;
    const kept = today.filter((key) => !rows.has(record + key));
    const remembered: string[] = [];
    for (const [key, row] of rows) {
      if (row?.kind === kind && key.startsWith(record + prefix)) remembered.push(key.slice(record.length));
    }
    return remembered.length === 0 ? kept : [...kept, ...remembered].sort();
  }
}
