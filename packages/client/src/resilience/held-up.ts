/**
 * Tells a silent endpoint from a delay of this process. A process that is held up (too little CPU, a long
 * garbage collection, a paused machine) runs its timers before it reads the data that arrived meanwhile, so
 * answers that came in time seem late. A timer that fires late shows this.
 *
 * Node's event loop runs timers first and reads sockets after them:
 * https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
 */

import type { Clock } from '../clock.ts';

/** Milliseconds by which a timer may be late in a healthy process: small garbage collections take this long. */
const lateMsMin = 10;
/** The same as a share of the wait: a delay that is small compared with the wait does not extend it. */
const lateShare = 0.25;

/**
 * Whether this process was held up while it waited.
 * @param lateMs by how much the timer fired late
 * @param waitMs the delay of the timer
 */
export function wasHeldUp(lateMs: number, waitMs: number): boolean {
  return lateMs > Math.max(lateMsMin, waitMs * lateShare);
}

/**
 * A timer for an answer that does not come: if this process was held up, it first reads the data that has
 * arrived. It does so once, so the wait ends at most one turn of the event loop later.
 * @param onSilence not called if reading the data cancels the timer
 * @returns a function that cancels the timer
 */
export function silenceTimer(clock: Clock, waitMs: number, onSilence: () => void): () => void {
  const dueAt = clock.monotonic() + waitMs;
  let cancel = clock.timer(waitMs, () => {
    if (!wasHeldUp(clock.monotonic() - dueAt, waitMs)) onSilence();
    else cancel = clock.timer(1, onSilence);
  });
  return () => cancel();
}
