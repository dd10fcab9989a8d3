/** The time from which pages count what has passed and what is left: that of the past which they show, or the clock. */

import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { asOfMs } from './as-of.ts';

/** Milliseconds since the Unix epoch. */
export function nowMs(): number {
  return asOfMs() ?? Date.now();
}

/** The same, for texts that change while the page is open: second by second, and not at all in the past. Called in a component. */
export function createNow(): Accessor<number> {
  const [clockMs, setClock] = createSignal(Date.now());
  const timer = setInterval(() => setClock(Date.now()), 1_000);
  onCleanup(() => clearInterval(timer));
  return () => asOfMs() ?? clockMs();
}
