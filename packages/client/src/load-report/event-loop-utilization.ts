/**
 * Utilisation of this process's event loop, for servers that are limited by JavaScript on one core. It does not show
 * time spent waiting: while a database is overloaded, the event loop is idle.
 */

import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Least span, in milliseconds: shorter spans show single requests, not the load. */
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
