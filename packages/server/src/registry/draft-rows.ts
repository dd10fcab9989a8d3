/**
 * The rows that a draft writes, by key, and by bucket once a bucket is asked for: few transactions look into one after they
 * have written, and entering a row costs more than deciding it.
 */

import type { KindTable } from './kind-table.ts';
import type { AnyRow } from './row.ts';

type Buckets = Map<string, Map<string, AnyRow>>;

export class DraftRows {
  readonly #kinds: KindTable;
  readonly #rows = new Map<string, AnyRow>();
  /** Undefined until they are asked for. */
  #buckets: Buckets | undefined;

  constructor(kinds: KindTable) {
    this.#kinds = kinds;
  }

  get byKey(): ReadonlyMap<string, AnyRow> {
    return this.#rows;
  }

  put(key: string, row: AnyRow): void {
    const before = this.#rows.get(key);
    this.#rows.set(key, row);
    if (this.#buckets === undefined) return;
    if (before !== undefined) this.#leave(this.#buckets, key, before);
    this.#enter(this.#buckets, key, row);
  }

  delete(key: string): void {
    const before = this.#rows.get(key);
    this.#rows.delete(key);
    if (before !== undefined && this.#buckets !== undefined) this.#leave(this.#buckets, key, before);
  }

  bucket(name: string): Iterable<AnyRow> {
    if (this.#rows.size === 0) return [];
    if (this.#buckets === undefined) {
      this.#buckets = new Map();
      for (const [key, row] of this.#rows) this.#enter(this.#buckets, key, row);
    }
    return this.#buckets.get(name)?.values() ?? [];
  }

  #enter(buckets: Buckets, key: string, row: AnyRow): void {
    for (const name of this.#kinds.bucketsOf(row)) {
      const bucket = buckets.get(name);
      if (bucket === undefined) buckets.set(name, new Map([[key, row]]));
      else bucket.set(key, row);
    }
  }

  #leave(buckets: Buckets, key: string, row: AnyRow): void {
    for (const name of this.#kinds.bucketsOf(row)) buckets.get(name)?.delete(key);
  }
}
