/**
 * The clock of liveness: it counts the time in which this process could have received a heartbeat.
 *
 * After the event loop was blocked (a long garbage collection, a stopped process, a paused machine),
 * timers run *before* the heartbeats that queued in the sockets are read: on the ordinary clock every
 * deadline that passed meanwhile would fire for instances that are alive. This clock is read every
 * 250 ms and counts at most 500 ms between two readings. So a stall of any length ages no deadline by more
 * than that; all deadlines move by the rest of the stall at no
 * cost. `yieldToIo` does the rest: the heartbeats are read before anything expires.
 *
 * An observer that accounts for its own slowness is Lifeguard's idea: Dadgar, Phillips, Currey, "Local
 * health awareness for more accurate failure detection", 2017 (https://arxiv.org/abs/1707.00788).
 */

import type { Clock } from '../clock.ts';

/** Rare enough to cost nothing, often enough that one missed look is short beside a TTL of 1 s. */
const lookMs = 250;

/** A reading may be late by its whole interval: far more than the pause of a usual garbage collection. */
export const gapMaxMs = 2 * lookMs;

export interface StallGuardOptions {
  readonly clock: Clock;
  /** Called for every stall, with the part of it, in milliseconds, that no deadline was charged with. */
  readonly onStall: (forgivenMs: number) => void;
}

export class StallGuard implements Clock {
  readonly #clock: Clock;
  readonly #onStall: (forgivenMs: number) => void;
  /** When the clock beneath was last looked at, and what this clock showed then. */
  #seen: number;
  #shown = 0;
  #stop: () => void;

  /** Starts to read the clock; `close` ends it. */
  constructor(options: StallGuardOptions) {
    this.#clock = options.clock;
    this.#onStall = options.onStall;
    this.#seen = options.clock.monotonic();
    this.#stop = options.clock.timer(lookMs, this.#look);
  }

  now(): number {
    return this.#clock.now();
  }

  /** Milliseconds without stalls; never goes back. */
  monotonic(): number {
    const gap = this.#clock.monotonic() - this.#seen;
    return gap <= gapMaxMs ? this.#shown + gap : this.#afterStall(gap);
  }

  timer(delayMs: number, callback: () => void): () => void {
    return this.#clock.timer(delayMs, callback);
  }

  close(): void {
    this.#stop();
  }

  readonly #look = (): void => {
    this.#shown = this.monotonic();
    this.#seen = this.#clock.monotonic();
    this.#stop = this.#clock.timer(lookMs, this.#look);
  };

  #afterStall(gap: number): number {
    this.#shown += gapMaxMs;
    this.#seen += gap;
    this.#onStall(gap - gapMaxMs);
    return this.#shown;
  }
}

/**
 * Resolves after the event loop has read what waits in its sockets: each turn passes the poll phase
 * once. Two turns, since a connection that is accepted in the first is read in the second; one more
 * for a request whose body follows its head.
 */
export async function yieldToIo(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
}
