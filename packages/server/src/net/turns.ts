/**
 * Work in turns: what takes long is done in slices, between which the event loop does everything else. Each
 * turn of the loop has a budget, counted in units and not in time, so that a test can say what a slice does.
 *
 *   start ─► first slice at once, while the turn has budget     most work ends here
 *                  │ not ended
 *                  ▼
 *   fresh (had no budget yet) · running (a slice each, in rotation) · waiting (for a place among the running)
 *
 * Knows nothing of what is done; ends nothing early unless it is told to.
 */

import { RegistryError } from '@rollcall/protocol';

/**
 * Work that can stop between any two of its steps. It yields when its pace says so, or a promise that it
 * has to wait for; what it returns is the result. What it holds is freed in a `finally`, which runs also when
 * it is cancelled.
 */
export type Work<T> = Generator<PromiseLike<unknown> | undefined, T, undefined>;

/** What a unit is: about a microsecond on a machine of today, a row of a list being two to four. */
const unitsPerTurn = 2_500;
/** Work that goes on at the same time; more only take memory, for there is one thread. */
const runningMax = 8;
/** Work that has begun and waits for its place: it holds what it reads. */
const waitingMax = 256;
/** Work that has not begun: it holds nothing but its request, of which connections bound the number, too. */
const freshMax = 65_536;

/** More than can be done: the request is answered with a 503 or the like and may come again. */
export class TooMuchWork extends RegistryError {
  constructor() {
    super(
      'resource_exhausted',
      `${runningMax} large answers are being prepared and ${waitingMax} more wait, which is the limit; try again in a second`,
    );
  }
}

/** Counts what is done in a turn. */
export class Pace {
  #left = unitsPerTurn;

  /** @returns whether the slice is used up, and the work has to yield */
  spend(units: number): boolean {
    this.#left -= units;
    return this.#left <= 0;
  }

  /** Whether nothing is left of the turn. */
  get spent(): boolean {
    return this.#left <= 0;
  }

  /** A new slice begins. */
  renew(): void {
    this.#left = unitsPerTurn;
  }

  /** Whether so much is used that it is time for a new turn. Turns of little work share a budget: each costs something, too. */
  get low(): boolean {
    return this.#left < unitsPerTurn / 2;
  }
}

export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class Job<T> {
  outcome: Outcome<T> | undefined;
  /** Undefined as soon as it has ended. */
  #work: Work<T> | undefined;
  #listener: ((outcome: Outcome<T>) => void) | undefined;
  #stepping = false;

  constructor(work: Work<T>) {
    this.#work = work;
  }

  get ended(): boolean {
    return this.#work === undefined;
  }

  /** Calls `listener` once, with the outcome; not when the job is cancelled. One listener a job. */
  whenEnded(listener: (outcome: Outcome<T>) => void): void {
    if (this.outcome === undefined) this.#listener = listener;
    else listener(this.outcome);
  }

  /** Ends the work where it is; work that cancels itself goes on to its next yield. */
  cancel(): void {
    const work = this.#work;
    this.#work = undefined;
    if (!this.#stepping) work?.return(undefined as T);
  }

  /** One slice. @returns what the work waits for, if anything */
  step(): PromiseLike<unknown> | undefined {
    const work = this.#work;
    if (work === undefined) return undefined;
    let next: IteratorResult<PromiseLike<unknown> | undefined, T>;
    this.#stepping = true;
    try {
      next = work.next();
    } catch (error) {
      this.#stepping = false;
      this.end({ error });
      return undefined;
    }
    this.#stepping = false;
    if (this.ended) work.return(undefined as T);
    else if (next.done === true) this.end({ value: next.value });
    else return next.value;
    return undefined;
  }

  end(outcome: Outcome<T>): void {
    if (this.ended) return;
    this.#work?.return(undefined as T);
    this.#work = undefined;
    this.outcome = outcome;
    this.#listener?.(outcome);
  }
}

export class Turns {
  readonly pace = new Pace();
  /** Calls back in the next turn of the event loop, after what has arrived until then. */
  readonly #later: (run: () => void) => void;
  readonly #fresh: Job<unknown>[] = [];
  readonly #running: Job<unknown>[] = [];
  readonly #waiting: Job<unknown>[] = [];
  /** Running ones that wait for a promise: they keep their place. */
  #paused = 0;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(later: (run: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** How much is under way. */
  get size(): number {
    return this.#fresh.length + this.#running.length + this.#waiting.length + this.#paused;
  }

  /**
   * Begins work. While the turn has budget the first slice is done at once, so that what is small has ended
   * when this returns.
   */
  start<T>(work: Work<T>): Job<T> {
    const job = new Job(work);
    if (this.pace.spent) {
      if (this.#fresh.length >= freshMax) job.end({ error: new TooMuchWork() });
      else this.#fresh.push(job as Job<unknown>);
    } else this.#begin(job as Job<unknown>);
    this.#schedule();
    return job;
  }

  /** Resolves when nothing is under way any more. */
  idle(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #begin(job: Job<unknown>): void {
    const awaited = job.step();
    if (job.ended) return;
    if (this.#running.length + this.#paused < runningMax) this.#goOn(job, awaited);
    else if (this.#waiting.length < waitingMax && awaited === undefined) this.#waiting.push(job);
    else job.end({ error: new TooMuchWork() });
  }

  #goOn(job: Job<unknown>, awaited: PromiseLike<unknown> | undefined): void {
    if (awaited === undefined) {
      this.#running.push(job);
      return;
    }
    this.#paused++;
    const resume = () => {
      this.#paused--;
      if (!job.ended) this.#running.push(job);
      this.#schedule();
    };
    awaited.then(resume, (error: unknown) => {
      job.end({ error });
      resume();
    });
  }

  #schedule(): void {
    if (this.#scheduled || (this.size === this.#paused && !this.pace.low)) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    this.pace.renew();
    // What has just come is small in most cases, and must not wait for what is large.
    while (!this.pace.spent) {
      const job = this.#fresh.shift();
      if (job === undefined) break;
      if (!job.ended) this.#begin(job);
    }
    const job = this.#nextRunning();
    if (job !== undefined) {
      this.pace.renew();
      const awaited = job.step();
      if (!job.ended) this.#goOn(job, awaited);
    }
    while (this.#running.length + this.#paused < runningMax) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (!next.ended) this.#running.push(next);
    }
    this.pace.renew();
    if (this.size > this.#paused) this.#schedule();
    else if (this.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** The next in rotation; cancelled ones give up their places. */
  #nextRunning(): Job<unknown> | undefined {
    for (;;) {
      const job = this.#running.shift();
      if (job === undefined || !job.ended) return job;
    }
  }
}
