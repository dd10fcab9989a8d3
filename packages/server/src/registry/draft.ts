/**
 * Decided but not yet committed writes on top of another reader.
 *
 * Commands of one batch are decided in order, each on top of the ones before; a command that fails
 * half-way drops its own draft and leaves no trace. A draft also remembers which rows were read
 * by key, at which revision: these become the transaction's expectations.
 */

import type { Reader } from './reader.ts';
import { Rowset } from './rowset.ts';
import { keyOf, type Row } from './rows.ts';
import { sameContent } from './same-content.ts';

export class Draft implements Reader {
  readonly #base: Reader;
  readonly #set = new Rowset();
  readonly #deleted = new Set<string>();
  readonly #reads: Map<string, number>;

  constructor(base: Reader) {
    this.#base = base;
    this.#reads = base instanceof Draft ? base.#reads : new Map<string, number>();
  }

  get(key: string): Row | undefined {
    const own = this.#set.rows.get(key);
    if (own !== undefined) return own;
    if (this.#deleted.has(key)) return undefined;
    const row = this.#base.get(key);
    if (!(this.#base instanceof Draft)) this.#reads.set(key, row?.modified ?? 0);
    return row;
  }

  *bucket(bucket: string): Generator<Row, void, undefined> {
    const own = this.#set.rows;
    // Four bases deep at most: operation, transaction, command, batch, state.
    for (const row of this.#base.bucket(bucket)) {
      if (this.#set.rows.size === 0 && this.#deleted.size === 0) yield row;
      else {
        const key = keyOf(row);
        if (!own.has(key) && !this.#deleted.has(key)) yield row;
      }
    }
    yield* this.#set.bucket(bucket);
  }

  *kvKeys(prefix: string): Generator<string, void, undefined> {
    yield* this.#keysOf('kv', prefix, this.#base.kvKeys(prefix));
  }

  *graveKeys(prefix: string): Generator<string, void, undefined> {
    yield* this.#keysOf('tombstone', prefix, this.#base.graveKeys(prefix));
  }

  /** Writes a row unless it says what is already there. Tells whether anything changed. */
  put(row: Row): boolean {
    const key = keyOf(row);
    const before = this.get(key);
    if (before !== undefined && sameContent(before, row)) return false;
    this.#deleted.delete(key);
    this.#set.put(key, { ...row, created: before?.created ?? 0, modified: 0 });
    return true;
  }

  /** Writes a marker, whose only content is the revision that it will get. */
  mark(key: string, row: Row): void {
    this.#set.put(key, { ...row, created: this.#base.get(key)?.created ?? 0 });
  }

  /** Removes a row. Tells whether it was there. */
  delete(key: string): boolean {
    const before = this.get(key);
    if (before === undefined) return false;
    this.#set.delete(key);
    this.#deleted.add(key);
    return true;
  }

  /** Drops the writes that leave a row as it was: a batch may move a status there and back. */
  dropNoOps(): void {
    for (const [key, row] of this.#set.rows) {
      const before = this.#base.get(key);
      if (before !== undefined && sameContent(before, row)) this.#set.delete(key);
    }
    for (const key of this.#deleted) if (this.#base.get(key) === undefined) this.#deleted.delete(key);
  }

  get empty(): boolean {
    return this.#set.rows.size === 0 && this.#deleted.size === 0;
  }

  /** Moves this draft's writes into the draft below it. */
  mergeInto(below: Draft): void {
    for (const key of this.#deleted) {
      below.#set.delete(key);
      below.#deleted.add(key);
    }
    for (const [key, row] of this.#set.rows) {
      below.#deleted.delete(key);
      below.#set.put(key, row);
    }
  }

  /** Rows read by key from the committed state, with the revision seen (0: absent). */
  reads(): ReadonlyMap<string, number> {
    return this.#reads;
  }

  /** The rows that this draft adds or changes. */
  puts(): ReadonlyMap<string, Row> {
    return this.#set.rows;
  }

  deletes(): ReadonlySet<string> {
    return this.#deleted;
  }

  *#keysOf(kind: 'kv' | 'tombstone', prefix: string, base: Iterable<string>): Generator<string> {
    const recordPrefix = `${kind}\0`;
    for (const key of base) {
      const recordKey = recordPrefix + key;
      if (!this.#deleted.has(recordKey) && !this.#set.rows.has(recordKey)) yield key;
    }
    for (const row of this.#set.rows.values()) {
      if (row.kind === kind && row.key.startsWith(prefix)) yield row.key;
    }
  }
}
