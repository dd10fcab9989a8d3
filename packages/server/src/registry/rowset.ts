/**
 * Rows by key with their buckets: the store behind `State` and behind the overlay of a `Draft`.
 *
 *   rows      key → row
 *   buckets   bucket → the row, when it has one      most buckets: the checks of an instance
 *             bucket → key → row, when it has more
 *
 * Put, delete and lookup are O(1).
 */

import type { KindTable } from './kind-table.ts';
import type { Row } from './rows.ts';

interface Single {
  readonly key: string;
  readonly row: Row;
}

export class Rowset {
  readonly rows = new Map<string, Row>();
  readonly #kinds: KindTable;
  readonly #buckets = new Map<string, Single | Map<string, Row>>();

  constructor(kinds: KindTable) {
    this.#kinds = kinds;
  }

  /** Returns the row that was there before. */
  put(key: string, row: Row): Row | undefined {
    const before = this.rows.get(key);
    this.rows.set(key, row);
    const names = this.#kinds.bucketsOf(row);
    // Most writes leave a row in the buckets where it is, and the rows in their order.
    if (before !== undefined) for (const name of this.#kinds.bucketsOf(before)) if (!names.includes(name)) this.#leave(name, key);
    for (const name of names) this.#enter(name, key, row);
    return before;
  }

  delete(key: string): Row | undefined {
    const before = this.rows.get(key);
    if (before === undefined) return undefined;
    this.rows.delete(key);
    for (const name of this.#kinds.bucketsOf(before)) this.#leave(name, key);
    return before;
  }

  #enter(name: string, key: string, row: Row): void {
    const bucket = this.#buckets.get(name);
    if (bucket instanceof Map) bucket.set(key, row);
    else if (bucket === undefined || bucket.key === key) this.#buckets.set(name, { key, row });
    else this.#buckets.set(name, new Map([[bucket.key, bucket.row]]).set(key, row));
  }

  #leave(name: string, key: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket instanceof Map) {
      bucket.delete(key);
      if (bucket.size > 0) return;
    }
    this.#buckets.delete(name);
  }

  bucket(name: string): Iterable<Row> {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return [];
    return bucket instanceof Map ? bucket.values() : [bucket.row];
  }

  bucketSize(name: string): number {
    const bucket = this.#buckets.get(name);
    return bucket === undefined ? 0 : bucket instanceof Map ? bucket.size : 1;
  }
}
