/**
 * Whether silence is the endpoint's or our own. A process that is held up (too little CPU, a long garbage
 * collection, a paused machine) runs its timers before it reads what has arrived meanwhile: answers then look late
 * that were in time. A timer that fires late says so.
 *
 * Node's event loop runs timers first and reads sockets after them:
 * https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
 */

import type { Clock } from '../clock.ts';

/** Milliseconds that a timer may be late in a healthy process: small collections of garbage take so long. */
const lateMsMin = 10;
/** The same as a share of the wait: a delay that matters little to a long wait is no reason to wait longer. */
const lateShare = 0.25;

/**
 * Whether this process was held up while it waited.
 * @param lateMs by how much the timer fired late
 * @param waitMs what it was set for
 */
export function wasHeldUp(lateMs: number, waitMs: number): boolean {
  return lateMs > Math.max(lateMsMin, waitMs * lateShare);
}

/**
 * A timer for an answer that does not come: when this process was held up, what has arrived is read first. It looks
 * once, so the wait ends one turn of the event loop later at the latest.
 * @param onSilence not called if the timer is cancelled by what was read
 * @returns cancels it
 */
export function silenceTimer(clock: Clock, waitMs: number, onSilence: () => void): () => void {
  const dueAt = clock.monotonic() + waitMs;
  let cancel = clock.timer(waitMs, () => {
    if (!wasHeldUp(clock.monotonic() - dueAt, waitMs)) onSilence();
    else cancel = clock.timer(1, onSilence);
  });
  return () => cancel();
}
