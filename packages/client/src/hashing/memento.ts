/**
 * MementoHash (M. Coluzzi, A. Brocco, A. Antonucci, T. Leidi, "MementoHash: A Stateful, Minimal Memory,
 * Best Performing Consistent Hash Algorithm", IEEE/ACM ToN 2024, arXiv:2306.09783): jump hash from which
 * any bucket can be removed. It remembers the removed ones and, for each, how many were working after
 * it went; a key that jumps to a removed bucket draws again among that many, as if they were 0, 1, 2 …
 *
 *     places        0   1   2   3   4   5
 *     at first      0   1   2   3   4   5
 *     2 goes        0   1   5   3   4           2 → 5 left, so the last place's bucket stands in for it
 *     4 goes        0   1   5   3               4 → 4 left
 *     0 goes        3   1   5                   0 → 3 left
 *
 * Shares are as equal as chance allows, and a removal moves the keys of that bucket only. Where keys go
 * depends on the order of removals: two tables agree when they saw the same ones in the same order.
 *
 * The paper keeps a hash map of the removed buckets, so memory is in proportion to them; here it is an
 * array of all, 4 bytes each, since a lookup then reads one word.
 */

import { mix32, RegistryError } from '@rollcall/protocol';
import type { NodeFilter } from './hash-table.ts';
import { type BucketTable, checkBuckets, drawAmong, jumpHash } from './jump.ts';

const working = -1;
/** Each takes 4 bytes, so at most 64 MB. */
const bucketsMax = 2 ** 24;

export class Memento implements BucketTable {
  /** For each bucket `working`, or how many buckets were working after its removal. */
  #replacements: Int32Array;
  /** Buckets below this have been in use: the b-array of the paper. */
  #buckets: number;
  /** Removed buckets, the latest last. */
  readonly #removed: number[] = [];

  /**
   * @param buckets working ones at first, 0 to `buckets` − 1; a whole number from 0 to 16,777,216
   * @throws RegistryError `invalid_argument` when it is not
   */
  constructor(buckets: number) {
    checkBuckets(buckets);
    checkRoom(buckets);
    this.#buckets = buckets;
    this.#replacements = new Int32Array(Math.max(16, buckets)).fill(working);
  }

  /** Working buckets. */
  get size(): number {
    return this.#buckets - this.#removed.length;
  }

  /** Tells whether a bucket is working. */
  has(bucket: number): boolean {
    return bucket < this.#buckets && this.#replacements[bucket] === working;
  }

  /**
   * Puts the bucket back that was removed last, or adds one at the end when none is removed. Keys move
   * to it only.
   * @returns that bucket
   * @throws RegistryError `invalid_argument` beyond 16,777,216 buckets
   */
  add(): number {
    const restored = this.#removed.pop();
    if (restored !== undefined) {
      this.#replacements[restored] = working;
      return restored;
    }
    checkRoom(this.#buckets + 1);
    if (this.#buckets === this.#replacements.length) {
      const longer = new Int32Array(2 * this.#buckets).fill(working);
      longer.set(this.#replacements);
      this.#replacements = longer;
    }
    return this.#buckets++;
  }

  /**
   * Removes a bucket; only its keys move.
   * @throws RegistryError `invalid_argument` when it is not working
   */
  remove(bucket: number): void {
    if (!this.has(bucket)) {
      throw new RegistryError('invalid_argument', `bucket ${bucket} is not one of the ${this.size} working ones`);
    }
    if (this.#removed.length === 0 && bucket === this.#buckets - 1) {
      this.#buckets -= 1;
      return;
    }
    this.#removed.push(bucket);
    this.#replacements[bucket] = this.size;
  }

  /**
   * The working bucket for a hash. O(ln buckets) while none is removed, and about the square of
   * ln(buckets ÷ working) draws more otherwise.
   */
  lookup(hash: number): number {
    if (this.#buckets === this.#removed.length) return -1;
    const replacements = this.#replacements;
    let bucket = jumpHash(hash, this.#buckets);
    let range = replacements[bucket] as number;
    while (range !== working) {
      bucket = (mix32(hash ^ mix32(bucket)) >>> 0) % range;
      // The bucket at this place when `range` buckets were working: it had replaced those removed before.
      let replacement = replacements[bucket] as number;
      while (replacement >= range) {
        bucket = replacement;
        replacement = replacements[bucket] as number;
      }
      range = replacement;
    }
    return bucket;
  }

  /** The order of a hash: the buckets of its repeated rehashes. */
  lookupAmong(hash: number, filter: NodeFilter): number {
    return drawAmong(this, hash, this.#buckets, filter);
  }
}

function checkRoom(buckets: number): void {
  if (buckets <= bucketsMax) return;
  const message = `${buckets} buckets exceed the limit of ${bucketsMax}; use jump hash for numbered shards`;
  throw new RegistryError('invalid_argument', message);
}
