/**
 * A timing wheel: any number of deadlines on one timer of the clock.
 *
 *      10 ms      ┌─┬─┬─┬ 32 ┬─┐      a timer hangs in the finest wheel that reaches its deadline;
 *      a slot     │ │■│ │ … │ │      when its slot comes up it moves to a finer one, at last it fires
 *                 └─┴┬┴─┴────┴─┘
 *     320 ms      ┌─┬┴┬─┬────┬─┐      0.32 s · 10.24 s · 5 min 28 s · 2 h 55 min · 93 h 12 min reach;
 *      a slot     │■│ │ │ … │ │      a longer one goes round the last wheel again
 *                 └┬┴─┴─┴────┴─┘
 *     10.2 s      ┌┴┬─┬─┬────┬─┐      between occupied slots the wheel sleeps
 *      a slot     │ │ │■│ … │ │
 *                 └─┴─┴─┴────┴─┘      (details, source and costs: wheel-slots.ts)
 *
 * Schedule, renew and cancel are O(1); renew and cancel allocate nothing. A timer never fires early,
 * and fires at most one tick late while the event loop is free. Not for durations that must
 * survive the process.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { Entry, Slots } from './wheel-slots.ts';

/** A hundredth of the shortest deadline here, 1 s; coarse enough to share wake-ups. */
export const tickMs = 10;

export interface WheelTimer {
  /** Restarts the time; O(1). Also revives a timer that has fired or was cancelled. */
  renew(delayMs: number): void;
  /** O(1). Does nothing when the timer has fired or was cancelled already. */
  cancel(): void;
  /** Milliseconds until it fires, to a tick; of a timer that does not run, something past. */
  readonly leftMs: number;
}

export interface WheelOptions {
  readonly clock: Clock;
  /** Called with an error that a callback threw; the wheel continues. Must not throw. */
  readonly onError: (error: unknown) => void;
}

class Timer extends Entry implements WheelTimer {
  readonly #wheel: Wheel;
  readonly callback: () => void;

  constructor(wheel: Wheel, callback: () => void) {
    super();
    this.#wheel = wheel;
    this.callback = callback;
  }

  renew(delayMs: number): void {
    this.#wheel.renew(this, delayMs);
  }

  cancel(): void {
    this.#wheel.cancel(this);
  }

  get leftMs(): number {
    return this.#wheel.left(this);
  }
}

export class Wheel {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #origin: number;
  readonly #slots = new Slots();
  /** The tick that the clock's timer is set for, at or before the next occupied slot; -Infinity: do not set it. */
  #armed = Infinity;
  #disarm: () => void = () => {};
  #closed = false;

  constructor(options: WheelOptions) {
    this.#clock = options.clock;
    this.#onError = options.onError;
    this.#origin = options.clock.monotonic();
  }

  /** How many timers are waiting. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * Runs `callback` once after `delayMs`; the handle renews or cancels it.
   * @param delayMs without an upper limit; `Infinity` never fires; a negative one counts as 0
   * @throws RegistryError `invalid_argument` if `delayMs` is not a number
   */
  schedule(delayMs: number, callback: () => void): WheelTimer {
    const timer = new Timer(this, callback);
    this.renew(timer, delayMs);
    return timer;
  }

  /** Implements a timer's `renew`. */
  renew(timer: Timer, delayMs: number): void {
    if (Number.isNaN(delayMs)) throw new RegistryError('invalid_argument', 'a delay must be a number of milliseconds');
    const elapsedMs = this.#elapsedMs();
    const tick = Math.floor(elapsedMs / tickMs);
    // Nothing was due meanwhile; counted from here the timer finds its finest level.
    if (tick < this.#armed) this.#slots.skipTo(tick);
    this.#slots.put(timer, Math.ceil((elapsedMs + delayMs) / tickMs));
    if (timer.visit < this.#armed) this.#arm(timer.visit);
  }

  /** Implements a timer's `cancel`. */
  cancel(timer: Timer): void {
    // The clock's timer stays set: one needless wake-up is cheaper than setting it at every cancel.
    this.#slots.remove(timer);
  }

  /** Implements a timer's `leftMs`. */
  left(timer: Timer): number {
    return timer.deadline * tickMs - this.#elapsedMs();
  }

  /** After this no timer fires. */
  close(): void {
    this.#closed = true;
    this.#arm(-Infinity);
  }

  #elapsedMs(): number {
    return this.#clock.monotonic() - this.#origin;
  }

  #arm(tick: number): void {
    this.#disarm();
    this.#armed = tick;
    if (!Number.isFinite(tick)) {
      this.#disarm = () => {};
      return;
    }
    // Rounded up: clocks count whole milliseconds, and waking up early would only mean to sleep again.
    const delayMs = Math.ceil(tick * tickMs - this.#elapsedMs());
    this.#disarm = this.#clock.timer(Math.max(0, delayMs), this.#wake);
  }

  readonly #wake = (): void => {
    // Timers set by callbacks do not touch the clock; it is set once at the end.
    this.#armed = -Infinity;
    this.#slots.advance(Math.floor(this.#elapsedMs() / tickMs), this.#fire);
    if (!this.#closed) this.#arm(this.#slots.next());
  };

  readonly #fire = (entry: Entry): void => {
    if (this.#closed) return;
    try {
      (entry as Timer).callback();
    } catch (error) {
      this.#onError(error);
    }
  };
}
