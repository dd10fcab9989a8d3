/**
 * Spreads pushes to subscribers over turns of the event loop: a change that 10,000 clients watch
 * must not make other requests wait until the last of them has it.
 *
 * Views take turns. A view that changes again while it waits is pushed once.
 */

import { Pace } from './turns.ts';

export interface Pass {
  /**
   * Pushes to subscribers until `budget` is used up; each push costs `pushCost` of its bytes.
   * @returns how much of the budget is left; with any left, the pass is complete
   */
  advance(budget: number): number;
}

/**
 * Short pushes per turn: 20 to 28 ms of processor time, with 4,000 watchers of a configuration on a loaded machine. Between two turns the
 * answers of clients are read, so smaller turns delay all others less, and make the last of many subscribers wait longer.
 */
export const budgetPerTurn = 2_000;

/** Bytes that cost as much as the system call that writes them: they are copied into the socket's buffer. */
const bytesPerCall = 16_384;

/** What a push takes of the budget. @param bytes of its message */
export function pushCost(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerCall);
}

export class FanOut {
  /** Of what all passes together read and encode in a turn, besides pushing. */
  readonly pace = new Pace();
  readonly #waiting = new Set<Pass>();
  readonly #soon: (turn: () => void) => void;
  #scheduled = false;

  /** @param soon runs a turn after what waits has been read; a simulation gives its own */
  constructor(soon: (turn: () => void) => void = setImmediate) {
    this.#soon = soon;
  }

  /** Advances `pass` in coming turns, until it is complete. */
  schedule(pass: Pass): void {
    this.#waiting.add(pass);
    this.#scheduleTurn();
  }

  /** Renews the pace in the next turn, if little of it is left; to be called after it was used outside of a pass. */
  renewSoon(): void {
    if (this.pace.low) this.#scheduleTurn();
  }

  /** Whether there are subscribers that wait for a push. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  cancel(pass: Pass): void {
    this.#waiting.delete(pass);
  }

  #scheduleTurn(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.pace.renew();
    let budget = budgetPerTurn;
    for (const pass of this.#waiting) {
      // Looking at a view costs time, even when no member needs a push.
      budget = pass.advance(budget) - 1;
      const goesOn = this.#waiting.delete(pass) && budget < 0;
      // Behind the others, so that a large view delays smaller ones for one turn only.
      if (goesOn) this.#waiting.add(pass);
      if (budget < 0) break;
    }
    this.pace.renew();
    if (this.#waiting.size > 0) this.#scheduleTurn();
  }
}
