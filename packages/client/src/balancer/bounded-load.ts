/**
 * Bounded loads around a balancer by key (V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with
 * Bounded Loads", SODA 2018): the balancer never picks an endpoint that would then have more than c times the
 * mean of requests in flight. The keys of a full endpoint go to the next in their order and return when it has
 * room. So a hot key or a slow endpoint gets no more than its bound.
 *
 * The mean is this client's: its own requests in flight over the endpoints of the list.
 */

import { checkKnown, type OptionNames } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import { boundOf, checkFactor } from '../hashing/bounded-loads.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext } from './balancer.ts';
import type { EndpointFilter, HashBalancer, HashBalancerFactory } from './hash-balancer.ts';
import { maglev } from './hash-maglev.ts';

export interface BoundedLoadOptions {
  /** c: most requests in flight as a multiple of the mean; from 1 to 1,000. 1.25 by default. */
  readonly factor?: number;
}

const boundedLoadOptions: OptionNames<BoundedLoadOptions> = { factor: true };

/**
 * `over`, as long as the endpoint of the key has room: at most ⌈c · mean⌉ requests in flight, this one
 * included, in proportion to weights. When this request has tried every endpoint with room, one of the full
 * ones is picked. O(1) while the endpoint is idle, else O(endpoints) to add up the requests in flight.
 * @param over how keys are placed; `maglev()` by default
 * @throws RegistryError `invalid_argument` when `factor` is out of its range
 */
export function boundedLoad(
  over: HashBalancerFactory = maglev(),
  options: BoundedLoadOptions = {},
): BalancerFactory {
  const { factor = 1.25 } = options;
  checkKnown(options, boundedLoadOptions, 'boundedLoad');
  checkFactor(factor);
  return (random) => new BoundedLoad(over(random), factor);
}

class BoundedLoad implements Balancer, EndpointFilter {
  readonly #over: HashBalancer;
  readonly #factor: number;
  #endpoints: readonly Endpoint[] = [];
  #weightSum = 0;
  /** All weights are 0, which counts as 1 for each. */
  #equal = false;
  /** Requests in flight, including the one of this pick. */
  #total = 0;

  constructor(over: HashBalancer, factor: number) {
    this.#over = over;
    this.#factor = factor;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
    const weightSum = endpoints.reduce((sum, { instance }) => sum + instance.weight, 0);
    this.#equal = weightSum === 0;
    this.#weightSum = this.#equal ? endpoints.length : weightSum;
    this.#over.update(endpoints);
  }

  pick(context: PickContext): Endpoint | undefined {
    const own = this.#over.pick(context);
    // Every bound is 1 or more.
    if (own === undefined || own.inFlight === 0) return own;
    let total = 1;
    for (const { inFlight } of this.#endpoints) total += inFlight;
    this.#total = total;
    return this.accepts(own) ? own : (this.#over.pickAmong(context, this) ?? own);
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#over.observe(endpoint, outcome);
  }

  /** The endpoint of a key while that endpoint has room. */
  explain(endpoint: Endpoint, now: number, key?: string): EndpointFigures {
    return this.#over.explain?.(endpoint, now, key) ?? {};
  }

  /** Tells whether the endpoint has room for one more, as of the pick under way. */
  accepts(endpoint: Endpoint): boolean {
    const weight = this.#equal ? 1 : endpoint.instance.weight;
    return endpoint.inFlight < boundOf(this.#factor, this.#total, weight, this.#weightSum);
  }
}
