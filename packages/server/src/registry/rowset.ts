/**
 * Rows by key with their buckets: the store behind `State` and behind the overlay of a `Draft`.
 *
 *   rows      key → row
 *   buckets   bucket → key → row
 *
 * Put, delete and lookup are O(1).
 */

import { bucketsOf } from './reader.ts';
import type { Row } from './rows.ts';

const none: ReadonlyMap<string, Row> = new Map();

export class Rowset {
  readonly rows = new Map<string, Row>();
  readonly #buckets = new Map<string, Map<string, Row>>();

  /** Returns the row that was there before. */
  put(key: string, row: Row): Row | undefined {
    const before = this.delete(key);
    this.rows.set(key, row);
    for (const name of bucketsOf(row)) {
      const bucket = this.#buckets.get(name);
      if (bucket === undefined) this.#buckets.set(name, new Map([[key, row]]));
      else bucket.set(key, row);
    }
    return before;
  }

  delete(key: string): Row | undefined {
    const before = this.rows.get(key);
    if (before === undefined) return undefined;
    this.rows.delete(key);
    for (const name of bucketsOf(before)) {
      const bucket = this.#buckets.get(name);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#buckets.delete(name);
    }
    return before;
  }

  bucket(name: string): ReadonlyMap<string, Row> {
    return this.#buckets.get(name) ?? none;
  }
}
