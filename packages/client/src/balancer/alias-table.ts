/**
 * Alias table: draws an index with a chance in proportion to its weight in O(1), two random numbers
 * and no allocation. Built in O(n) as in M. D. Vose, "A linear algorithm for generating random
 * numbers with a given distribution", IEEE TSE 17(9), 1991.
 *
 * Each of the n columns holds 1/n of the chance, shared by at most two indices: the column's own,
 * up to `keep`, and its alias above that.
 */

import { bitsRange, drawIndex, type RandomSource } from './seeded-random.ts';

export class AliasTable {
  /** In units of the random source. */
  readonly #keep: Float64Array;
  readonly #alias: Uint32Array;

  /** @param weights 1 or more of them, each 0 or more, not all 0 */
  constructor(weights: Float64Array) {
    const count = weights.length;
    this.#keep = new Float64Array(count).fill(bitsRange);
    this.#alias = new Uint32Array(count);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
    const share = weights.map((weight) => weight / mean);
    const poor: number[] = [];
    const rich: number[] = [];
    share.forEach((value, index) => (value < 1 ? poor : rich).push(index));
    while (poor.length > 0 && rich.length > 0) {
      const needy = poor.pop() as number;
      const donor = rich.at(-1) as number;
      this.#keep[needy] = (share[needy] as number) * bitsRange;
      this.#alias[needy] = donor;
      const left = (share[donor] as number) - (1 - (share[needy] as number));
      share[donor] = left;
      if (left < 1) poor.push(rich.pop() as number);
    }
    // The rest is full except for rounding errors, and needs no alias.
  }

  draw(random: RandomSource): number {
    const column = drawIndex(random, this.#keep.length);
    return random.bits() < (this.#keep[column] as number) ? column : (this.#alias[column] as number);
  }
}
