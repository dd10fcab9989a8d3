/**
 * Adaptive concurrency: learns from latency how many requests a service can have in flight before it only queues
 * them. Gradient2 of Netflix's concurrency-limits
 * (https://github.com/Netflix/concurrency-limits, limit/Gradient2Limit.java):
 *
 *     gradient = clamp(tolerance × long-term latency / this latency, 0.5, 1)
 *     limit    = limit × gradient + room for a queue, smoothed
 *
 * When latency rises above its long-term average, the limit falls; when latency falls again, the limit grows
 * by the room. Requests beyond the limit are refused at once. This file holds only a number: the code that
 * counts requests in flight calls `allows`.
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';

export interface ConcurrencyOptions {
  /** First limit, 1 or more; 20 by default. */
  readonly initial?: number;
  /** Least limit, 1 or more; 20 by default. */
  readonly min?: number;
  /** Largest limit, not less than `min`; 200 by default. */
  readonly max?: number;
  /** Requests that may wait in a queue at the service without counting as overload, 0 or more; 4 by default. */
  readonly queue?: number;
  /** Latency up to this multiple of the long-term average does not count as overload, 1 or more; 1.5 by default. */
  readonly tolerance?: number;
  /** Weight of a new limit, more than 0, up to 1; 0.2 by default. */
  readonly smoothing?: number;
  /** Samples of the long-term average, 1 or more; 600 by default. */
  readonly longWindow?: number;
}

/** Number of first samples for which the average is a plain mean. */
const warmUp = 10;

const concurrencyOptions: OptionNames<ConcurrencyOptions> = {
  initial: true, min: true, max: true, queue: true, tolerance: true, smoothing: true, longWindow: true,
};

export class Gradient2 {
  readonly #min: number;
  readonly #max: number;
  readonly #queue: number;
  readonly #tolerance: number;
  readonly #smoothing: number;
  readonly #longWindow: number;
  #limit: number;
  #longMs = 0;
  #samples = 0;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(options: ConcurrencyOptions = {}) {
    checkKnown(options, concurrencyOptions, 'concurrency');
    this.#min = options.min ?? 20;
    this.#max = options.max ?? 200;
    this.#queue = options.queue ?? 4;
    this.#tolerance = options.tolerance ?? 1.5;
    this.#smoothing = options.smoothing ?? 0.2;
    this.#longWindow = options.longWindow ?? 600;
    const initial = options.initial ?? 20;
    this.#limit = Math.min(this.#max, Math.max(this.#min, initial));
    checkRange(initial >= 1, 'concurrency.initial', initial, '1 or more');
    checkRange(this.#min >= 1, 'concurrency.min', this.#min, '1 or more');
    checkRange(this.#max >= this.#min, 'concurrency.max', this.#max, `${this.#min} (min) or more`);
    checkRange(this.#queue >= 0 && this.#queue < Infinity, 'concurrency.queue', this.#queue, '0 or more');
    checkRange(this.#tolerance >= 1, 'concurrency.tolerance', this.#tolerance, '1 or more');
    checkRange(this.#smoothing > 0 && this.#smoothing <= 1, 'concurrency.smoothing', this.#smoothing, 'more than 0 and at most 1');
    checkRange(this.#longWindow >= 1, 'concurrency.longWindow', this.#longWindow, '1 or more');
  }

  /** Requests that may be in flight now; a whole number. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  allows(inFlight: number): boolean {
    return inFlight < this.limit;
  }

  /**
   * A request was answered.
   * @param latencyMs more than 0
   * @param inFlight requests in flight when it was sent, including itself
   */
  observe(latencyMs: number, inFlight: number): void {
    const longMs = this.#average(latencyMs);
    // After an overload the average must fall again soon.
    if (longMs / latencyMs > 2) this.#longMs *= 0.95;
    // While the limit is not used, latency says nothing about it, and the limit would grow without bound.
    if (inFlight < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (this.#tolerance * longMs) / latencyMs));
    const next = this.#limit * gradient + this.#queue;
    const smoothed = this.#limit * (1 - this.#smoothing) + next * this.#smoothing;
    this.#limit = Math.max(this.#min, Math.min(this.#max, smoothed));
  }

  #average(latencyMs: number): number {
    this.#samples += 1;
    const factor = this.#samples <= warmUp ? 1 / this.#samples : 2 / (this.#longWindow + 1);
    this.#longMs += (latencyMs - this.#longMs) * factor;
    return this.#longMs;
  }
}
