/**
 * Reads feeds, one after the other, in turns of the event loop, so that a change of 10,000 services, or of a service with 10,000 instances,
 * holds nothing else up. It does not know what a feed reads.
 */

import { inTurns } from '../../../in-turns.ts';

/** A feed to be read. */
export interface Readable {
  /** Each step takes some 10 µs, or yields how many such steps it stands for. It must not throw. */
  read(): Iterator<number | undefined, void>;
}

/** Steps in one turn, some 4 ms. */
const stepsPerTurn = 400;

export class Reads {
  readonly #waiting = new Set<Readable>();
  #isRunning = false;

  /** Reads it soon; a feed that waits already is read once. */
  add(feed: Readable): void {
    this.#waiting.add(feed);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  remove(feed: Readable): void {
    this.#waiting.delete(feed);
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      // Commands that are committed together change a feed once.
      await new Promise<void>((turn) => setImmediate(turn));
      await inTurns(this.#all(), stepsPerTurn);
    }
    this.#isRunning = false;
  }

  *#all(): Generator<number | undefined, void, undefined> {
    for (const feed of this.#waiting) {
      this.#waiting.delete(feed);
      const steps = feed.read();
      for (let step = steps.next(); step.done !== true; step = steps.next()) yield step.value;
    }
  }
}
