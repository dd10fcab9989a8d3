/**
 * Weighted random choice: every endpoint with a chance in proportion to its weight, whatever its
 * load or latency; two random numbers by the alias table of M. D. Vose (see `alias-table.ts`).
 * Clients need not know of each other for the sum of their picks to follow the weights; the tail is
 * that of `uniform-random.ts`.
 */

import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, BalancerFactory, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';
import { unequalWeights } from './weights.ts';

/** Picks each endpoint with a chance in proportion to its weight. O(1); O(n) for a retry. */
export function weightedRandom(): BalancerFactory {
  return (random) => new WeightedRandom(random);
}

class WeightedRandom implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  /** Undefined while all weights are equal; then the table is undefined, too. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
    this.#weights = unequalWeights(endpoints);
    this.#table = this.#weights && new AliasTable(this.#weights);
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const endpoints = this.#endpoints;
    if (exclude.length > 0) return endpoints[drawAllowed(endpoints, exclude, -1, this.#weights, this.#random)];
    return endpoints[this.#table?.draw(this.#random) ?? drawIndex(this.#random, endpoints.length)];
  }

  observe(): void {}
}
