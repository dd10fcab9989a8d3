/**
 * Visits every open stream at even intervals, a few at a time, and pings a quarter of those that it visits, so that
 * 10,000 pings, and the answers to them, do not come in one burst. While a change is being pushed to streams, pings wait
 * for the next visit, once: pushes come first.
 *
 * Silence is counted in visits, not in time: when the server itself stalls, the visits stall with
 * it, and a stall of any length costs each stream one visit, after which what it sent is read.
 */

import type { Clock } from '../../clock.ts';
import type { Wheel } from '../../health/wheel.ts';

/** Pause between two pings of a stream, unless a ping waits for pushes. Any traffic of the client counts as the answer. */
export const pingMs = 1_000;

const visitMs = 250;
const visitsPerPing = pingMs / visitMs;

/**
 * A stream is cut at the ninth quiet visit in a row: 2.25 to 2.5 s after its last sign of life, so
 * that a half-open connection is found within 3 s and a client may stall for almost as long.
 */
const quietMax = 9;

/**
 * A stream with a full send buffer shows its life by reading, and the kernel reports that coarsely:
 * on a slow line, megabytes may be on their way. So it gets 10 seconds.
 */
const stuckMax = 40;

/** Streams are spread over this many slots, one of which is visited every 25 ms. */
const slots = 10;
const slotMs = visitMs / slots;

export interface Visited {
  visit(quietMax: number, stuckMax: number, withPing: boolean): void;
}

export class PingSweep<V extends Visited> {
  readonly #wheel: Wheel;
  readonly #clock: Clock;
  readonly #slots: Set<V>[] = Array.from({ length: slots }, () => new Set<V>());
  readonly #slotOf = new Map<V, Set<V>>();
  readonly #isBusy: () => boolean;
  /** Slots whose pings wait for the next visit. */
  readonly #owed = new Set<number>();
  #timer: { cancel(): void } | undefined;
  /** Slots visited so far. */
  #visited = 0;
  /** When the next slot is due, on the monotonic clock. */
  #due = 0;

  /** @param isBusy whether pushes are waiting, which are more urgent than pings */
  constructor(wheel: Wheel, clock: Clock, isBusy: () => boolean) {
    this.#wheel = wheel;
    this.#clock = clock;
    this.#isBusy = isBusy;
  }

  add(stream: V): void {
    let emptiest = this.#slots[0] as Set<V>;
    for (const slot of this.#slots) if (slot.size < emptiest.size) emptiest = slot;
    emptiest.add(stream);
    this.#slotOf.set(stream, emptiest);
    if (this.#timer === undefined) this.#start();
  }

  remove(stream: V): void {
    this.#slotOf.get(stream)?.delete(stream);
    this.#slotOf.delete(stream);
    if (this.#slotOf.size === 0) this.close();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #start(): void {
    this.#due = this.#clock.monotonic() + slotMs;
    const timer = this.#wheel.schedule(slotMs, () => {
      if (this.#timer !== timer) return;
      const now = this.#clock.monotonic();
      // After a stall every slot is visited at most once; missed visits are not repeated.
      for (let turns = 0; this.#due <= now && turns < slots; turns++) {
        this.#due += slotMs;
        this.#visitNext();
      }
      this.#due = Math.max(this.#due, now);
      if (this.#timer === timer) timer.renew(slotMs);
    });
    this.#timer = timer;
  }

  #visitNext(): void {
    const index = this.#visited % slots;
    const round = Math.floor(this.#visited / slots);
    this.#visited++;
    const withPing = this.#pingsNow(index, (round + index) % visitsPerPing === 0);
    for (const stream of this.#slots[index] as Set<V>) stream.visit(quietMax, stuckMax, withPing);
  }

  #pingsNow(index: number, due: boolean): boolean {
    if (this.#owed.delete(index)) return true;
    if (!due) return false;
    if (!this.#isBusy()) return true;
    this.#owed.add(index);
    return false;
  }
}
