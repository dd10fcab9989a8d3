/** The timing wheel against a naive list, and what it promises about time, errors and sleep. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { manualClock } from '../manual-clock.case.ts';
import { tickMs, Wheel, type WheelTimer } from './wheel.ts';

const hour = 3_600_000;
const day = 24 * hour;

function make(clock: Clock = manualClock()) {
  const errors: unknown[] = [];
  return { errors, wheel: new Wheel({ clock, onError: (error) => errors.push(error) }) };
}

/** A clock that counts how often it was asked for a wake-up. */
function countingClock() {
  const clock = manualClock();
  let wakes = 0;
  const counting: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    timer: (ms, callback) =>
      clock.timer(ms, () => {
        wakes++;
        callback();
      }),
  };
  return { clock, counting, wakes: () => wakes };
}

describe('a timer', () => {
  it.each([0, 1, 9, 10, 11, 319, 320, 321, 10_239, 10_240, 10_241, 327_680, hour, day, 100 * hour, 40 * day])(
    'of %i ms fires then or within a tick',
    (delayMs) => {
      const clock = manualClock();
      const { wheel } = make(clock);
      clock.advance(7);
      let firedAt = -1;
      wheel.schedule(delayMs, () => (firedAt = clock.monotonic() - 7));
      clock.advance(delayMs + 2 * tickMs);
      expect(firedAt).toBeGreaterThanOrEqual(delayMs);
      expect(firedAt).toBeLessThanOrEqual(delayMs + tickMs);
    },
  );

  it('never fires when its delay is infinite, and can still be renewed', () => {
    const clock = manualClock();
    const { wheel } = make(clock);
    let fired = 0;
    const timer = wheel.schedule(Infinity, () => fired++);
    clock.advance(30 * day);
    expect(fired).toBe(0);
    timer.renew(1_000);
    clock.advance(1_010);
    expect(fired).toBe(1);
  });

  it('refuses a delay that is not a number, and treats a negative delay as 0', () => {
    const clock = manualClock();
    const { wheel } = make(clock);
    expect(() => wheel.schedule(Number.NaN, () => {})).toThrow(/must be a number/);
    expect(wheel.size).toBe(0);
    clock.advance(1_000);
    let firedAt = -1;
    const timer = wheel.schedule(5_000, () => (firedAt = clock.monotonic()));
    timer.renew(-3_000);
    clock.advance(5_000);
    expect(firedAt).toBe(1_000 + tickMs);
  });

  it('still fires on time in a process that has been up for years', () => {
    const clock = manualClock();
    const { wheel } = make(clock);
    clock.stall(3_000 * day + 3);
    const started = clock.monotonic();
    const fired: number[] = [];
    for (const delayMs of [500, 20_000, 2 * day]) {
      wheel.schedule(delayMs, () => fired.push(clock.monotonic() - started - delayMs));
    }
    clock.advance(3 * day);
    expect(fired).toHaveLength(3);
    for (const late of fired) expect(late).toBeGreaterThanOrEqual(0);
    for (const late of fired) expect(late).toBeLessThanOrEqual(tickMs);
  });

  it('can cancel and renew any timer from its callback, including itself', () => {
    const clock = manualClock();
    const { wheel } = make(clock);
    const log: string[] = [];
    const others: WheelTimer[] = [];
    const self = wheel.schedule(100, () => {
      log.push('self');
      if (log.length === 1) self.renew(100);
      others[0]?.cancel();
      others[1]?.renew(1_000);
    });
    others.push(wheel.schedule(100, () => log.push('cancelled')));
    others.push(wheel.schedule(100, () => log.push('renewed')));
    clock.advance(500);
    expect(log).toEqual(['self', 'self']);
    clock.advance(1_000);
    expect(log).toEqual(['self', 'self', 'renewed']);
    expect(wheel.size).toBe(0);
  });
});

describe('the wheel', () => {
  type Op =
    | { readonly kind: 'schedule' | 'renew'; readonly timer: number; readonly delayMs: number }
    | { readonly kind: 'cancel'; readonly timer: number }
    | { readonly kind: 'advance' | 'stall'; readonly ms: number };
  const timer = fc.nat(19);
  const duration = fc.oneof(fc.nat(50), fc.nat(2_000), fc.nat(400_000), fc.nat(2 * day), fc.nat(10 * day));
  const op: fc.Arbitrary<Op> = fc.oneof(
    fc.record({ kind: fc.constantFrom('schedule' as const, 'renew' as const), timer, delayMs: duration }),
    fc.record({ kind: fc.constant('cancel' as const), timer }),
    fc.record({ kind: fc.constant('advance' as const), ms: duration }),
    fc.record({ kind: fc.constant('stall' as const), ms: duration }),
  );

  it('fires the same timers at the same times as a sorted list', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 100 }), (ops) => {
        const clock = manualClock();
        const { wheel, errors } = make(clock);
        const timers: (WheelTimer | undefined)[] = [];
        const fired: string[] = [];
        const expected: string[] = [];
        const waiting = new Map<number, number>();
        // A timer is due at the first tick at or after its deadline, and after the tick in which it was made.
        const dueAt = (delayMs: number) => {
          const now = clock.monotonic();
          return Math.max(Math.ceil((now + delayMs) / tickMs), Math.floor(now / tickMs) + 1) * tickMs;
        };
        const passTo = (end: number, seenAt: (due: number) => number) => {
          const due = [...waiting].filter(([, at]) => at <= end).sort((a, b) => a[1] - b[1]);
          for (const [index, at] of due) {
            waiting.delete(index);
            expected.push(`${index} at ${seenAt(at)}`);
          }
        };
        for (const next of ops) {
          switch (next.kind) {
            case 'schedule':
              timers[next.timer]?.cancel();
              timers[next.timer] = wheel.schedule(next.delayMs, () => fired.push(`${next.timer} at ${clock.monotonic()}`));
              waiting.set(next.timer, dueAt(next.delayMs));
              break;
            case 'renew':
              if (timers[next.timer] === undefined) break;
              timers[next.timer]?.renew(next.delayMs);
              waiting.set(next.timer, dueAt(next.delayMs));
              break;
            case 'cancel':
              timers[next.timer]?.cancel();
              waiting.delete(next.timer);
              break;
            case 'advance':
              passTo(clock.monotonic() + next.ms, (at) => at);
              clock.advance(next.ms);
              break;
            case 'stall': {
              // Nothing fires during a stall; what came due fires together at its end.
              clock.stall(next.ms);
              const now = clock.monotonic();
              passTo(now, () => now);
              clock.advance(0);
            }
          }
          // Timers of one tick fire in any order.
          expect(fired.sort()).toEqual(expected.sort());
          expect(wheel.size).toBe(waiting.size);
        }
        expect(errors).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('continues after a callback throws, and reports the error', () => {
    const clock = manualClock();
    const { wheel, errors } = make(clock);
    let fired = 0;
    wheel.schedule(100, () => {
      throw new Error('broken');
    });
    wheel.schedule(100, () => fired++);
    wheel.schedule(5_000, () => fired++);
    clock.advance(6_000);
    expect(fired).toBe(2);
    expect(errors).toEqual([new Error('broken')]);
  });

  it('sleeps while no timer is due: a single timer of a day causes only a few wake-ups', () => {
    const { clock, counting, wakes } = countingClock();
    const { wheel } = make(counting);
    let fired = false;
    wheel.schedule(day, () => (fired = true));
    clock.advance(day + tickMs);
    expect(fired).toBe(true);
    expect(wakes()).toBeLessThanOrEqual(5);
    clock.advance(30 * day);
    expect(wakes()).toBeLessThanOrEqual(5);
  });

  it('wakes up about once per deadline for a timer that is renewed continuously', () => {
    const { clock, counting, wakes } = countingClock();
    const { wheel } = make(counting);
    const timer = wheel.schedule(10_000, () => expect.unreachable());
    for (let second = 0; second < 1_000; second++) {
      clock.advance(1_000);
      timer.renew(10_000);
    }
    expect(wakes()).toBeLessThan(400);
  });

  it('sets the clock once for a thousand timers of the same time', () => {
    const clock = manualClock();
    let set = 0;
    const { wheel } = make({
      ...clock,
      timer: (ms, callback) => {
        set++;
        return clock.timer(ms, callback);
      },
    });
    for (let index = 0; index < 1_000; index++) wheel.schedule(10_000, () => {});
    expect(set).toBe(1);
  });

  it('fires nothing after it was closed, not even the remaining timers of the same tick', () => {
    const clock = manualClock();
    const { wheel } = make(clock);
    let fired = 0;
    for (let index = 0; index < 3; index++) {
      wheel.schedule(50, () => {
        fired++;
        wheel.close();
      });
    }
    clock.advance(hour);
    wheel.schedule(50, () => fired++);
    clock.advance(hour);
    expect(fired).toBe(1);
  });
});
