/**
 * Shares the encoding of a body between requests: a request for a body that is being encoded waits for it. The
 * encoding is cancelled when the last waiting request has left.
 */

import type { Turns, Work } from './turns.ts';

export interface Waiter<B> {
  readonly ready: (body: B) => void;
  readonly failed: (error: unknown) => void;
}

/** The cost of sending a body to one client: a head and a write to its socket. */
const unitsPerWaiter = 40;

/** @typeParam B the body */
export class SharedWork<B> {
  readonly #turns: Turns;
  readonly #underWay = new Map<string, Waiters<B>>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /**
   * Waits for the body with this name.
   * @param begin starts the encoding, if it is not running
   * @returns a function that stops waiting; undefined if the waiter has got its result already
   */
  join(name: string, begin: () => Work<B>, waiter: Waiter<B>): (() => void) | undefined {
    let waiters = this.#underWay.get(name);
    if (waiters === undefined) {
      waiters = new Waiters(waiter);
      this.#underWay.set(name, waiters);
      this.#start(name, begin, waiters);
    } else waiters.add(waiter);
    return waiters.has(waiter) ? waiters.leaving(waiter, () => this.#forget(name, waiters)) : undefined;
  }

  #start(name: string, begin: () => Work<B>, waiters: Waiters<B>): void {
    const job = this.#turns.start(this.#run(name, begin, waiters));
    waiters.cancel = () => job.cancel();
    job.whenEnded((outcome) => {
      if (!('error' in outcome)) return;
      // The work was refused before it started.
      this.#forget(name, waiters);
      for (const { failed } of waiters.take()) failed(outcome.error);
    });
  }

  *#run(name: string, begin: () => Work<B>, waiters: Waiters<B>): Work<void> {
    let tell: (waiter: Waiter<B>) => void;
    try {
      const body = yield* begin();
      tell = ({ ready }) => ready(body);
    } catch (error) {
      tell = ({ failed }) => failed(error);
    }
    // From here on a new request finds the cached body, or starts the encoding again.
    this.#forget(name, waiters);
    for (const waiter of waiters.take()) {
      tell(waiter);
      if (this.#turns.pace.spend(unitsPerWaiter)) yield;
    }
  }

  #forget(name: string, waiters: Waiters<B>): void {
    if (this.#underWay.get(name) === waiters) this.#underWay.delete(name);
  }
}

class Waiters<B> {
  readonly #all: Set<Waiter<B>>;
  cancel: (() => void) | undefined;

  constructor(first: Waiter<B>) {
    this.#all = new Set([first]);
  }

  add(waiter: Waiter<B>): void {
    this.#all.add(waiter);
  }

  has(waiter: Waiter<B>): boolean {
    return this.#all.has(waiter);
  }

  /** The waiters one by one, including new ones, without those that have left. */
  *take(): Generator<Waiter<B>> {
    for (const waiter of this.#all) {
      this.#all.delete(waiter);
      yield waiter;
    }
  }

  leaving(waiter: Waiter<B>, forget: () => void): () => void {
    return () => {
      if (!this.#all.delete(waiter) || this.#all.size > 0) return;
      forget();
      this.cancel?.();
    };
  }
}
