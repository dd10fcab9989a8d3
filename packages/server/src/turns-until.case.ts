/** Waits for what follows from a step of a test: turn by turn of the event loop, and as long as other threads and processes need. */

import { systemClock } from './clock.ts';

/** Enough for what happens within this process. */
const quickTurns = 100;
/** Ends a wait for something that will never be; on a busy machine a socket or a process is seconds late. */
const waitMsMax = 60_000;

/** @param advance called before each turn, for tests that drive a clock */
export async function turnsUntil(holds: () => boolean | Promise<boolean>, advance: () => void = () => {}): Promise<void> {
  const began = systemClock.monotonic();
  for (let turn = 0; turn < 5_000 || systemClock.monotonic() - began < waitMsMax; turn++) {
    if (await holds()) return;
    advance();
    // Time that a test drives must not outrun real sockets: a request would be late before its answer can come.
    await new Promise((next) => (turn < quickTurns ? setImmediate(next) : setTimeout(next, 1)));
  }
  throw new Error(`not reached in 5,000 turns of the event loop and ${waitMsMax / 1_000} s`);
}
