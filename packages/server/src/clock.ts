/**
 * The clock is a dependency, so that tests can move it. No other file of the server reads the time.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For timestamps and lock delays only. */
  now(): number;
  /** Milliseconds on a clock that never jumps; for every deadline and duration. */
  monotonic(): number;
  /** Runs `callback` once after `delayMs`; the result cancels it. It does not keep the process alive. */
  timer(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};
