/**
 * The tries of one request: the endpoints that had one, and whether there may be another. Pure; `retry.ts` decides
 * whether a retry is safe, the retry budget whether it has one left.
 */

import type { Endpoint } from '../endpoint.ts';
import type { Failure, RetryPlace } from './retry.ts';

/**
 * Number of tries without a connection that do not count, and the age of a request up to which they do not: refused
 * connections fail at once.
 */
const unsentMax = 10;
const unsentMs = 1_000;

export class Tries {
  readonly #max: number;
  #endpoints: readonly Endpoint[] = [];
  #count = 0;
  /** Tries that found no connection. */
  #unsent = 0;
  #mayRepeat = false;
  #startedAt = 0;

  /** @param max see `ServiceOptions.triesMax` */
  constructor(max: number) {
    this.#max = max;
  }

  /** Number of tries so far. */
  get count(): number {
    return this.#count;
  }

  /** Whether a second try is possible at all. */
  get several(): boolean {
    return this.#max > 1;
  }

  /** Each endpoint once, in the order of its first try. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Whether an endpoint that was tried may be tried again when there is no other. */
  get mayRepeat(): boolean {
    return this.#mayRepeat;
  }

  begin(endpoint: Endpoint, now: number): void {
    if (this.#count === 0) this.#startedAt = now;
    this.#count += 1;
    if (!this.#endpoints.includes(endpoint)) this.#endpoints = [...this.#endpoints, endpoint];
  }

  /** A try failed. @returns whether the limit leaves room for another */
  failed(failure: Failure, now: number): boolean {
    if (failure === 'unsent') this.#unsent += 1;
    if (this.#count < this.#max) return true;
    if (!this.several || failure !== 'unsent' || now - this.#startedAt >= unsentMs) return false;
    return this.#count - this.#unsent < this.#max && this.#unsent <= unsentMax;
  }

  /** A retry may go there, and so may later ones. */
  allow(place: RetryPlace): void {
    if (place === 'any endpoint') this.#mayRepeat = true;
  }
}
