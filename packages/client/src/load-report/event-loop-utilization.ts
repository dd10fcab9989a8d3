/**
 * How busy this process's event loop is: the utilisation that a server of JavaScript reports, since it can run on one core
 * only. It says nothing of what a server waits for: a database that is full leaves the event loop idle.
 */

import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Shorter spans than this, in milliseconds, say more of single requests than of the load. */
const spanMs = 500;

/**
 * For `new LoadMeter(undefined, eventLoopUtilization())`.
 * @returns a function that gives the share of time, from 0 to 1, that the event loop was busy in the latest span of half a
 *   second or more; undefined before the first has passed
 */
export function eventLoopUtilization(measure: () => EventLoopUtilization = () => performance.eventLoopUtilization()): () => number | undefined {
  let start = measure();
  let latest: number | undefined;
  return () => {
    const now = measure();
    const active = now.active - start.active;
    const passed = active + now.idle - start.idle;
    if (passed >= spanMs) {
      latest = active / passed;
      start = now;
    }
    return latest;
  };
}
