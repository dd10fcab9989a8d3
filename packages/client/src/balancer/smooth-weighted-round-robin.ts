/**
 * Smooth weighted round robin: exact shares with the picks of a heavy endpoint spread over the round
 * instead of in a row. The algorithm of nginx (src/http/ngx_http_upstream_round_robin.c): at each
 * pick every endpoint earns its weight, the one with the most is picked and pays the sum of all
 * weights. Weights 5:1:1 give A A B A C A A.
 *
 * The first credits are random, since clients that start together would otherwise all walk the list in
 * lockstep, the heaviest endpoint first; they spread over the sum of weights, as the credits of a long run do.
 * Load and latency are ignored. A retry is drawn at random by weight and earns and pays nothing: otherwise an
 * endpoint that takes over retries would get fewer first tries, and a failing endpoint more.
 *
 * A pick scans the list; `weighted-round-robin.ts` has the same shares in O(log n).
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { carried, Places } from './places.ts';
import { bitsRange, type RandomSource } from './seeded-random.ts';
import { relativeWeights } from './weights.ts';

/** Picks each endpoint in proportion to its weight, evenly spread over the round. O(n). */
export function smoothWeightedRoundRobin(): BalancerFactory {
  return (random) => new SmoothWeightedRoundRobin(random);
}

class SmoothWeightedRoundRobin implements Balancer {
  readonly #places = new Places();
  readonly #random: RandomSource;
  #weights = new Float64Array(0);
  /** Credit of each endpoint: earned and not yet paid. Only the differences matter. */
  #credits = new Float64Array(0);
  #weightSum = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = this.#places.replace(endpoints);
    const credits = carried(this.#credits, before, NaN);
    const kept = credits.filter((credit) => !Number.isNaN(credit));
    const mean = kept.length === 0 ? 0 : kept.reduce((sum, credit) => sum + credit, 0) / kept.length;
    this.#weights = relativeWeights(endpoints);
    const weightSum = this.#weights.reduce((sum, weight) => sum + weight, 0);
    // Credits are in units of the weights, so those that stay are rescaled with them.
    const scale = this.#weightSum === 0 ? 1 : weightSum / this.#weightSum;
    this.#credits = credits.map((credit) =>
      Number.isNaN(credit) ? (this.#random.bits() / bitsRange - 0.5) * weightSum : (credit - mean) * scale,
    );
    this.#weightSum = weightSum;
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const { endpoints } = this.#places;
    if (exclude.length > 0) return endpoints[drawAllowed(endpoints, exclude, -1, this.#weights, this.#random)];
    const weights = this.#weights;
    const credits = this.#credits;
    let richest = -1;
    let most = -Infinity;
    for (let index = 0; index < weights.length; index++) {
      const weight = weights[index] as number;
      if (weight === 0) continue;
      const credit = (credits[index] as number) + weight;
      credits[index] = credit;
      if (credit <= most) continue;
      most = credit;
      richest = index;
    }
    if (richest === -1) return undefined;
    credits[richest] = most - this.#weightSum;
    return endpoints[richest];
  }

  observe(): void {}
}
