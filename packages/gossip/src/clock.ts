/**
 * Time and randomness as dependencies, so that tests and the simulator control them. Nothing else in this package reads
 * a clock, sets a timer or draws a random number.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For timestamps only. */
  now(): number;
  /** Milliseconds on a clock that never jumps; for every deadline and duration. */
  monotonic(): number;
  /** Runs `callback` once after `delayMs`; the result cancels it. Does not keep the process running. */
  timer(delayMs: number, callback: () => void): () => void;
}

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};

export const systemRandom: Random = Math.random;
