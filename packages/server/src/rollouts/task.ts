/** When a task looks again: after a change, or at a time. It never looks twice at once. */

import type { Clock } from '../clock.ts';

/** A wall clock that jumps is noticed after this. */
const lookAgainMs = 60_000;
/** After a failure. */
const retryMs = 1_000;

export interface TaskOptions {
  readonly clock: Clock;
  /** @returns milliseconds after which it looks again, if nothing changes before; Infinity: only after a change */
  readonly look: () => Promise<number>;
  readonly onError: (error: unknown) => void;
}

export class Task {
  readonly #options: TaskOptions;
  #cancel: (() => void) | undefined;
  #looking = false;
  #again = false;
  #ended = false;

  constructor(options: TaskOptions) {
    this.#options = options;
  }

  /** Something has changed. Called within a transaction: it only plans a look. */
  wake(): void {
    if (this.#looking) this.#again = true;
    else this.#plan(0);
  }

  end(): void {
    this.#ended = true;
    this.#cancel?.();
  }

  #plan(delayMs: number): void {
    if (this.#ended) return;
    this.#cancel?.();
    const { clock } = this.#options;
    this.#cancel = clock.timer(Math.max(Math.min(delayMs, lookAgainMs), 0), () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, look, onError } = this.#options;
    this.#looking = true;
    this.#again = false;
    let delayMs = retryMs;
    const began = clock.monotonic();
    try {
      delayMs = await look();
    } catch (error) {
      onError(error);
    }
    this.#looking = false;
    // From when it looked: what it found took time to act on.
    this.#plan(this.#again ? 0 : delayMs - (clock.monotonic() - began));
  }
}
