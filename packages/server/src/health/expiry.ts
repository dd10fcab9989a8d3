/**
 * Expiry takes over leases that have lapsed. They wait for a second, in which a late heartbeat can renew them. Then their
 * verdicts are committed in batches, unless self-preservation holds them. A failed commit is tried again: a verdict
 * describes a state, so committing it twice is harmless.
 *
 *   lapsed ──1 s──► yield to I/O ──► decide ──expire──► commit ──► done
 *                       ▲              │ hold              │ failed
 *                       └─────1 s──────┴───────────────────┘
 */

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import { Tally, type Causes, type Census, type Stake } from './census.ts';
import type { Lapsed, Lease, LeaseKind } from './lease.ts';
import { Losses } from './losses.ts';
import { instancesMin, isMassLoss, SelfPreservation, windowMs, type Loss } from './self-preservation.ts';
import { countInstances, verdictsOn, type Verdict } from './verdicts.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

/**
 * How long a lapsed lease waits for its verdict. Long enough to recognise a mass loss before its first leases expire, and
 * short compared to any TTL.
 */
const holdMs = 1_000;

/** Pause between two tries to expire leases that are held, or whose commit failed. */
const againMs = 1_000;

/** Leases that lapse within this of each other share a sweep. */
const sweepMs = 100;

/** Verdicts committed together: some 20 ms of work for the registry; then the sockets are read. */
const batchMax = 1_024;

/** The report about a freeze for operators. */
export interface FreezeStatus {
  readonly frozen: boolean;
  /** Wall clock, in milliseconds, of the freeze's beginning; absent when not frozen. */
  readonly sinceMs?: number;
  /** Wall clock, in milliseconds, at which it ends without new evidence; absent when not frozen. */
  readonly untilMs?: number;
  /** Lapsed leases that wait. */
  readonly held: number;
  /** The same by kind; absent when not frozen. */
  readonly kinds?: Readonly<Partial<Record<LeaseKind, number>>>;
  /** Their share of all leases, 0 to 1. */
  readonly share: number;
  /** The nodes, services and principals that have lost most; absent when not frozen. */
  readonly causes?: Causes;
}

export interface ExpiryOptions {
  /** The name of the leases in the log: `leases`, `removals`. */
  readonly name: string;
  readonly registry: Registry;
  readonly wheel: Wheel;
  /** The clock that the wheel runs on. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the sockets were read (see `stall-guard.ts`). */
  readonly yieldToIo: () => Promise<void>;
  /** Of the leases that vouch for something, lapsed ones included. */
  readonly census: Census;
  /** Counts verdicts that took effect. */
  readonly onExpired: (kind: LeaseKind) => void;
  /** Called when a freeze begins, when new evidence makes it last longer, and when it ends. */
  readonly onFrozen: (frozen: boolean) => void;
  /** True while expiry must wait for another reason. */
  readonly paused?: () => boolean;
}

/** A lapsed lease, for self-preservation. */
interface Held {
  /** Since when it waits, on the liveness clock. */
  readonly since: number;
  /** Absent if it vouches for nothing, or if its loss is considered real. */
  readonly stake: Stake | undefined;
  /** The evidence that it may be part of. */
  readonly evidence: Tally;
}

export class Expiry implements Lapsed {
  readonly #options: ExpiryOptions;
  readonly #preservation = new SelfPreservation();
  readonly #lapsed = new Map<Lease, Held>();
  readonly #losses: Losses;
  /** The part of the missing leases that lapsed since the last evidence of a mass loss. */
  #fresh: Tally;
  /** Runs while anything waits. */
  readonly #sweepTimer: WheelTimer;
  #sweeping = false;
  #sinceMs = 0;
  #closed = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#losses = new Losses(options.census);
    this.#fresh = new Tally(options.census);
    this.#sweepTimer = options.wheel.schedule(Infinity, () => void this.#sweep());
  }

  get frozen(): boolean {
    return this.#preservation.frozen;
  }

  /** Takes over a lease that has just lapsed. */
  add(lease: Lease): void {
    this.#hold(lease, lease.stake);
  }

  /** The lease was renewed, or is not needed any more. */
  drop(lease: Lease): void {
    const held = this.#lapsed.get(lease);
    if (held === undefined) return;
    this.#lapsed.delete(lease);
    if (held.stake === undefined) return;
    this.#losses.return(held.stake);
    if (held.evidence === this.#fresh) this.#fresh.remove(held.stake);
  }

  /** Leases that this node watches, and that vouch for something. */
  get watched(): number {
    return this.#losses.watched;
  }

  /** This node watches one lease more, or less. */
  watch(by: 1 | -1): void {
    this.#losses.watch(by);
  }

  /** A lease that another node has watched has expired there. */
  expiredElsewhere(lease: Lease): void {
    if (lease.stake === undefined) return;
    const lapsed = () => Array.from(this.#lapsed.values()).flatMap(({ stake }) => stake ?? []);
    this.#losses.expiredElsewhere(lease.stake, countInstances(lease), this.#options.clock.monotonic(), lapsed);
    // It is forgotten after the window, if nothing lapses here until then.
    if (this.#lapsed.size === 0 && !this.#sweeping) this.#sweepTimer.renew(windowMs);
  }

  status(): FreezeStatus {
    const held = this.#lapsed.size;
    const { lapsed, leases } = this.#losses;
    const share = leases <= 0 ? 0 : lapsed / leases;
    if (!this.frozen) return { frozen: false, held, share };
    return { frozen: true, sinceMs: this.#sinceMs, untilMs: this.#untilMs(), held, share, causes: this.#losses.own.causes() };
  }

  /** Number of waiting leases of each kind. */
  kinds(): Partial<Record<LeaseKind, number>> {
    const kinds: Partial<Record<LeaseKind, number>> = {};
    for (const { kind } of this.#lapsed.keys()) kinds[kind] = (kinds[kind] ?? 0) + 1;
    return kinds;
  }

  /** Ends a freeze and lets all waiting leases expire. @returns their number */
  override(): number {
    const held = [...this.#lapsed.keys()];
    if (this.frozen) {
      this.#preservation.override();
      this.#options.log.warn({ of: this.#options.name, held: held.length }, 'an operator ended the freeze: the lapsed leases expire now');
      this.#options.onFrozen(false);
    }
    this.#settle(held);
    return held.length;
  }

  close(): void {
    this.#closed = true;
    this.#sweepTimer.cancel();
  }

  async #sweep(): Promise<void> {
    this.#sweeping = true;
    await this.#options.yieldToIo();
    this.#sweeping = false;
    if (this.#closed) return;
    const now = this.#options.clock.monotonic();
    const mayExpire = this.#options.paused?.() !== true && this.#decide(now);
    if (mayExpire) {
      const ripe = [...this.#lapsed].filter(([, { since }]) => now - since >= holdMs);
      void this.#expire(ripe.map(([lease]) => lease), { asLoss: true });
    }
    const [oldest] = this.#lapsed.values();
    if (!mayExpire) this.#sweepTimer.renew(againMs);
    else if (oldest !== undefined) this.#sweepTimer.renew(Math.max(sweepMs, oldest.since + holdMs - now));
    else if (this.#losses.waits) this.#sweepTimer.renew(windowMs);
  }

  #hold(lease: Lease, stake: Stake | undefined): void {
    if (this.#lapsed.size === 0 && !this.#sweeping) this.#sweepTimer.renew(holdMs);
    this.#lapsed.set(lease, { since: this.#options.clock.monotonic(), stake, evidence: this.#fresh });
    if (stake === undefined) return;
    this.#losses.lapse(stake);
    this.#fresh.add(stake);
  }

  /** @returns whether leases that have waited long enough may expire */
  #decide(now: number): boolean {
    const { log, clock, onFrozen } = this.#options;
    this.#losses.forget(now - windowMs);
    if (this.#losses.lapsed === 0 && !this.frozen) return true;
    const losses = this.#losses.weigh((counts) => this.#instances(counts, undefined));
    const fresh = () => ({ ...this.#fresh.loss((counts) => this.#instances(counts, this.#fresh)), watched: this.#losses.share });
    const decision = this.#preservation.decide(losses.find(isMassLoss) ?? (losses[0] as Loss), fresh, now);
    switch (decision) {
      case 'expire':
        return true;
      case 'hold':
        return false;
      case 'freeze':
        this.#sinceMs = clock.now();
        this.#fresh = new Tally(this.#options.census);
        log.error(
          { ...this.#told(), until: new Date(this.#untilMs()) },
          'too many leases lapsed at once, across the fleet: expiry is frozen until they are renewed, the freeze ends, or an operator overrides it',
        );
        onFrozen(true);
        return false;
      case 'extend':
        this.#fresh = new Tally(this.#options.census);
        log.warn({ ...this.#told(), until: new Date(this.#untilMs()) }, 'many more leases lapsed at once: the freeze is extended');
        onFrozen(true);
        return false;
      case 'thaw':
        log.warn(this.#told(), 'the freeze has ended; the missing leases get their full time again');
        onFrozen(false);
        // In full: instances that are alive have had no chance to renew since the freeze ended.
        for (const lease of [...this.#lapsed.keys()]) lease.renew();
        return false;
      case 'release':
        log.error(this.#told(), 'the freeze has reached its limit: the missing leases are considered lost and expire');
        onFrozen(false);
        this.#settle([...this.#lapsed.keys()]);
        return false;
    }
  }

  /** The fields of a log line about missing leases. */
  #told(): object {
    const { held, share } = this.status();
    return { of: this.#options.name, held, share, ...this.#losses.own.causes() };
  }

  /** Distinct instances of the stakes that count, and are part of the evidence if one is given; up to `instancesMin`. */
  #instances(counts: (stake: Stake) => boolean, evidence: Tally | undefined): number {
    const found = new Set<string>();
    for (const [lease, held] of this.#lapsed) {
      if (held.stake === undefined || (evidence !== undefined && held.evidence !== evidence) || !counts(held.stake)) continue;
      for (const instance of lease.instances()) {
        found.add(instance);
        if (found.size >= instancesMin) return instancesMin;
      }
    }
    return found.size;
  }

  #untilMs(): number {
    const { clock } = this.#options;
    return Math.round(clock.now() + this.#preservation.untilMs - clock.monotonic());
  }

  /** Lets leases expire whose loss is considered real: it is not part of any later loss. */
  #settle(leases: readonly Lease[]): void {
    this.#losses.settle();
    void this.#expire(leases, { asLoss: false });
  }

  /** Commits the verdicts in batches, on leases that were not renewed before their turn. */
  async #expire(leases: readonly Lease[], { asLoss }: { readonly asLoss: boolean }): Promise<void> {
    const endings = leases.map((lease) => ({ lease, stake: asLoss ? this.#lapsed.get(lease)?.stake : undefined }));
    for (const lease of leases) this.drop(lease);
    for (let from = 0; from < endings.length && !this.#closed; from += batchMax) {
      if (from > 0) await this.#options.yieldToIo();
      const batch = endings.slice(from, from + batchMax).filter(({ lease }) => lease.state === 'lapsed');
      await Promise.all(verdictsOn(batch).map((verdict) => this.#commit(verdict)));
    }
  }

  async #commit({ command, endings }: Verdict): Promise<void> {
    const { registry, clock, log, onExpired } = this.#options;
    // Before the commit, which takes what the leases vouched for.
    const lost = endings.flatMap(({ lease, stake }) => (stake === undefined ? [] : { like: stake, instances: countInstances(lease) }));
    try {
      await registry.submit(command);
    } catch (err) {
      if (this.#closed) return;
      log.warn({ err, leases: endings.length }, 'an expiry could not be committed; it will be tried again');
      for (const { lease, stake } of endings) if (lease.notEnded()) this.#hold(lease, stake === undefined ? undefined : lease.stake);
      return;
    }
    for (const { lease } of endings) if (lease.ended()) onExpired(lease.kind);
    const at = clock.monotonic();
    for (const { instances, like } of lost) this.#losses.expired(like, instances, at);
  }
}
