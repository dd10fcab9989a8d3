/**
 * Round robin: each endpoint in turn, whatever its weight, load or latency. It starts at a random
 * place, since clients that start together would otherwise walk the list in lockstep
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers).
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, PickContext } from './balancer.ts';
import type { RandomSource } from './seeded-random.ts';

/** Each endpoint in turn, from a random start. Weights are ignored. O(1). */
export function roundRobin(): BalancerFactory {
  return (random) => new RoundRobin(random);
}

class RoundRobin implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  /** Any number; the position is this number modulo the length of the list. */
  #next: number;

  constructor(random: RandomSource) {
    this.#next = random.bits();
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const count = this.#endpoints.length;
    for (let tries = 0; tries < count; tries++) {
      this.#next = (this.#next + 1) % count;
      const endpoint = this.#endpoints[this.#next];
      if (endpoint !== undefined && !exclude.includes(endpoint)) return endpoint;
    }
    return undefined;
  }

  observe(): void {}

  /** Weights are ignored. */
  explain(): EndpointFigures {
    return { part: 1 };
  }
}
