/**
 * An index that is built from scratch when somebody asks and its source has changed since. One that
 * is quick to build is always current; one that is not is built so seldom, under constant change, that
 * building takes no more than a twentieth of the time, and is behind meanwhile.
 */

import type { Clock } from '../../clock.ts';

/** What may be built again at once: some thousand instances. */
const quickMs = 2;

/** Otherwise the rest after building, in multiples of what building took, and at most. */
const restFactor = 19;
const restMsMax = 1_000;

export interface Reading<T, R> {
  readonly index: T;
  /** The revision of the source that it was built from. */
  readonly revision: R;
  /** The source has changed since. */
  readonly behind: boolean;
}

export class Rebuilt<T, R> {
  readonly #clock: Clock;
  readonly #revision: () => R;
  readonly #build: () => T;
  #built: Reading<T, R> | undefined;
  /** On the monotonic clock. */
  #restUntil = -Infinity;

  /** @param revision differs whenever `build` would give something else */
  constructor(clock: Clock, revision: () => R, build: () => T) {
    this.#clock = clock;
    this.#revision = revision;
    this.#build = build;
  }

  read(): Reading<T, R> {
    const revision = this.#revision();
    if (this.#built !== undefined) {
      if (revision === this.#built.revision) return this.#built;
      if (this.#clock.monotonic() < this.#restUntil) return { ...this.#built, behind: true };
    }
    const started = this.#clock.monotonic();
    this.#built = { index: this.#build(), revision, behind: false };
    const ended = this.#clock.monotonic();
    const tookMs = ended - started;
    this.#restUntil = tookMs <= quickMs ? ended : ended + Math.min(tookMs * restFactor, restMsMax);
    return this.#built;
  }
}
