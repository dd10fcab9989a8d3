/**
 * Does the long work of requests in slices, with turns of the event loop between them. Each turn has a budget, which is counted in
 * units and not in time, so that tests are deterministic. All requests share the budget, a request may be cancelled, and one too many
 * is refused; the server's own work may neither wait for requests nor be refused, so it has `in-turns.ts` instead.
 *
 *   start ─► first slice at once, while the turn has budget     most work ends here
 *                  │ not ended
 *                  ▼
 *   fresh (not started: no budget was left) · running (a slice each, in rotation) · waiting (started, until fewer are running)
 *
 * It does not know what the work is, and ends none early unless it is cancelled.
 */

import { RegistryError } from '@rollcall/protocol';

/**
 * Work in steps. It yields when its `Pace` is used up, or yields a promise to wait for; it returns the result. It frees what it
 * holds in a `finally`, which also runs when it is cancelled.
 */
export type Work<T> = Generator<PromiseLike<unknown> | undefined, T, undefined>;

/** A unit is about a microsecond; a row of a list takes two to four. */
export const unitsPerSlice = 2_500;
/** Running works: more would take memory and not be faster, since there is one thread. */
const runningMax = 8;
/** Works that have started and wait: each holds the rows that it reads. */
const waitingMax = 256;
/** Works that have not started: each holds a request only, whose number connections limit as well. */
const freshMax = 65_536;

/** Too much work is under way. The client may try again later, as after a status 503. */
export class TooMuchWork extends RegistryError {
  constructor() {
    super(
      'resource_exhausted',
      `${runningMax} large answers are being prepared and ${waitingMax} more wait, which is the limit; try again in a second`,
    );
  }
}

/** The budget of a turn. */
export class Pace {
  #left = unitsPerSlice;

  /** @returns whether the budget is used up, so that the work must yield */
  spend(units: number): boolean {
    this.#left -= units;
    return this.#left <= 0;
  }

  /** Units of this slice that are used. */
  get used(): number {
    return unitsPerSlice - this.#left;
  }

  /** Whether the budget is used up. */
  get spent(): boolean {
    return this.#left <= 0;
  }

  /** Starts a new slice. */
  renew(): void {
    this.#left = unitsPerSlice;
  }

  /** Whether at least half of the budget is used. With less, the next turn goes on with the rest, since a turn itself has a cost. */
  get low(): boolean {
    return this.#left < unitsPerSlice / 2;
  }
}

export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class Job<T> {
  outcome: Outcome<T> | undefined;
  /** Undefined after the end. */
  #work: Work<T> | undefined;
  #listener: ((outcome: Outcome<T>) => void) | undefined;
  #stepping = false;

  constructor(work: Work<T>) {
    this.#work = work;
  }

  get ended(): boolean {
    return this.#work === undefined;
  }

  /** Calls `listener` once, with the outcome, unless the job is cancelled. A job has one listener. */
  whenEnded(listener: (outcome: Outcome<T>) => void): void {
    if (this.outcome === undefined) this.#listener = listener;
    else listener(this.outcome);
  }

  /** Ends the work at once; work that cancels itself ends at its next yield. */
  cancel(): void {
    const work = this.#work;
    this.#work = undefined;
    if (!this.#stepping) work?.return(undefined as T);
  }

  /** Does one slice. @returns the promise that the work waits for, if any */
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
  /** Calls a function in the next turn of the event loop, after the input that has arrived. */
  readonly #later: (run: () => void) => void;
  readonly #fresh: Job<unknown>[] = [];
  readonly #running: Job<unknown>[] = [];
  readonly #waiting: Job<unknown>[] = [];
  /** Running jobs that wait for a promise. */
  #paused = 0;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(later: (run: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** Jobs that have not ended. */
  get size(): number {
    return this.#fresh.length + this.#running.length + this.#waiting.length + this.#paused;
  }

  /**
   * Starts work. If budget is left, the first slice is done at once, so that short work has ended when this returns.
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

  /** Resolves when all jobs have ended. */
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
    // New work is short in most cases, and must not wait for long work.
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

  /** The next running job; drops cancelled ones. */
  #nextRunning(): Job<unknown> | undefined {
    for (;;) {
      const job = this.#running.shift();
      if (job === undefined || !job.ended) return job;
    }
  }
}
