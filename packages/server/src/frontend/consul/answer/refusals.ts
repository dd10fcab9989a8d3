/**
 * Answers for clients that send too many wrong tokens. They wait until the other requests of the same
 * turn of the event loop are answered. Each answer is a system call, which costs more than reading
 * the request. If they were sent at once, a burst of guesses would delay all reads behind it.
 *
 *   poll phase    requests are read; accepted ones are answered, refused ones are queued
 *   check phase   at most `sliceMax` refusals are sent, then the loop polls again
 *
 * The gate decides which requests are refused.
 */

import type { ServerResponse } from 'node:http';
import type { TooManyFailures } from '../../../security/gate.ts';

interface Waiting {
  readonly response: ServerResponse;
  readonly route: string;
  readonly error: TooManyFailures;
}

/** About a tenth of a millisecond of system calls between two polls, so that a burst of refusals delays an accepted request no longer. */
const sliceMax = 8;

export class Refusals {
  readonly #send: (refusal: Waiting) => void;
  readonly #waitingMax: number;
  #queue: Waiting[] = [];
  #next = 0;
  #scheduled = false;

  /**
   * @param send sends one answer; must not throw
   * @param waitingMax most answers that may wait; further ones are sent at once. A connection waits for its
   *   answer before its next request is read, so the queue is never longer than the number of connections
   */
  constructor(send: (refusal: Waiting) => void, waitingMax: number) {
    this.#send = send;
    this.#waitingMax = waitingMax;
  }

  /** Answers that wait now. */
  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  add(response: ServerResponse, route: string, error: TooManyFailures): void {
    const refusal = { response, route, error };
    if (this.waiting >= this.#waitingMax) {
      this.#send(refusal);
      return;
    }
    this.#queue.push(refusal);
    this.#schedule();
  }

  /** Sends all waiting answers, when the server closes. */
  flush(): void {
    while (this.waiting > 0) this.#sendNext();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (let left = Math.min(sliceMax, this.waiting); left > 0; left--) this.#sendNext();
      if (this.waiting > 0) this.#schedule();
    });
  }

  #sendNext(): void {
    const refusal = this.#queue[this.#next++] as Waiting;
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    // The client may have disconnected.
    if (!refusal.response.destroyed) this.#send(refusal);
  }
}
