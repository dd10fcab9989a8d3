/**
 * The rows of one owner as one member knows them. It merges what arrives in any order, any number of times; who owns
 * what, and which owners count, is decided in `row-set.ts`.
 *
 *     version   1 2 3 4 5 6 7 8 9
 *     rows      . a . b c † . d         c is removed (†), d arrived before the row of version 7
 *     known               6             everything up to here is known
 *     floor       2                     tombstones up to here were dropped
 */

import type { OwnerRows, Row, RowUpdate } from '../messages.ts';

/** Tombstones kept of one owner. */
export const tombstonesMax = 128;

/** Longest that a tombstone is kept, in milliseconds. */
export const tombstoneMs = 600_000;

interface KeptRow {
  readonly version: number;
  readonly value: string | undefined;
  /** When it became known here, on the clock of the caller. */
  readonly atMs: number;
}

export class OwnedRows {
  readonly generation: number;
  readonly #rows = new Map<string, KeptRow>();
  /** Versions above `known` + 1 that arrived already. */
  readonly #early = new Set<number>();
  #tombstones = 0;
  #known = 0;
  #floor = 0;

  constructor(generation: number) {
    this.generation = generation;
  }

  /** Every row up to this version is known. */
  get known(): number {
    return this.#known;
  }

  get size(): number {
    return this.#rows.size - this.#tombstones;
  }

  get(key: string): string | undefined {
    return this.#rows.get(key)?.value;
  }

  *entries(): IterableIterator<[key: string, value: string]> {
    for (const [key, { value }] of this.#rows) if (value !== undefined) yield [key, value];
  }

  /** @returns whether the row is news */
  take({ key, version, value }: Pick<RowUpdate, 'key' | 'version' | 'value'>, nowMs: number): boolean {
    if (version <= this.#known || this.#early.has(version)) return false;
    this.#early.add(version);
    this.#place(key, { version, value, atMs: nowMs });
    while (this.#early.delete(this.#known + 1)) this.#known++;
    return true;
  }

  /** Rows for a member that knows everything up to `since`. */
  after(owner: string, since: number): OwnerRows {
    const { generation } = this;
    const from = since < this.#floor ? 0 : since;
    const rows: Row[] = [];
    for (const [key, { version, value }] of this.#rows) if (version > from && version <= this.#known) rows.push({ key, version, value });
    rows.sort((a, b) => a.version - b.version);
    return { owner, generation, since: from, upTo: this.#known, floor: this.#floor, rows };
  }

  /** @returns the keys that changed */
  merge({ since, upTo, floor, rows }: OwnerRows, nowMs: number): string[] {
    if (upTo <= this.#known) return [];
    const changed: string[] = [];
    for (const row of rows) {
      if (row.version <= this.#known || this.#early.has(row.version)) continue;
      if (this.#place(row.key, { version: row.version, value: row.value, atMs: nowMs })) changed.push(row.key);
      // With a gap before it, the row is early; `known` stays.
      if (since > this.#known) this.#early.add(row.version);
    }
    if (since > this.#known) return changed;
    if (since === 0) {
      const sent = new Set(rows.map(({ key }) => key));
      for (const [key, { version }] of this.#rows) {
        if (version > upTo || sent.has(key)) continue;
        this.#drop(key);
        changed.push(key);
      }
      this.#floor = Math.max(this.#floor, floor);
    }
    this.#known = upTo;
    for (const version of this.#early) if (version <= upTo) this.#early.delete(version);
    while (this.#early.delete(this.#known + 1)) this.#known++;
    return changed;
  }

  /** Drops old tombstones. O(rows); cheap when there are none. */
  prune(nowMs: number): void {
    if (this.#tombstones === 0) return;
    const tombstones = Array.from(this.#rows).filter(([, { value, version }]) => value === undefined && version <= this.#known);
    tombstones.sort(([, a], [, b]) => a.version - b.version);
    const surplus = tombstones.length - tombstonesMax;
    tombstones.forEach(([key, { version, atMs }], index) => {
      if (index >= surplus && nowMs - atMs < tombstoneMs) return;
      this.#drop(key);
      this.#floor = Math.max(this.#floor, version);
    });
  }

  /** @returns false if a newer row of that key is known */
  #place(key: string, row: KeptRow): boolean {
    const former = this.#rows.get(key);
    if (former !== undefined && former.version > row.version) return false;
    this.#drop(key);
    this.#rows.set(key, row);
    if (row.value === undefined) this.#tombstones++;
    return true;
  }

  #drop(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    if (row.value === undefined) this.#tombstones--;
    this.#rows.delete(key);
  }
}
