/** What is told of a subject that flaps, stays, recovers or goes. */

import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { Steady } from './steady.ts';

let clock: ManualClock;
let told: string[];
let steady: Steady<string>;
beforeEach(() => {
  clock = manualClock();
  told = [];
  steady = new Steady(clock, (subject, isBad) => told.push(`${subject} ${isBad ? 'bad' : 'good'}`));
});
const turn = (isBad: boolean, after = 1) => steady.turn('k', 'a', isBad, { forMs: 5_000, after });

describe('a subject', () => {
  it('that stays bad is told once, and that stays good afterwards, too', () => {
    turn(true);
    clock.advance(4_999);
    expect(told).toEqual([]);
    clock.advance(1);
    clock.advance(60_000);
    expect(told).toEqual(['a bad']);
    turn(false);
    clock.advance(5_000);
    expect(told).toEqual(['a bad', 'a good']);
  });

  it('that flaps tells nothing', () => {
    for (let flap = 0; flap < 10; flap++) {
      turn(true);
      clock.advance(4_000);
      turn(false);
      clock.advance(4_000);
    }
    clock.advance(60_000);
    expect(told).toEqual([]);
  });

  it('that recovers for a moment stays told', () => {
    turn(true);
    clock.advance(5_000);
    turn(false);
    clock.advance(1_000);
    turn(true);
    clock.advance(60_000);
    expect(told).toEqual(['a bad']);
  });

  it('that was bad before it was followed is told when it is good', () => {
    turn(false);
    clock.advance(5_000);
    expect(told).toEqual(['a good']);
  });

  it('that is gone tells nothing more', () => {
    turn(true);
    steady.forget('k');
    clock.advance(60_000);
    expect(told).toEqual([]);
  });

  it('holds the revision back at which it was as it was told, while it waits', () => {
    expect(steady.waitsAfter).toBe(Infinity);
    turn(true, 7);
    turn(false, 8);
    expect(steady.waitsAfter).toBe(Infinity);
    turn(true, 9);
    turn(true, 10);
    expect(steady.waitsAfter).toBe(9);
    clock.advance(5_000);
    expect(steady.waitsAfter).toBe(Infinity);
    turn(false, 12);
    expect(steady.waitsAfter).toBe(12);
    clock.advance(5_000);
    expect([steady.waitsAfter, told]).toEqual([Infinity, ['a bad', 'a good']]);
  });

  it('beyond 10,000 is not followed', () => {
    for (let each = 0; each < 10_000; each++) expect(steady.turn(String(each), 'x', true, { forMs: 5_000, after: 1 })).toBe(true);
    expect(steady.turn('one more', 'x', true, { forMs: 5_000, after: 1 })).toBe(false);
  });
});
