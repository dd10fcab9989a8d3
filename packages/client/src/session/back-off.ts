/**
 * How long to wait before the next attempt to reach a registry: exponential with full jitter, so
 * that the clients of a registry that comes back do not all arrive at once.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

import type { Random } from '../clock.ts';

/** Several server starts; also short, since a registry that is away may be back at any moment. */
const firstMs = 100;

/**
 * Two seconds after a registry is there, every client has found it. Well below the reconnect grace, so that a restart
 * costs no client its session.
 */
const longestMs = 2_000;

export class BackOff {
  readonly #random: Random;
  #attempts = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ceiling = Math.min(longestMs, firstMs * 2 ** this.#attempts);
    this.#attempts++;
    return this.#random() * ceiling;
  }

  reset(): void {
    this.#attempts = 0;
  }
}
