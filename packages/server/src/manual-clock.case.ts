/** A clock that moves only when a test moves it. Due timers fire in the order of their deadlines. */

import type { Clock } from './clock.ts';

export interface ManualClock extends Clock {
  /** Moves both clocks forward and fires the timers that become due. */
  advance(ms: number): void;
  /** Moves both clocks forward and fires no timer, as during a stall of the event loop. */
  stall(ms: number): void;
  /** Moves the wall clock only. */
  jumpWall(ms: number): void;
}

export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let wall = startMs;
  let elapsed = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => wall,
    monotonic: () => elapsed,
    timer(delayMs, callback) {
      const timer = { at: elapsed + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        let next: { at: number; callback: () => void } | undefined;
        for (const timer of timers) {
          if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
        }
        if (next === undefined) break;
        timers.delete(next);
        const step = Math.max(0, next.at - elapsed);
        elapsed += step;
        wall += step;
        next.callback();
      }
      wall += end - elapsed;
      elapsed = end;
    },
    stall(ms) {
      elapsed += ms;
      wall += ms;
    },
    jumpWall(ms) {
      wall += ms;
    },
  };
}

/** Lets time pass as on a machine that is not stalled: in small steps, with turns of the event loop between them. */
export async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 200) {
    clock.advance(Math.min(left, 200));
    for (let turn = 0; turn < 4; turn++) await new Promise<void>((done) => setImmediate(done));
  }
}
