/**
 * A signal with a time limit. `AbortSignal.any([signal, AbortSignal.timeout(ms)])` is not one in Node 20: nothing but the combined signal
 * refers to the time-out, and it only weakly, so a garbage collection removes the limit, and the caller waits without one.
 */

/**
 * @param ms until it aborts with a `TimeoutError`, in milliseconds, 0 or more
 * @param signal with which it aborts, too
 */
export function withTimeLimit(ms: number, signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  if (signal === undefined) return limit;
  // A time-out with a listener exists until its time is over.
  limit.addEventListener('abort', () => {}, { once: true });
  return AbortSignal.any([signal, limit]);
}
