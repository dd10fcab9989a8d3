/**
 * Rendezvous hashing, or highest random weight (D. G. Thaler, C. V. Ravishankar, "Using Name-Based
 * Mappings to Increase Hit Rates", IEEE/ACM ToN 6(1), 1998): every node scores every key by a hash of
 * both, and the highest score has the key. A node that leaves gives up its own keys only, and the
 * second best of a key is as well defined as the best. A lookup scores all nodes: for a few dozen.
 *
 * With weights the score is −w / ln u, u being the hash as a number between 0 and 1: shares are exactly
 * in proportion, and a changed weight moves keys from or to its node only (J. Resch, "New Hashing
 * Algorithms for Data Storage", SNIA Storage Developer Conference 2015).
 */

import { hash32, mix32 } from '@rollcall/protocol';
import { type HashNodes, type HashTable, inNameOrder, type NodeFilter } from './hash-table.ts';

export class Rendezvous implements HashTable {
  readonly size: number;
  /** All three arrays are in the order of the names. */
  readonly #order: Uint32Array;
  readonly #seeds: Int32Array;
  /** 1 ÷ weight; undefined while all weights are equal, when the highest hash has the highest score. */
  readonly #costs: Float64Array | undefined;

  /**
   * O(nodes · log nodes).
   * @throws RegistryError `invalid_argument` for names that occur twice or a weight that is not above 0
   */
  constructor(nodes: HashNodes) {
    const named = inNameOrder(nodes);
    this.size = named.length;
    this.#order = Uint32Array.from(named, ({ index }) => index);
    this.#seeds = Int32Array.from(named, ({ name }) => hash32(name));
    const skewed = named.some(({ weight }) => weight !== named[0]?.weight);
    this.#costs = skewed ? Float64Array.from(named, ({ weight }) => 1 / weight) : undefined;
  }

  /** O(nodes). */
  lookup(hash: number): number {
    return this.#best(hash, undefined);
  }

  lookupAmong(hash: number, filter: NodeFilter): number {
    return this.#best(hash, filter);
  }

  #best(hash: number, filter: NodeFilter | undefined): number {
    return this.#costs === undefined ? this.#bestOfEqual(hash, filter) : this.#bestOfWeighted(hash, this.#costs, filter);
  }

  #bestOfEqual(hash: number, filter: NodeFilter | undefined): number {
    const seeds = this.#seeds;
    const order = this.#order;
    let best = -1;
    let highest = 0;
    for (let rank = 0; rank < seeds.length; rank++) {
      const score = mix32(hash ^ (seeds[rank] as number));
      if (best !== -1 && score <= highest) continue;
      if (filter !== undefined && !filter.accepts(order[rank] as number)) continue;
      best = order[rank] as number;
      highest = score;
    }
    return best;
  }

  /** The least −ln u / w, which is the highest −w / ln u. */
  #bestOfWeighted(hash: number, costs: Float64Array, filter: NodeFilter | undefined): number {
    const seeds = this.#seeds;
    const order = this.#order;
    let best = -1;
    let least = Infinity;
    for (let rank = 0; rank < seeds.length; rank++) {
      // Compared as signed for equal weights, so the same node wins here: 2³¹ turns the order into that of u.
      const u = (mix32(hash ^ (seeds[rank] as number)) + 2 ** 31 + 0.5) / 2 ** 32;
      const cost = costs[rank] as number;
      // 1 − u is at most −ln u: few nodes need the logarithm.
      if ((1 - u) * cost >= least) continue;
      const score = -Math.log(u) * cost;
      if (score >= least) continue;
      if (filter !== undefined && !filter.accepts(order[rank] as number)) continue;
      best = order[rank] as number;
      least = score;
    }
    return best;
  }
}
