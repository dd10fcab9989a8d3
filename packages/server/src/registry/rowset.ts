/**
 * The rows of a state by key, with their buckets.
 *
 *   places    key → place of a row
 *   buckets   bucket → the place, when it has one row      most buckets: the checks of an instance
 *             bucket → key → place, when it has more
 *
 * Map and buckets share the place, so that a row which stays in its buckets is replaced by one assignment. Put, delete and
 * lookup are O(1).
 */

import { KeyMap } from '../key-map.ts';
import type { KindTable } from './kind-table.ts';
import type { AnyRow } from './row.ts';

interface Place<R> {
  readonly key: string;
  row: R;
}

type Places<R> = Map<string, Place<R>> | KeyMap<Place<R>>;

export class Rowset<R extends AnyRow = AnyRow> {
  readonly #kinds: KindTable<R>;
  readonly #places = new KeyMap<Place<R>>();
  readonly #buckets = new KeyMap<Place<R> | Places<R>>();

  constructor(kinds: KindTable<R>) {
    this.#kinds = kinds;
  }

  get size(): number {
    return this.#places.size;
  }

  get(key: string): R | undefined {
    return this.#places.get(key)?.row;
  }

  /** All rows with their keys, in no particular order. */
  *[Symbol.iterator](): Generator<[string, R], void, undefined> {
    for (const places of this.#places.maps()) for (const { key, row } of places.values()) yield [key, row];
  }

  /** Returns the former row. */
  put(key: string, row: R): R | undefined {
    const places = this.#places.mapOf(key);
    const place = places.get(key);
    if (place === undefined) {
      const made = { key, row };
      places.set(key, made);
      for (const name of this.#kinds.bucketsOf(row)) this.#enter(name, made);
      return undefined;
    }
    const before = place.row;
    place.row = row;
    // Most writes leave a row in its buckets.
    if (this.#kinds.keepsItsBuckets(before, row)) return before;
    const names = this.#kinds.bucketsOf(row);
    for (const name of this.#kinds.bucketsOf(before)) if (!names.includes(name)) this.#leave(name, key);
    for (const name of names) this.#enter(name, place);
    return before;
  }

  delete(key: string): R | undefined {
    const before = this.#places.get(key)?.row;
    if (before === undefined) return undefined;
    this.#places.delete(key);
    for (const name of this.#kinds.bucketsOf(before)) this.#leave(name, key);
    return before;
  }

  bucket(name: string): Iterable<R> {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return [];
    return isSet(bucket) ? rowsOf(bucket) : [bucket.row];
  }

  /** The rows of a bucket with their keys. */
  *entries(name: string): Generator<[string, R], void, undefined> {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return;
    for (const { key, row } of isSet(bucket) ? bucket.values() : [bucket]) yield [key, row];
  }

  bucketSize(name: string): number {
    const bucket = this.#buckets.get(name);
    return bucket === undefined ? 0 : isSet(bucket) ? bucket.size : 1;
  }

  #enter(name: string, place: Place<R>): void {
    const buckets = this.#buckets.mapOf(name);
    const bucket = buckets.get(name);
    if (bucket === undefined) buckets.set(name, place);
    else if (isSet(bucket)) bucket.set(place.key, place);
    else if (bucket !== place) buckets.set(name, placesFor<R>(name).set(bucket.key, bucket).set(place.key, place));
  }

  #leave(name: string, key: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket !== undefined && isSet(bucket)) {
      bucket.delete(key);
      if (bucket.size > 0) return;
    }
    this.#buckets.delete(name);
  }
}

function isSet<R>(bucket: Place<R> | Places<R>): bucket is Places<R> {
  return !('row' in bucket);
}

/** A bucket that belongs to no single service, node or session may have millions of rows. */
function placesFor<R>(name: string): Places<R> {
  const isWide = name.indexOf('\0', name.indexOf('\0') + 1) < 0;
  return isWide ? new KeyMap() : new Map();
}

function* rowsOf<R>(places: Places<R>): Generator<R, void, undefined> {
  for (const { row } of places.values()) yield row;
}
