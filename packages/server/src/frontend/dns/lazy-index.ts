/**
 * A lazy index: it is built from scratch when it is read and its source has changed since the last build. An index that is quick
 * to build is always current. A slow one rests after each build, so that building takes at most a twentieth of the
 * time under constant change; meanwhile readers get the last complete one.
 *
 * A large index is built over several turns of the event loop. Until the first build is complete, readers get the part
 * that is built so far, if a part is useful.
 */

import type { Clock } from '../../clock.ts';

/** A build that took no longer may be repeated at once: some thousand instances. */
const quickMs = 2;

/** Otherwise the index rests after a build: so many times as long as the build took, and at most so long. */
const restFactor = 19;
const restMsMax = 1_000;

/** Steps in one turn of the event loop: about a microsecond each, some 4 ms. */
export const stepsAtOnce = 4_096;

/** Two revisions are equal as long as a build would give the same index. */
export type Revision = string | number;

export interface Reading<T> {
  readonly index: T;
  /** The revision of the source that it was built from. */
  readonly revision: Revision;
  /** Whether the source has changed since, or the index is incomplete. */
  readonly behind: boolean;
}

/** Builds an index in small steps. A step yields a function that makes an index of the part built so far, or undefined if that is useless. */
export type Build<T> = Generator<(() => T) | undefined, T, undefined>;

interface Work<T> {
  readonly build: Build<T>;
  readonly revision: Revision;
  tookMs: number;
}

export class LazyIndex<T> {
  readonly #clock: Clock;
  readonly #revision: () => Revision;
  readonly #build: () => Build<T>;
  #built: Reading<T> | undefined;
  /** The useful part of the first index, until it is complete. */
  #soFar: Reading<T> | undefined;
  #work: Work<T> | undefined;
  #scheduled = false;
  /** On the monotonic clock. */
  #restUntil = -Infinity;

  /** @param revision must change whenever a build would give another index */
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

  /** Starts a build: it ends at once if it is short, otherwise in later turns. */
  begin(): void {
    this.#work ??= { build: this.#build(), revision: this.#revision(), tookMs: 0 };
    if (!this.#take(stepsAtOnce)) this.#schedule();
  }

  /** Builds the first index, if there is none; resolves when it is complete. */
  async whenBuilt(): Promise<void> {
    if (this.#built === undefined) this.begin();
    while (this.#built === undefined) await new Promise<void>((turn) => setImmediate(turn));
  }

  /** The first complete index, or the first useful part of it. */
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

  /** @returns whether the build is complete */
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
