/**
 * Pick first: one endpoint gets all requests until it leaves the list or cannot be reached; then the next one
 * gets them all. The policy of gRFC A62 (https://github.com/grpc/proposal/blob/master/A62-pick-first.md), its
 * shuffling included; here the transport makes the connection attempts, not the policy.
 *
 * It spreads no load. Use it for a primary with standbys, in the order of the list, or, shuffled, for callers
 * that should stay at one endpoint because of a cache or session there.
 */

import { checkKnown, type OptionNames } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext } from './balancer.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';

export interface PickFirstOptions {
  /**
   * Begin anywhere in the list instead of at its head, so that many clients do not all choose the
   * same endpoint. False by default, as in gRPC.
   */
  readonly shuffle?: boolean;
}

const pickFirstOptions: OptionNames<PickFirstOptions> = { shuffle: true };

/** The same endpoint as long as it is there. Weights and load are ignored. O(1); O(n) for a retry. */
export function pickFirst(options: PickFirstOptions = {}): BalancerFactory {
  const { shuffle = false } = options;
  checkKnown(options, pickFirstOptions, 'pickFirst');
  return (random) => new PickFirst(random, shuffle);
}

class PickFirst implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  /** Where the endpoint in use is in the list. */
  #current = 0;
  readonly #random: RandomSource;
  readonly #shuffle: boolean;

  constructor(random: RandomSource, shuffle: boolean) {
    this.#random = random;
    this.#shuffle = shuffle;
  }

  update(endpoints: readonly Endpoint[]): void {
    const current = this.#endpoints[this.#current];
    this.#endpoints = [...endpoints];
    const kept = current === undefined ? -1 : endpoints.indexOf(current);
    if (kept !== -1) this.#current = kept;
    else this.#current = this.#shuffle ? drawIndex(this.#random, endpoints.length) : 0;
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const endpoints = this.#endpoints;
    if (exclude.length === 0) return endpoints[this.#current];
    // A retry does not move the other requests.
    for (let step = 0; step < endpoints.length; step++) {
      const endpoint = endpoints[(this.#current + step) % endpoints.length] as Endpoint;
      if (!exclude.includes(endpoint)) return endpoint;
    }
    return undefined;
  }

  explain(endpoint: Endpoint): EndpointFigures {
    return { part: endpoint === this.#endpoints[this.#current] ? 1 : 0 };
  }

  observe(endpoint: Endpoint, { result }: Outcome): void {
    if ((result !== 'unreachable' && result !== 'broken') || endpoint !== this.#endpoints[this.#current]) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
  }
}
