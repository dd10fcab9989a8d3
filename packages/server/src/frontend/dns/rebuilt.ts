/**
 * An index that is built from scratch when somebody asks and its source has changed since, but never
 * so often that building takes more than a twentieth of the time: small ones are always current, a
 * large one under constant change may be a little behind.
 */

import type { Clock } from '../../clock.ts';

/** The rest after building, in multiples of what building took. */
const restFactor = 19;

export class Rebuilt<T> {
  readonly #clock: Clock;
  readonly #revision: () => number;
  readonly #build: () => T;
  #index: T | undefined;
  #builtFrom = -1;
  /** On the monotonic clock. */
  #restUntil = -Infinity;

  /** @param revision 0 or more; rises whenever `build` would give something else */
  constructor(clock: Clock, revision: () => number, build: () => T) {
    this.#clock = clock;
    this.#revision = revision;
    this.#build = build;
  }

  /** `behind` when its source has changed since it was built. */
  read(): { readonly index: T; readonly behind: boolean } {
    const revision = this.#revision();
    if (this.#index !== undefined) {
      if (revision === this.#builtFrom) return { index: this.#index, behind: false };
      if (this.#clock.monotonic() < this.#restUntil) return { index: this.#index, behind: true };
    }
    const started = this.#clock.monotonic();
    const index = this.#build();
    this.#index = index;
    this.#builtFrom = revision;
    const ended = this.#clock.monotonic();
    this.#restUntil = ended + (ended - started) * restFactor;
    return { index, behind: false };
  }
}
