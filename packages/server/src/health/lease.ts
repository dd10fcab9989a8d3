/**
 * A lease: something that stands only while it is renewed. When it lapses it goes to `Expiry`, which
 * holds it, may give it back, and in the end commits what the lease says shall become of it.
 *
 *   stopped ──renew──► running ──time──► lapsed ──expiry──► ending ──committed──► stopped
 *      ▲                 ▲ │                │                  │
 *      └──────stop───────┼─┴────────────────┤                  │ not committed: lapsed again
 *                        └──renew, restart──┴──────renew───────┘
 */

import type { Command } from '../registry/kinds.ts';
import type { Stake } from './census.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

export type LeaseState = 'stopped' | 'running' | 'lapsed' | 'ending';

/** What lapses, as metrics and logs name it. */
export type LeaseKind = 'check' | 'session' | 'stream' | 'removal';

/** What a lease needs to run. */
export interface LeaseOptions {
  readonly wheel: Wheel;
  readonly expiry: Lapsed;
  /** Whether this node watches the deadline; without that, the lease never runs here. */
  readonly owned: () => boolean;
}

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
  readonly #options: LeaseOptions;
  #timer: WheelTimer | undefined;
  #state: LeaseState = 'stopped';

  constructor(options: LeaseOptions, lengthMs: number) {
    this.#options = options;
    this.lengthMs = lengthMs;
  }

  /**
   * What to commit when it expires; undefined when there is nothing to say. It names the revision of the record that it judges: if
   * something newer was said of it meanwhile, the verdict does nothing.
   */
  abstract verdict(): Command | undefined;

  /** Whether there is nothing to watch any more: the verdict has taken effect, or the record needs none. */
  abstract isOver(): boolean;

  /** Record keys of what goes with it, as self-preservation counts it. */
  abstract instances(): Iterable<string>;

  get state(): LeaseState {
    return this.#state;
  }

  /** Starts its time anew; O(1), and nothing is allocated after the first time. */
  renew(lengthMs: number = this.lengthMs): void {
    if (!this.#options.owned()) {
      this.stop();
      return;
    }
    if (this.#state === 'lapsed') this.#options.expiry.drop(this);
    this.#state = 'running';
    if (this.#timer === undefined) this.#timer = this.#options.wheel.schedule(lengthMs, () => this.#lapse());
    else this.#timer.renew(lengthMs);
  }

  stop(): void {
    if (this.#state === 'lapsed') this.#options.expiry.drop(this);
    this.#state = 'stopped';
    this.#timer?.cancel();
  }

  /** Expiry has begun to commit the verdict. */
  end(): void {
    this.#state = 'ending';
  }

  /**
   * The verdict is committed, or there was none. If something newer was said meanwhile, the lease begins anew. Without effect
   * when it was renewed meanwhile.
   * @returns whether the verdict has taken effect
   */
  ended(): boolean {
    const isOver = this.isOver();
    if (this.#state === 'ending') {
      this.#state = 'stopped';
      if (!isOver) this.renew();
    }
    return isOver;
  }

  /** The verdict could not be committed. @returns whether it still stands */
  notEnded(): boolean {
    if (this.#state !== 'ending') return false;
    this.#state = 'lapsed';
    return true;
  }

  #lapse(): void {
    this.#state = 'lapsed';
    this.#options.expiry.add(this);
  }
}
