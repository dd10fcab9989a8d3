/**
 * Keeps the process running, as an open database connection does: sockets and timers of the client
 * do not, since between two connections there may be none.
 */

/** Longest interval that a timer takes, about 25 days. */
const longestMs = 2 ** 31 - 1;

/** @returns lets the process end; idempotent */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, longestMs);
  return () => clearInterval(timer);
}
