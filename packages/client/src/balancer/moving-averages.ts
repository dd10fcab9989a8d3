/**
 * One exponentially weighted moving average per endpoint, over time: each sample weighs e^(−age/τ). Samples of
 * the same age have the same weight, however long the pause before them; a weight by that pause would make a slow
 * answer count more than a fast one. Unlike the average of `peak-ewma.ts` it follows higher and lower samples
 * alike, and it changes only when a sample arrives.
 */

import type { Outcome } from './balancer.ts';
import { checkRange } from '../option-check.ts';
import { carried } from './places.ts';

export class MovingAverages {
  /** By index; NaN before the first sample. */
  values = new Float64Array(0);
  /** When the newest sample came, by index; NaN when there is none. */
  stamps = new Float64Array(0);
  /** The time and the value of the sample for `take`: V8 would box them as parameters (`two-choices.ts`). */
  readonly sample = new Float64Array(2);
  /** Sum of the weights of all samples as of `stamps`, by index. */
  #sums = new Float64Array(0);
  readonly #decayMs: number;
  /** τ by index, in milliseconds. */
  #decays = new Float64Array(0);

  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  /**
   * @param before for each endpoint the index that it had, −1 for a new one
   * @param paces τ of each endpoint as a multiple of the usual one: an endpoint with a tenth of the requests
   *   needs ten times as long for a mean of as many samples
   */
  update(before: Int32Array, paces: Float64Array): void {
    this.#decays = paces.map((pace) => pace * this.#decayMs);
    this.values = carried(this.values, before, NaN);
    this.stamps = carried(this.stamps, before, NaN);
    this.#sums = carried(this.#sums, before, 0);
  }

  /** Takes in `sample`. */
  take(index: number): void {
    const now = this.sample[0] as number;
    const sample = this.sample[1] as number;
    const sum = this.#sums[index] as number;
    if (sum === 0) this.values[index] = sample;
    const past = sum === 0 ? 0 : sum * Math.exp(-Math.max(0, now - (this.stamps[index] as number)) / (this.#decays[index] as number));
    const mean = this.values[index] as number;
    this.values[index] = mean + (sample - mean) / (past + 1);
    this.#sums[index] = past + 1;
    this.stamps[index] = now;
  }
}

export interface LatencyOptions {
  /** Time constant τ of the average, in milliseconds; more than 0. 10,000 by default. */
  readonly decayMs?: number;
  /**
   * Least latency charged for a failure, in milliseconds, 0 or more; 1,000 by default. Choose the
   * time-out of your requests.
   */
  readonly failureMs?: number;
}

/** In milliseconds, below the resolution of clocks: latencies are divisors, so none may be 0. */
const leastMs = 0.001;

/**
 * The mean latency of each endpoint. A failure counts as a long latency, or an endpoint that fails at
 * once would look like the best of all. A cancelled request proves only that the endpoint took at least that
 * long.
 */
export class MeanLatency extends MovingAverages {
  readonly #failureMs: number;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor({ decayMs = 10_000, failureMs = 1000 }: LatencyOptions) {
    checkRange(decayMs > 0, 'decayMs', decayMs, 'more than 0');
    checkRange(failureMs >= 0, 'failureMs', failureMs, '0 or more');
    super(decayMs);
    this.#failureMs = failureMs;
  }

  observe(index: number, { now, latencyMs, result }: Outcome): void {
    if (result === 'cancelled' && latencyMs <= (this.values[index] as number)) return;
    const answered = result === 'ok' || result === 'cancelled';
    this.sample[0] = now;
    this.sample[1] = Math.max(answered ? latencyMs : Math.max(latencyMs, this.#failureMs), leastMs);
    this.take(index);
  }
}
