/**
 * A lease: something that stands only while it is renewed. When it lapses it goes to `Expiry`, which
 * holds it, may give it back, and in the end commits what the lease says shall become of it.
 *
 *   stopped ──renew──► running ──time──► lapsed ──expiry──► ending ──committed──► stopped
 *      ▲                 ▲ │                │                  │
 *      └──────stop───────┼─┴────────────────┤                  │ not committed: lapsed again
 *                        └──renew, restart──┴──────renew───────┘
 */

import type { Command } from '../registry/command.ts';
import type { Stake } from './census.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

export type LeaseState = 'stopped' | 'running' | 'lapsed' | 'ending';

/** What lapses, as metrics and logs name it. */
export type LeaseKind = 'check' | 'session' | 'stream' | 'removal';

/** Where lapsed leases wait (`expiry.ts`). */
export interface Lapsed {
  add(lease: Lease): void;
  drop(lease: Lease): void;
}

export abstract class Lease {
  abstract readonly kind: LeaseKind;
  /** What the lease runs for when it is renewed, in milliseconds. */
  lengthMs: number;
  /** Its place in the census; absent when its expiry takes nothing away from those who discover. */
  stake: Stake | undefined = undefined;
  readonly #wheel: Wheel;
  readonly #lapsed: Lapsed;
  #timer: WheelTimer | undefined;
  #state: LeaseState = 'stopped';

  constructor(wheel: Wheel, lapsed: Lapsed, lengthMs: number) {
    this.#wheel = wheel;
    this.#lapsed = lapsed;
    this.lengthMs = lengthMs;
  }

  /** What to commit when it expires; undefined when there is nothing to say. */
  abstract verdict(): Command | undefined;

  /** Record keys of what goes with it, as self-preservation counts it. */
  abstract instances(): Iterable<string>;

  get state(): LeaseState {
    return this.#state;
  }

  /** Starts its time anew; O(1), and nothing is allocated after the first time. */
  renew(lengthMs: number = this.lengthMs): void {
    if (this.#state === 'lapsed') this.#lapsed.drop(this);
    this.#state = 'running';
    if (this.#timer === undefined) this.#timer = this.#wheel.schedule(lengthMs, () => this.#lapse());
    else this.#timer.renew(lengthMs);
  }

  stop(): void {
    if (this.#state === 'lapsed') this.#lapsed.drop(this);
    this.#state = 'stopped';
    this.#timer?.cancel();
  }

  /** Expiry has begun to commit the verdict. */
  end(): void {
    this.#state = 'ending';
  }

  /** The verdict is committed, or there was none. Without effect when it was renewed meanwhile. */
  ended(): void {
    if (this.#state === 'ending') this.#state = 'stopped';
  }

  /** The verdict could not be committed. @returns whether it still stands */
  notEnded(): boolean {
    if (this.#state !== 'ending') return false;
    this.#state = 'lapsed';
    return true;
  }

  #lapse(): void {
    this.#state = 'lapsed';
    this.#lapsed.add(this);
  }
}
