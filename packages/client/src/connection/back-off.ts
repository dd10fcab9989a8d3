/**
 * How long to wait before the next attempt to reach a registry: exponential with full jitter, so
 * that the clients of a registry that comes back do not all arrive at once.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

import type { Random } from '../clock.ts';

/** As long as several starts of a server, but short, since an unreachable registry may be back at any moment. */
const firstMs = 100;

/**
 * Every client finds a registry within two seconds of its start. Well below the reconnect grace, so that no
 * client loses its session in a restart.
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
