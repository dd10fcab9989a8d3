/**
 * A lease: a right that ends unless it is renewed. When it lapses it goes to `Expiry`, which
 * holds it, may return it, and in the end commits its verdict.
 *
 *   stopped ──renew──► running ──time──► lapsed ──expiry──► ending ──committed──► stopped
 *      ▲                 ▲ │                │                  │
 *      └──────stop───────┼─┴────────────────┤                  │ not committed: lapsed again
 *                        └──renew, restart──┴──────renew───────┘
 *
 * It runs only on the node that watches its deadline. When another node watches it from now on, it stops here, and there it begins
 * in full.
 */

import type { Command } from '../registry/kinds.ts';
import type { Judged } from '../registry/judged.ts';
import type { Stake } from './census.ts';
import type { Ownership } from './ownership.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

export type LeaseState = 'stopped' | 'running' | 'lapsed' | 'ending';

/** Kinds of leases, for metrics and logs. */
export type LeaseKind = 'check' | 'session' | 'stream' | 'removal';

/** The dependencies of a lease. */
export interface LeaseOptions {
  readonly wheel: Wheel;
  readonly expiry: Lapsed;
  /** Says whether this node watches the deadline; without that, the lease never runs here. */
  readonly ownership: () => Ownership;
}

/** Where lapsed leases wait (`expiry.ts`). */
export interface Lapsed {
  add(lease: Lease): void;
  drop(lease: Lease): void;
  /** This node watches one lease more that vouches for something, or one less. */
  watch(by: 1 | -1): void;
}

export abstract class Lease {
  abstract readonly kind: LeaseKind;
  /** Time from a renewal to the end of the lease, in milliseconds. */
  lengthMs: number;
  readonly #options: LeaseOptions;
  /** Record key of the row that has the deadline. */
  readonly key: string;
  #timer: WheelTimer | undefined;
  #state: LeaseState = 'stopped';
  #owned = false;
  /** Whether it has begun here: this node watched the deadline when that was last looked at by `reown` or `renew`. */
  #begun = false;
  #stake: Stake | undefined;
  /** Whether it is one of those that this node watches, and that vouch for something. */
  #counted = false;
  /** The generation of the ownership at which `#owned` was computed; -1: it must be computed again. */
  #foundIn = -1;

  constructor(options: LeaseOptions, key: string, lengthMs: number) {
    this.#options = options;
    this.key = key;
    this.lengthMs = lengthMs;
  }

  /** Starts its time, in full, if it has a deadline. Called when this node begins to watch the deadline. */
  abstract begin(): void;

  /**
   * The command to commit when it expires; undefined if there is none. It names the revision of the record that it judges, so
   * that it does nothing if the record has changed meanwhile.
   */
  abstract verdict(): Command | undefined;

  /** Whether it has no deadline any more: the verdict has taken effect, or the record needs none. */
  abstract isOver(): boolean;

  /** Record keys of the instances that end with it, as self-preservation counts them. */
  abstract instances(): Iterable<string>;

  get state(): LeaseState {
    return this.#state;
  }

  /** Its place in the census; absent if its expiry removes nothing from traffic, and once it is not needed any more. */
  get stake(): Stake | undefined {
    return this.#stake;
  }

  set stake(stake: Stake | undefined) {
    this.#stake = stake;
    this.#count();
  }

  /** Milliseconds since its time was last restarted in full; undefined unless it runs here. */
  get renewedMsAgo(): number | undefined {
    return this.#state === 'running' && this.#timer !== undefined ? this.lengthMs - this.#timer.leftMs : undefined;
  }

  /** Whether this node watches the deadline. */
  get owned(): boolean {
    const ownership = this.#options.ownership();
    const { generation } = ownership;
    if (this.#foundIn !== generation) {
      this.#foundIn = generation;
      this.#owned = ownership.owns(this.key);
    }
    return this.#owned;
  }

  /** Called when another node may have begun to watch the deadline, and once for a new lease. */
  reown(): void {
    this.#foundIn = -1;
    const { owned } = this;
    if (owned === this.#begun) return;
    this.#follow(owned);
    if (owned) this.begin();
    else this.stop();
  }

  /** The basis of a verdict. @param revision of the row that it judges; 0 if there is none */
  protected judged(revision: number | undefined): Judged {
    const { judge: by } = this.#options.ownership();
    return { key: this.key, revision: revision ?? 0, ...(by === undefined ? {} : { by }) };
  }

  /** Restarts its time; O(1), and allocates nothing after the first time. */
  renew(lengthMs: number = this.lengthMs): void {
    const { owned } = this;
    if (owned !== this.#begun) this.#follow(owned);
    if (!owned) {
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
   * The verdict is committed, or there was none. If the record has changed meanwhile, the lease starts again. Has no effect
   * if it was renewed meanwhile.
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

  #follow(owned: boolean): void {
    this.#begun = owned;
    this.#count();
  }

  #count(): void {
    const counts = this.#begun && this.#stake !== undefined;
    if (counts === this.#counted) return;
    this.#counted = counts;
    this.#options.expiry.watch(counts ? 1 : -1);
  }

  #lapse(): void {
    this.#state = 'lapsed';
    this.#options.expiry.add(this);
  }
}
