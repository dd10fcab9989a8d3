/**
 * Rows by key with their buckets: the store behind `State` and behind the overlay of a `Draft`.
 *
 *   rows      key → row
 *   buckets   bucket → the row, when it has one      most buckets: the checks of an instance
 *             bucket → key → row, when it has more
 *
 * Put, delete and lookup are O(1). The buckets of a draft are made at the first look-up: few transactions look one up after
 * they have written, and entering a row costs more than deciding it.
 */

import type { KindTable } from './kind-table.ts';
import type { AnyRow } from './row.ts';

type Buckets<R> = Map<string, Single<R> | Map<string, R>>;

interface Single<R> {
  readonly key: string;
  readonly row: R;
}

export class Rowset<R extends AnyRow = AnyRow> {
  readonly rows = new Map<string, R>();
  readonly #kinds: KindTable<R>;
  /** Undefined until the first look-up. */
  #buckets: Buckets<R> | undefined;

  /** @param lazy whether the buckets are made at the first look-up, from all rows at once */
  constructor(kinds: KindTable<R>, { lazy = false } = {}) {
    this.#kinds = kinds;
    if (!lazy) this.#buckets = new Map();
  }

  /** Returns the former row. */
  put(key: string, row: R): R | undefined {
    const before = this.rows.get(key);
    this.rows.set(key, row);
    const buckets = this.#buckets;
    if (buckets === undefined) return before;
    const names = this.#kinds.bucketsOf(row);
    // Most writes leave a row in the buckets where it is, and the rows in their order.
    if (before !== undefined && !this.#kinds.keepsItsBuckets(before, row)) {
      for (const name of this.#kinds.bucketsOf(before)) if (!names.includes(name)) leave(buckets, name, key);
    }
    for (const name of names) enter(buckets, name, key, row);
    return before;
  }

  delete(key: string): R | undefined {
    const before = this.rows.get(key);
    if (before === undefined) return undefined;
    this.rows.delete(key);
    const buckets = this.#buckets;
    if (buckets !== undefined) for (const name of this.#kinds.bucketsOf(before)) leave(buckets, name, key);
    return before;
  }

  bucket(name: string): Iterable<R> {
    if (this.rows.size === 0) return [];
    const bucket = this.#made().get(name);
    if (bucket === undefined) return [];
    return bucket instanceof Map ? bucket.values() : [bucket.row];
  }

  bucketSize(name: string): number {
    const bucket = this.#made().get(name);
    return bucket === undefined ? 0 : bucket instanceof Map ? bucket.size : 1;
  }

  #made(): Buckets<R> {
    if (this.#buckets !== undefined) return this.#buckets;
    const buckets: Buckets<R> = new Map();
    for (const [key, row] of this.rows) for (const name of this.#kinds.bucketsOf(row)) enter(buckets, name, key, row);
    this.#buckets = buckets;
    return buckets;
  }
}

function enter<R>(buckets: Buckets<R>, name: string, key: string, row: R): void {
  const bucket = buckets.get(name);
  if (bucket instanceof Map) bucket.set(key, row);
  else if (bucket === undefined || bucket.key === key) buckets.set(name, { key, row });
  else buckets.set(name, new Map([[bucket.key, bucket.row]]).set(key, row));
}

function leave<R>(buckets: Buckets<R>, name: string, key: string): void {
  const bucket = buckets.get(name);
  if (bucket instanceof Map) {
    bucket.delete(key);
    if (bucket.size > 0) return;
  }
  buckets.delete(name);
}
