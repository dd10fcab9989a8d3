/**
 * Weighted round robin by earliest deadline first (see `deadline-queue.ts`): an endpoint is due every
 * 1/weight. Exact shares, each endpoint's picks evenly spaced, and a thousand endpoints cost little
 * more than ten. Load and latency are ignored. Weight 0 is never due; in @grpc/grpc-js its period is
 * taken for the mean weight instead of 1 ÷ the mean weight, which starves or floods it
 * (packages/grpc-js/src/load-balancer-weighted-round-robin.ts).
 *
 * A retry is drawn at random by weight and is not charged to the endpoint: otherwise an endpoint that takes
 * over retries would get fewer first tries, and a failing endpoint more.
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, PickContext } from './balancer.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { drawAllowed } from './draw.ts';
import { Places } from './places.ts';
import type { RandomSource } from './seeded-random.ts';
import { relativeWeights } from './weights.ts';

/** Each endpoint as often as its weight says, from a random start. O(log n); O(n) for a retry. */
export function weightedRoundRobin(): BalancerFactory {
  return (random) => new WeightedRoundRobin(random);
}

class WeightedRoundRobin implements Balancer {
  readonly #places = new Places();
  readonly #queue: DeadlineQueue;
  readonly #random: RandomSource;
  #weights = new Float64Array(0);

  constructor(random: RandomSource) {
    this.#queue = new DeadlineQueue(random);
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = this.#places.replace(endpoints);
    this.#weights = relativeWeights(endpoints);
    this.#queue.update(before, this.#weights.map((weight) => 1 / weight));
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const { endpoints } = this.#places;
    if (exclude.length > 0) return endpoints[drawAllowed(endpoints, exclude, -1, this.#weights, this.#random)];
    return endpoints[this.#queue.next()];
  }

  observe(): void {}
}
