/**
 * The state as it was at one revision, while the state itself goes on changing. Readers that yield between their steps use it.
 * Freezing copies nothing. From then on each row is remembered as it was before its first change:
 *
 *   get(key)      the row of today, when it is no newer than the revision; else the one remembered
 *   bucket(name)  today's rows that are no newer, and the remembered ones that were in the bucket
 *
 * So it costs each later change a little, and memory for the changed rows only; close it as soon as it is
 * read. Its results change with the state: read an iterable to its end in the turn in which you got it.
 *
 * It can go back further, to a revision before that at which the state was frozen: the caller then tells it each row that changed
 * between the two (`noteEarlier`), and reads it after `goBack`.
 */

import type { Contents } from './contents.ts';
import type { KindTable } from './kind-table.ts';
import { OrderedIndex } from './ordered-index.ts';
import type { Reader } from './reader.ts';
import type { IndexNotes, RoomIndex } from './room.ts';
import { orderedKey, type AnyRow } from './row.ts';

/** Keys that are copied at once from a list that may change before the reader goes on. */
export const keysPerPiece = 512;

export class Frozen<R extends AnyRow = AnyRow> implements Reader {
  readonly kinds: KindTable<R>;
  #revision: number;
  readonly #state: Contents<R>;
  readonly #release: () => void;
  /** Changed rows as they were, undefined for those that did not exist; made with the first change. */
  #rows: Map<string, R | undefined> | undefined;
  #buckets: Map<string, R[]> | undefined;
  /** The remembered rows of ordered kinds, by kind; made with the first one. */
  #orderedRows: Map<string, OrderedIndex> | undefined;
  /** By room; made with the first change that its index follows. */
  readonly #notes = new Map<string, IndexNotes>();
  /** Rows as they were at an older revision; each wins over the remembered one of its key. Undefined unless it went back. */
  #earlier: { readonly rows: Map<string, R | undefined>; readonly buckets: Map<string, R[]> } | undefined;

  /** By `State.freeze`. @param release tells the state that it is not read any more */
  constructor(state: Contents<R>, revision: number, release: (frozen: Frozen<R>) => void) {
    this.#revision = revision;
    this.#state = state;
    this.kinds = state.kinds;
    this.#release = () => release(this);
  }

  get revision(): number {
    return this.#revision;
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
    this.#enterInOrder(before);
    addToBuckets((this.#buckets ??= new Map()), this.kinds.bucketsOf(before), before);
  }

  /** Whether the row of a key was told by `noteEarlier`. */
  knowsEarlier(key: string): boolean {
    return this.#earlier?.rows.has(key) === true;
  }

  /** Takes in a row as it was at the older revision, undefined for one that did not exist. Once for each key, in any order. */
  noteEarlier(key: string, row: R | undefined): void {
    const { rows, buckets } = (this.#earlier ??= { rows: new Map(), buckets: new Map() });
    this.#noteInIndex(row, this.get(key));
    rows.set(key, row);
    if (row === undefined) return;
    this.#enterInOrder(row);
    addToBuckets(buckets, this.kinds.bucketsOf(row), row);
  }

  #enterInOrder(row: R): void {
    if (this.kinds.of(row).ordered !== true) return;
    const { kind } = row;
    const known = (this.#orderedRows ??= new Map<string, OrderedIndex>());
    let index = known.get(kind);
    if (index === undefined) known.set(kind, (index = new OrderedIndex()));
    index.follow(undefined, row);
  }

  /** All rows that changed after this revision were told: from now on it is read as of then. */
  goBack(revision: number): void {
    this.#revision = revision;
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
    const changed = [...this.changed()];
    if (changed.length === 0) return rows;
    // Rows that changed after they were found must not appear twice.
    const found = new Set<string>();
    for (const [key] of rows) {
      if (this.#rows?.has(key) === true) found.add(key);
      yield;
    }
    for (const [key, row] of changed) if (row !== undefined && row.modified <= this.revision && !found.has(key)) rows.push([key, row]);
    return rows;
  }

  /** The rows of this revision that may not be those of today, undefined for those that did not exist. */
  *changed(): Generator<readonly [string, R | undefined], void, undefined> {
    if (this.#earlier !== undefined) yield* this.#earlier.rows;
    for (const each of this.#rows ?? []) if (!this.knowsEarlier(each[0])) yield each;
  }

  get(key: string): R | undefined {
    if (this.knowsEarlier(key)) return this.#earlier?.rows.get(key);
    return this.#rows?.has(key) === true ? this.#rows.get(key) : this.#state.get(key);
  }

  isUnread(key: string): boolean {
    return this.#state.isUnread(key);
  }

  bucket(name: string): Iterable<R> {
    return this.#rows === undefined && this.#earlier === undefined ? this.#state.bucket(name) : this.#bucketBefore(name);
  }

  *#bucketBefore(name: string): Generator<R, void, undefined> {
    for (const row of this.#state.bucket(name)) if (row.modified <= this.revision) yield row;
    for (const row of this.#buckets?.get(name) ?? []) if (row.modified <= this.revision) yield row;
    yield* this.#earlier?.buckets.get(name) ?? [];
  }

  /** The index of a room as it is today; with the notes of the same room it can be read as it was. */
  index(room: string): RoomIndex | undefined {
    return this.#state.index(room);
  }

  /** What changed in the index of a room since the revision; undefined when nothing did. */
  notes(room: string): IndexNotes | undefined {
    return this.#notes.get(room);
  }

  /** Unlike the others, the result may be read over several turns. */
  *ordered(kind: string, namespace: string, prefix: string, after?: string): Generator<string, void, undefined> {
    for (const piece of this.orderedPieces(kind, namespace, prefix, after)) yield* piece;
  }

  /**
   * The same keys in pieces, between which the reader may wait for another turn. A piece may be empty: none of the keys that were looked
   * at existed at the revision. A step takes a look-up for each of at most `2 * keysPerPiece` keys, or copies so many when nothing has changed.
   */
  *orderedPieces(kind: string, namespace: string, prefix: string, after?: string): Generator<readonly string[], void, undefined> {
    const state = this.#state.orderedIndex(kind);
    const recordKey = (key: string) => orderedKey(kind, namespace, key);
    for (let last = after; ; ) {
      const today = pieceOf(state.under(namespace, prefix, last));
      const remembered = pieceOf(this.#orderedRows?.get(kind)?.under(namespace, prefix, last) ?? []);
      const end = [today, remembered].filter(({ length }) => length === keysPerPiece).map((keys) => keys.at(-1) as string).sort()[0];
      yield this.#rows === undefined && this.#earlier === undefined ? today : this.#existing(today, remembered, end, recordKey);
      if (end === undefined) return;
      last = end;
    }
  }

  /** The keys of two sorted lists whose rows existed at the revision, each once. @param end the last one to look at; undefined for all */
  #existing(today: readonly string[], remembered: readonly string[], end: string | undefined, recordKey: (key: string) => string): string[] {
    const found: string[] = [];
    let at = 0;
    let other = 0;
    while (at < today.length || other < remembered.length) {
      const one = today[at];
      const two = remembered[other];
      const key = two === undefined || (one !== undefined && one < two) ? (one as string) : two;
      if (end !== undefined && key > end) break;
      if (key === one) at++;
      if (key === two) other++;
      if (this.#existed(recordKey(key))) found.push(key);
    }
    return found;
  }

  /** @param key of a row of today, or of a remembered one */
  #existed(key: string): boolean {
    const { rows: earlier } = this.#earlier ?? {};
    if (earlier?.has(key) === true) return earlier.get(key) !== undefined;
    return this.#rows?.has(key) !== true || this.#rows.get(key) !== undefined;
  }
}

function pieceOf(keys: Iterable<string>): string[] {
  const piece: string[] = [];
  for (const key of keys) if (piece.push(key) === keysPerPiece) break;
  return piece;
}

function addToBuckets<R>(buckets: Map<string, R[]>, names: readonly string[], row: R): void {
  for (const name of names) {
    const known = buckets.get(name);
    if (known === undefined) buckets.set(name, [row]);
    else known.push(row);
  }
}
