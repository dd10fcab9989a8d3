/** Lock delays: for how long a key cannot be acquired after the session that held it has ended. */

import type { DelayRow } from './rows.ts';

/** A delay with more time left than its whole length has seen the wall clock jump back: it has lapsed, too. */
export function lapsed({ untilMs, delayMs }: DelayRow, now: number): boolean {
  const leftMs = untilMs - now;
  return leftMs <= 0 || leftMs > delayMs;
}
