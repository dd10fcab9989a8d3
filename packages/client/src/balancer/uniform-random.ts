/**
 * Uniform random choice: every endpoint has the same chance, whatever its weight, load or latency.
 * The tail is that of balls into bins: with n endpoints and m requests at once the fullest has about
 * √(2·m/n·ln n) more than the mean (M. Raab, A. Steger, "Balls into Bins", RANDOM 1998).
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';

/** Every endpoint with the same chance. Weights are ignored. O(1). */
export function uniformRandom(): BalancerFactory {
  return (random) => new UniformRandom(random);
}

class UniformRandom implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const index =
      exclude.length === 0
        ? drawIndex(this.#random, endpoints.length)
        : drawAllowed(endpoints, exclude, -1, undefined, this.#random);
    return endpoints[index];
  }

  observe(): void {}

  /** Weights are ignored. */
  explain(): EndpointFigures {
    return { part: 1 };
  }
}
