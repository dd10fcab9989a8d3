/**
 * Peak EWMA: of two random endpoints the one with the lower latency × (requests in flight + 1), where latency
 * is an exponentially weighted moving average over time that a higher sample resets upwards at once. It leaves
 * an endpoint that became slow quickly and returns to it slowly. The algorithm of Finagle (twitter/finagle,
 * loadbalancer/PeakEwma.scala), with these readings:
 *
 * - The average decays when it is read, too, so that an endpoint avoided for long is tried again.
 * - An endpoint without history is tried by one request at a time: unless it is idle, it costs more
 *   than any endpoint with a history.
 * - A failure is charged as a long latency. By its latency alone, an endpoint that fails at once would look
 *   best and get most of the traffic.
 * - A cancelled request proves only that the endpoint took at least that long.
 * - With unequal weights, the more requests an endpoint gets, the higher the peak of their latencies. So two
 *   endpoints are compared by the mean of their latest samples, and a peak makes the balancer leave an endpoint
 *   only when the peak costs much more (`two-choices.ts`). Time passes for each in proportion to its weight, as
 *   do its requests.
 */

import { checkKnown, type OptionNames } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import type { BalancerFactory, EndpointFigures, Outcome } from './balancer.ts';
import type { RandomSource } from './seeded-random.ts';
import { TwoChoices } from './two-choices.ts';
import { requestShares } from './weights.ts';

export interface PeakEwmaOptions {
  /** Time constant τ of the average, in milliseconds; more than 0. 10,000 by default, as in Finagle. */
  readonly decayMs?: number;
  /**
   * Least latency charged for a failure, in milliseconds, 0 or more. 1,000 by default. Choose the
   * time-out of your requests, which is more than they normally take; then a failing endpoint never costs least.
   * A larger value also keeps an endpoint with rare errors away for longer.
   */
  readonly failureMs?: number;
}

const peakEwmaOptions: OptionNames<PeakEwmaOptions> = { decayMs: true, failureMs: true };

/** Of two random endpoints, the one with the lower peak-sensitive latency × load. O(1). */
export function peakEwma(options: PeakEwmaOptions = {}): BalancerFactory {
  const { decayMs = 10_000, failureMs = 1000 } = options;
  checkKnown(options, peakEwmaOptions, 'peakEwma');
  return (random) => new PeakEwma(random, decayMs, failureMs);
}

/** In milliseconds, higher than any latency; small enough to add requests in flight to it. */
const unknownCost = 2 ** 47;

/** Few enough to react soon, many enough for a steady mean. */
const samplesOfMean = 16;

class PeakEwma extends TwoChoices {
  readonly #decayMs: number;
  readonly #failureMs: number;
  /** Where each endpoint is in the list. */
  #indices = new Map<Endpoint, number>();
  /** Average latency in milliseconds as of `#stamps`, by index; 0 when nothing is known. */
  #averages = new Float64Array(0);
  #stamps = new Float64Array(0);
  /** Plain mean of the latest samples, by index; 0 when nothing is known. */
  #means = new Float64Array(0);
  /** τ by index, in milliseconds. */
  #decays = new Float64Array(0);

  constructor(random: RandomSource, decayMs: number, failureMs: number) {
    super(random);
    this.#decayMs = decayMs;
    this.#failureMs = failureMs;
  }

  override update(endpoints: readonly Endpoint[]): void {
    super.update(endpoints);
    const averages = new Float64Array(endpoints.length);
    const stamps = new Float64Array(endpoints.length);
    const means = new Float64Array(endpoints.length);
    const indices = new Map<Endpoint, number>();
    endpoints.forEach((endpoint, index) => {
      indices.set(endpoint, index);
      const before = this.#indices.get(endpoint);
      if (before === undefined) return;
      averages[index] = this.#averages[before] as number;
      stamps[index] = this.#stamps[before] as number;
      means[index] = this.#means[before] as number;
    });
    this.#indices = indices;
    this.#averages = averages;
    this.#stamps = stamps;
    this.#means = means;
    this.#decays = requestShares(endpoints).map((share) => this.#decayMs * share);
  }

  override observe(endpoint: Endpoint, { now, latencyMs, result }: Outcome): void {
    const index = this.#indices.get(endpoint);
    if (index === undefined) return;
    const average = this.#averages[index] as number;
    if (result === 'cancelled' && latencyMs <= average) return;
    const answered = result === 'ok' || result === 'cancelled';
    const sample = answered ? latencyMs : Math.max(latencyMs, this.#failureMs);
    // Samples come at uneven times, so the time since the last sample decides the weight of the past.
    const past = Math.exp(-Math.max(0, now - (this.#stamps[index] as number)) / (this.#decays[index] as number));
    this.#averages[index] = sample > average ? sample : average * past + sample * (1 - past);
    this.#stamps[index] = now;
    if (!this.weighted) return;
    const mean = this.#means[index] as number;
    this.#means[index] = mean === 0 ? sample : mean + (sample - mean) / samplesOfMean;
  }

  explain(endpoint: Endpoint, now: number): EndpointFigures {
    const index = this.#indices.get(endpoint);
    if (index === undefined || this.#averages[index] === 0) return {};
    const passed = Math.max(0, now - (this.#stamps[index] as number));
    return { latencyMs: (this.#averages[index] as number) * Math.exp(-passed / (this.#decays[index] as number)) };
  }

  protected override assess(index: number, choice: 0 | 1): void {
    this.#decay(index);
    const average = this.#averages[index] as number;
    this.assessLoad(index, choice);
    const load = this.costs[choice] as number;
    this.steadyCosts[choice] = (this.#means[index] as number) * load;
    this.costs[choice] = average === 0 && load > 1 ? unknownCost + load : average * load;
  }

  /** The decay until now, as if a sample of 0 arrived. */
  #decay(index: number): void {
    const now = this.now[0] as number;
    const passed = Math.max(0, now - (this.#stamps[index] as number));
    this.#averages[index] = (this.#averages[index] as number) * Math.exp(-passed / (this.#decays[index] as number));
    this.#stamps[index] = now;
  }
}
