/**
 * Time and randomness as dependencies, so that tests control them. Nothing else in the client reads a clock,
 * sets a timer or draws a random number.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For timestamps only. */
  now(): number;
  /** Milliseconds on a clock that never jumps; for every deadline and duration. */
  monotonic(): number;
  /**
   * Runs `callback` once after `delayMs`, but after 25 days at the latest; the result cancels it. Does not keep the
   * process running.
   */
  timer(delayMs: number, callback: () => void): () => void;
}

/** Longest interval of a timer, in milliseconds: about 25 days; Node treats a longer one as 1. */
const intervalMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, callback) {
    const timeout = setTimeout(callback, Math.min(delayMs, intervalMax));
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};

/** Resolves after `ms`; the timer does not keep the process running. @throws the signal's reason when it aborts before */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      stop();
      reject(signal?.reason as Error);
    };
    const stop = clock.timer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

export const systemRandom: Random = Math.random;

/**
 * Keeps the process running. Timers and sockets of the client do not: between two connections
 * there may be none.
 * @returns a function that lets the process end; it may be called more than once
 */
export function keepAlive(): () => void {
  const interval = setInterval(() => {}, intervalMax);
  return () => clearInterval(interval);
}
