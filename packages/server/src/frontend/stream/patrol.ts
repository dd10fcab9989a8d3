/**
 * Visits every open stream at even intervals, a few at a time, so that 10,000 pings do not leave
 * in one burst.
 *
 * Silence is counted in visits, not in time: when the server itself stalls, the visits stall with
 * it, and a stall of any length costs each stream one visit, after which what it sent is read.
 */

import type { Clock } from '../../clock.ts';
import type { Wheel } from '../../health/wheel.ts';

/** Pause between two pings of a stream. Any traffic of the client counts as the answer. */
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

export class Patrol<V extends Visited> {
  readonly #wheel: Wheel;
  readonly #clock: Clock;
  readonly #slots: Set<V>[] = Array.from({ length: slots }, () => new Set<V>());
  readonly #slotOf = new Map<V, Set<V>>();
  #timer: { cancel(): void } | undefined;
  /** Slots visited so far; every fourth round brings a ping. */
  #visited = 0;
  /** When the next slot is due, on the monotonic clock. */
  #due = 0;

  constructor(wheel: Wheel, clock: Clock) {
    this.#wheel = wheel;
    this.#clock = clock;
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
      // After a stall every slot is visited at most once; what was missed before is not made up for.
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
    const slot = this.#slots[this.#visited % slots] as Set<V>;
    const withPing = this.#visited % (visitsPerPing * slots) < slots;
    this.#visited++;
    for (const stream of slot) stream.visit(quietMax, stuckMax, withPing);
  }
}
