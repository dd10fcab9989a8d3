/**
 * A map by key for millions of entries. JavaScript's own `Map` grows by copying all entries into a table twice as large: at
 * 1,048,576 entries this holds the event loop for 200 ms. Here the keys are spread over many maps, of which one grows at a time.
 *
 *   key ─ hash of its last characters ─► one of 64 maps
 *
 * The order of an iteration follows from the keys and the order of insertion. As with `Map`, entries that are deleted before
 * an iteration reaches them are left out. A `Map` is better for a few entries.
 */

const mapsBits = 6;

/** Ids that programs count up, or draw at random, differ in their last characters. */
const hashedLength = 16;

export class KeyMap<V> {
  /** Each is made with its first key. */
  readonly #maps: (Map<string, V> | undefined)[] = Array.from<undefined>({ length: 1 << mapsBits });

  /** Adds up 64 numbers. */
  get size(): number {
    return this.#maps.reduce((sum, map) => sum + (map?.size ?? 0), 0);
  }

  get(key: string): V | undefined {
    return this.#maps[indexOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#maps[indexOf(key)]?.has(key) === true;
  }

  set(key: string, value: V): this {
    this.mapOf(key).set(key, value);
    return this;
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    return this.#maps[indexOf(key)]?.delete(key) === true;
  }

  /** The map that has the key, or is to have it: for a caller that looks a key up and then writes it. */
  mapOf(key: string): Map<string, V> {
    return (this.#maps[indexOf(key)] ??= new Map());
  }

  *values(): Generator<V, void, undefined> {
    // Not `yield*`, which takes three times as long.
    for (const map of this.#maps) if (map !== undefined) for (const value of map.values()) yield value;
  }

  /** The maps in the order of an iteration, for a generator of the caller's own: a generator within another doubles the time of an entry. */
  *maps(): Generator<ReadonlyMap<string, V>, void, undefined> {
    for (const map of this.#maps) if (map !== undefined) yield map;
  }

  *[Symbol.iterator](): Generator<[string, V], void, undefined> {
    for (const map of this.#maps) if (map !== undefined) for (const entry of map) yield entry;
  }
}

/** FNV-1a (Fowler, Noll, Vo), of which the high bits are used: the low ones of short texts are uneven. */
function indexOf(key: string): number {
  let hash = 0x811c_9dc5;
  for (let at = Math.max(0, key.length - hashedLength); at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x0100_0193);
  return hash >>> (32 - mapsBits);
}
