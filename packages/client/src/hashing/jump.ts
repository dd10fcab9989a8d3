/**
 * Jump consistent hash (J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm",
 * arXiv:1406.2294, 2014): buckets are numbered from 0, no memory is used, shares are as equal as chance
 * allows, and growing by one bucket moves keys to the new bucket only. Only the last bucket can go: for
 * numbered shards, not for instances that come and go (see `memento.ts` for those).
 *
 * The paper's random generator is a product modulo 2⁶⁴. It is computed here in two words of 32 bits,
 * since BigInt allocates; results are those of the paper's code, bit for bit.
 */

import { mix32, RegistryError } from '@rollcall/protocol';
import type { HashTable, NodeFilter } from './hash-table.ts';

/** 2,862,933,555,777,941,757, the paper's multiplier, in two words, and the lower one in halves. */
const upper = 0x27bb2ee6;
const lower = 0x87b0b0fd;
const lowerHigh = 0x87b0;
const lowerLow = 0xb0fd;

/**
 * The bucket of a key. O(ln buckets).
 * @param low lower 32 bits of the paper's 64-bit key, signed or not; a hash, not a counter
 * @param buckets a whole number from 1 to 2³¹ − 1; not checked
 * @param high upper 32 bits of the key; 0 for a hash of 32 bits
 * @returns 0 to `buckets` − 1
 */
export function jumpHash(low: number, buckets: number, high = 0): number {
  let bucket = 0;
  let next = 0;
  let l = low | 0;
  let h = high | 0;
  while (next < buckets) {
    // Below 2³¹, so the integer part is that of the paper's conversion.
    bucket = next | 0;
    const product = Math.imul(l, lower);
    h = (upperWord(l) + Math.imul(l, upper) + Math.imul(h, lower) + (product === -1 ? 1 : 0)) | 0;
    l = (product + 1) | 0;
    next = (bucket + 1) * (2 ** 31 / ((h >>> 1) + 1));
  }
  return bucket;
}

/** The upper 32 bits of `word` · `lower`, both unsigned, by halves of 16 bits: no sum reaches 2³². */
function upperWord(word: number): number {
  const low = word & 0xffff;
  const high = word >>> 16;
  const first = (Math.imul(high, lowerLow) >>> 0) + (Math.imul(low, lowerLow) >>> 16);
  const second = (Math.imul(low, lowerHigh) >>> 0) + (first & 0xffff);
  return (Math.imul(high, lowerHigh) + (first >>> 16) + (second >>> 16)) | 0;
}

/** Number of buckets that `lookupAmong` tries in the key's order before it takes any accepted bucket. */
const drawsMax = 64;
const goldenRatio = 0x9e3779b9 | 0;

/** A table of numbered buckets; each belongs to the node that the caller names. */
export interface BucketTable extends HashTable {
  /** Tells whether a lookup can give the bucket. */
  has(bucket: number): boolean;
}

/** Numbered buckets, of which only the last can be added or removed. */
export class JumpTable implements BucketTable {
  #size: number;

  /**
   * @param buckets a whole number from 0 to 2³¹ − 1
   * @throws RegistryError `invalid_argument` when it is not
   */
  constructor(buckets: number) {
    checkBuckets(buckets);
    this.#size = buckets;
  }

  get size(): number {
    return this.#size;
  }

  has(bucket: number): boolean {
    return Number.isInteger(bucket) && bucket >= 0 && bucket < this.#size;
  }

  /**
   * @returns the new bucket, the last one
   * @throws RegistryError `invalid_argument` beyond 2³¹ − 1 buckets
   */
  add(): number {
    checkBuckets(this.#size + 1);
    return this.#size++;
  }

  /**
   * Removes the last bucket.
   * @returns the bucket that is gone
   * @throws RegistryError `failed_precondition` when there is none
   */
  remove(): number {
    if (this.#size === 0) throw new RegistryError('failed_precondition', 'the table has no bucket to remove');
    return --this.#size;
  }

  lookup(hash: number): number {
    return this.#size === 0 ? -1 : jumpHash(hash, this.#size);
  }

  /** The order of a hash: the buckets of its repeated rehashes. */
  lookupAmong(hash: number, filter: NodeFilter): number {
    return drawAmong(this, hash, this.#size, filter);
  }
}

/** @throws RegistryError `invalid_argument` */
export function checkBuckets(buckets: number): void {
  if (Number.isInteger(buckets) && buckets >= 0 && buckets < 2 ** 31) return;
  throw new RegistryError('invalid_argument', `buckets is ${buckets}; it must be a whole number from 0 to ${2 ** 31 - 1}`);
}

/**
 * `lookupAmong` for tables without a natural order: looks up the hash, then repeated rehashes of it.
 * @param buckets all buckets of the table are below this
 */
export function drawAmong(table: BucketTable, hash: number, buckets: number, filter: NodeFilter): number {
  if (table.size === 0) return -1;
  let drawn = hash;
  for (let draw = 0; draw < drawsMax; draw++) {
    const bucket = table.lookup(drawn);
    if (filter.accepts(bucket)) return bucket;
    drawn = mix32(drawn + goldenRatio);
  }
  const start = (hash >>> 0) % buckets;
  for (let step = 0; step < buckets; step++) {
    const bucket = (start + step) % buckets;
    if (table.has(bucket) && filter.accepts(bucket)) return bucket;
  }
  return -1;
}
