/**
 * Response-time weighted: each endpoint is picked at a rate in proportion to its weight ÷ its mean
 * latency. By Little's law equal rates × latencies are equal numbers of requests in flight, so a
 * slow endpoint gets less and still enough to be noticed when it recovers. The idea of Netflix
 * Ribbon's WeightedResponseTimeRule, whose weights (sum of all latencies − own) hardly differ when
 * there are many endpoints; the inverse does not have that flaw. Picks are spaced by the scheduler
 * of `deadline-queue.ts`, so there is no table to rebuild every few seconds.
 *
 * An endpoint without history counts as the mean of the others. The balancer ignores load: an endpoint
 * that hangs gets its share until its requests end. `peak-ewma.ts` counts requests in flight.
 */

import { checkKnown, type OptionNames } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext } from './balancer.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { drawAllowed } from './draw.ts';
import { type LatencyOptions, MeanLatency } from './moving-averages.ts';
import { Places } from './places.ts';
import type { RandomSource } from './seeded-random.ts';
import { relativeWeights, requestShares } from './weights.ts';

const latencyOptions: OptionNames<LatencyOptions> = { decayMs: true, failureMs: true };

/**
 * Picks each endpoint in proportion to its weight ÷ its mean latency. O(log n); O(n) for a retry.
 * @throws RegistryError `invalid_argument` when an option is out of its range
 */
export function responseTimeWeighted(options: LatencyOptions = {}): BalancerFactory {
  checkKnown(options, latencyOptions, 'responseTimeWeighted');
  const latency = () => new MeanLatency(options);
  latency();
  return (random) => new ResponseTimeWeighted(random, latency());
}

class ResponseTimeWeighted implements Balancer {
  readonly #places = new Places();
  readonly #queue: DeadlineQueue;
  readonly #latency: MeanLatency;
  readonly #random: RandomSource;
  #weights = new Float64Array(0);

  constructor(random: RandomSource, latency: MeanLatency) {
    this.#queue = new DeadlineQueue(random);
    this.#latency = latency;
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = this.#places.replace(endpoints);
    this.#weights = relativeWeights(endpoints);
    this.#latency.update(before, requestShares(endpoints));
    const stranger = this.#meanOfAll();
    this.#queue.update(
      before,
      this.#weights.map((weight, index) => this.#latencyOf(index, stranger) / weight),
    );
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const { endpoints } = this.#places;
    if (exclude.length > 0) return endpoints[drawAllowed(endpoints, exclude, -1, this.#weights, this.#random)];
    return endpoints[this.#queue.next()];
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    const index = this.#places.indexOf(endpoint);
    if (index === undefined) return;
    const wasStranger = Number.isNaN(this.#latency.values[index]);
    this.#latency.observe(index, outcome);
    if (wasStranger) this.#rateAll();
    else this.#queue.periods[index] = (this.#latency.values[index] as number) / (this.#weights[index] as number);
  }

  explain(endpoint: Endpoint): EndpointFigures {
    const index = this.#places.indexOf(endpoint);
    if (index === undefined) return {};
    const part = (this.#weights[index] as number) / this.#latencyOf(index, this.#meanOfAll());
    const latencyMs = this.#latency.values[index] as number;
    return { part, latencyMs: Number.isNaN(latencyMs) ? undefined : latencyMs };
  }

  /** One more endpoint is known, so the unknown endpoints count as another mean; runs once per endpoint. */
  #rateAll(): void {
    const stranger = this.#meanOfAll();
    for (let index = 0; index < this.#weights.length; index++) {
      this.#queue.periods[index] = this.#latencyOf(index, stranger) / (this.#weights[index] as number);
    }
  }

  #latencyOf(index: number, stranger: number): number {
    const mean = this.#latency.values[index] as number;
    return Number.isNaN(mean) ? stranger : mean;
  }

  /** Mean of the known endpoints; 1 when none is known, since any equal number works. */
  #meanOfAll(): number {
    const known = this.#latency.values.filter((mean) => !Number.isNaN(mean));
    return known.length === 0 ? 1 : known.reduce((sum, mean) => sum + mean, 0) / known.length;
  }
}
