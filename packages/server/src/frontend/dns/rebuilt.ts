/**
 * An index that is built from scratch when it is read and its source has changed since. One that
 * is quick to build is always current; one that is not is built so seldom, under constant change, that
 * building takes no more than a twentieth of the time, and is behind meanwhile.
 *
 * A large one is built over several turns of the event loop. Until it is complete, the one before it is given,
 * or, of the very first, what there is of it so far, if that is of use.
 */

import type { Clock } from '../../clock.ts';

/** What may be built again at once: some thousand instances. */
const quickMs = 2;

/** Otherwise the rest after building, in multiples of what building took, and at most. */
const restFactor = 19;
const restMsMax = 1_000;

/** Steps of building in one turn: about a microsecond each, some 4 ms. */
export const stepsAtOnce = 4_096;

/** Equal as long as `build` would give the same. */
export type Revision = string | number;

export interface Reading<T> {
  readonly index: T;
  /** The revision of the source that it was built from. */
  readonly revision: Revision;
  /** The source has changed since, or the index is not complete. */
  readonly behind: boolean;
}

/** Builds an index; yields often, with what makes an index of what it has so far, if that is of use. */
export type Build<T> = Generator<(() => T) | undefined, T, undefined>;

interface Work<T> {
  readonly build: Build<T>;
  readonly revision: Revision;
  tookMs: number;
}

export class Rebuilt<T> {
  readonly #clock: Clock;
  readonly #revision: () => Revision;
  readonly #build: () => Build<T>;
  #built: Reading<T> | undefined;
  /** Of the very first index, as long as it is being built. */
  #soFar: Reading<T> | undefined;
  #work: Work<T> | undefined;
  #scheduled = false;
  /** On the monotonic clock. */
  #restUntil = -Infinity;

  /** @param revision differs whenever `build` would give something else */
  constructor(clock: Clock, revision: () => Revision, build: () => Build<T>) {
    this.#clock = clock;
    this.#revision = revision;
    this.#build = build;
  }

  read(): Reading<T> {
    const revision = this.#revision();
    if (revision === this.#built?.revision) return this.#built;
    const before = this.#built ?? this.#soFar;
    if (before !== undefined && (this.#work !== undefined || this.#clock.monotonic() < this.#restUntil)) {
      return { ...before, behind: true };
    }
    this.begin();
    const reading = this.#built ?? this.#firstOf();
    return reading.revision === revision ? reading : { ...reading, behind: true };
  }

  /** Builds it anew, now if it is quick, in the turns to come otherwise. */
  begin(): void {
    this.#work ??= { build: this.#build(), revision: this.#revision(), tookMs: 0 };
    if (!this.#take(stepsAtOnce)) this.#schedule();
  }

  /** Builds the first index, if there is none yet; resolves when it is complete. */
  async whenBuilt(): Promise<void> {
    if (this.#built === undefined) this.begin();
    while (this.#built === undefined) await new Promise<void>((turn) => setImmediate(turn));
  }

  /** The first index that there has ever been, or as much of it as is of use. */
  #firstOf(): Reading<T> {
    while (this.#built === undefined && this.#soFar === undefined) this.#take(stepsAtOnce);
    return (this.#built ?? this.#soFar) as Reading<T>;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#take(stepsAtOnce)) this.#schedule();
    });
  }

  /** @returns whether it is complete */
  #take(steps: number): boolean {
    const work = this.#work;
    if (work === undefined) return true;
    const started = this.#clock.monotonic();
    let soFar: (() => T) | undefined;
    for (let step = 0; step < steps; step++) {
      const { done, value } = work.build.next();
      if (done === true) {
        this.#finish(work, value, started);
        return true;
      }
      soFar = value;
    }
    if (this.#built === undefined && soFar !== undefined) {
      this.#soFar ??= { index: soFar(), revision: `${work.revision}\0so far`, behind: true };
    }
    work.tookMs += this.#clock.monotonic() - started;
    return false;
  }

  #finish({ revision, tookMs }: Work<T>, index: T, started: number): void {
    const ended = this.#clock.monotonic();
    const all = tookMs + ended - started;
    this.#work = undefined;
    this.#soFar = undefined;
    this.#built = { index, revision, behind: false };
    this.#restUntil = all <= quickMs ? ended : ended + Math.min(all * restFactor, restMsMax);
  }
}
