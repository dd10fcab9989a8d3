/** A wait for an answer ends in time, but only after the answers that have arrived are read. */

import { expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { silenceTimer, wasHeldUp } from './held-up.ts';

it.each([
  ['a timer that is in time', 0, 100, false],
  ['a small delay', 10, 20, false],
  ['a delay of a quarter of a long wait', 250, 1_000, false],
  ['more than a quarter of it', 251, 1_000, true],
  ['more than small collections of garbage take', 11, 20, true],
])('%s: %i ms late after %i ms: held up is %s', (_what, lateMs, waitMs, heldUp) => {
  expect(wasHeldUp(lateMs, waitMs)).toBe(heldUp);
});

function waiting(waitMs: number) {
  const clock = manualClock();
  const told: number[] = [];
  const cancel = silenceTimer(clock, waitMs, () => told.push(clock.monotonic()));
  return { clock, told, cancel };
}

it('reports silence when its time is over', () => {
  const { clock, told } = waiting(100);
  clock.advance(200);
  expect(told).toEqual([100]);
});

it('lets a process that was held up read first, and is cancelled if it then reads the answer', () => {
  const { clock, told, cancel } = waiting(100);
  clock.stall(500);
  clock.timer(0, () => {
    // Takes the place of the poll phase, which comes before the next timers.
    expect(told).toEqual([]);
    cancel();
  });
  clock.advance(1);
  expect(told).toEqual([]);
});

it('waits for only one more read', () => {
  const { clock, told } = waiting(100);
  clock.stall(500);
  clock.advance(0);
  clock.stall(500);
  clock.advance(1);
  expect(told).toEqual([1_000]);
});
