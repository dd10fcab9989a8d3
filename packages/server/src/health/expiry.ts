/**
 * Expiry: what happens to leases that have lapsed. They wait a moment, in which a late heartbeat calls
 * them back; then, unless self-preservation holds them, their verdicts are committed in batches. A
 * commit that fails is tried again: verdicts say how things are, so saying them twice does no harm.
 *
 *   lapsed ──1 s──► yield to I/O ──► decide ──expire──► commit ──► done
 *                       ▲              │ hold              │ failed
 *                       └─────1 s──────┴───────────────────┘
 */

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Command, UpdateChecks } from '../registry/command.ts';
import type { Registry } from '../registry/registry.ts';
import type { Lapsed, Lease, LeaseKind } from './lease.ts';
import { instancesMin, SelfPreservation, type Loss } from './self-preservation.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

/**
 * How long a lapsed lease waits for its verdict. Long enough to see a mass loss coming before its first
 * victims are gone, short beside any TTL.
 */
export const holdMs = 1_000;

/** Pause between two looks at what is held back or could not be committed. */
const againMs = 1_000;

/** Leases that lapse within this of each other share a sweep. */
const sweepMs = 100;

/** Verdicts passed together: some 20 ms of work for the registry, then the sockets have their turn. */
const batchMax = 1_024;

/** What an operator is told about a freeze. */
export interface FreezeStatus {
  readonly frozen: boolean;
  /** Wall clock, in milliseconds, of the freeze's beginning; absent when not frozen. */
  readonly sinceMs?: number;
  /** Leases that have lapsed and wait. */
  readonly held: number;
  /** Their share of all leases, 0 to 1. */
  readonly share: number;
}

export interface ExpiryOptions {
  /** What lapses here, for the log: `leases`, `removals`. */
  readonly name: string;
  readonly registry: Registry;
  readonly wheel: Wheel;
  /** The clock that the wheel runs on. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the sockets were read (see `stall-guard.ts`). */
  readonly yieldToIo: () => Promise<void>;
  /** How many leases there are that vouch for something, lapsed ones included. */
  readonly population: () => number;
  /** Counts verdicts that took effect. */
  readonly onExpired: (kind: LeaseKind) => void;
  readonly onFrozen: (frozen: boolean) => void;
  /** True while expiry shall wait for a reason of somebody else's. */
  readonly paused?: () => boolean;
}

export class Expiry implements Lapsed {
  readonly #options: ExpiryOptions;
  readonly #preservation = new SelfPreservation();
  /** Lapsed leases and since when they wait, on the liveness clock. */
  readonly #lapsed = new Map<Lease, number>();
  /** Set while anything waits. */
  readonly #sweepTimer: WheelTimer;
  #sweeping = false;
  #sinceMs = 0;
  #closed = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#sweepTimer = options.wheel.schedule(Infinity, () => void this.#sweep());
  }

  get frozen(): boolean {
    return this.#preservation.frozen;
  }

  /** Takes over a lease that has just lapsed. */
  add(lease: Lease): void {
    if (this.#lapsed.size === 0 && !this.#sweeping) this.#sweepTimer.renew(holdMs);
    this.#lapsed.set(lease, this.#options.clock.monotonic());
  }

  /** The lease came back, or is not wanted any more. */
  drop(lease: Lease): void {
    this.#lapsed.delete(lease);
  }

  status(): FreezeStatus {
    const { leases, of } = this.#missing();
    return {
      frozen: this.frozen,
      ...(this.frozen ? { sinceMs: this.#sinceMs } : {}),
      held: this.#lapsed.size,
      share: of === 0 ? 0 : leases / of,
    };
  }

  /** Ends a freeze and lets everything that waits expire. @returns how many leases that is */
  override(): number {
    const held = [...this.#lapsed.keys()];
    if (this.frozen) {
      this.#preservation.override();
      this.#options.onFrozen(false);
      this.#options.log.warn({ of: this.#options.name, held: held.length }, 'an operator let expiries through');
    }
    void this.#expire(held, { asLoss: false });
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
      const ripe = [...this.#lapsed].filter(([, since]) => now - since >= holdMs);
      void this.#expire(ripe.map(([lease]) => lease), { asLoss: true });
    }
    const [oldest] = this.#lapsed.values();
    if (!mayExpire) this.#sweepTimer.renew(againMs);
    else if (oldest !== undefined) this.#sweepTimer.renew(Math.max(sweepMs, oldest + holdMs - now));
  }

  #decide(now: number): boolean {
    const { log, name, clock, onFrozen } = this.#options;
    const wasFrozen = this.frozen;
    const missing = this.#missing();
    const decision = this.#preservation.decide(missing, now);
    if (decision === 'hold' && !wasFrozen) {
      this.#sinceMs = clock.now();
      onFrozen(true);
      log.error(
        { of: name, lapsed: missing.leases, all: missing.of },
        'too many lapsed at once: expiry is frozen until they come back or an operator overrides it',
      );
    }
    if (decision === 'thaw') {
      onFrozen(false);
      log.warn({ of: name, missing: missing.leases, all: missing.of }, 'expiry goes on; what is missing starts anew');
      // Their time in full: those that are alive have had no chance to say so since it ended.
      for (const lease of [...this.#lapsed.keys()]) lease.renew();
    }
    return decision === 'expire';
  }

  #missing(): Loss {
    return { ...countLoss(this.#lapsed.keys()), of: this.#options.population() };
  }

  /** Passes the verdicts, some at a time, on what has not come back when its turn comes. */
  async #expire(leases: readonly Lease[], how: { readonly asLoss: boolean }): Promise<void> {
    for (const lease of leases) this.#lapsed.delete(lease);
    for (let from = 0; from < leases.length && !this.#closed; from += batchMax) {
      if (from > 0) await this.#options.yieldToIo();
      const batch = leases.slice(from, from + batchMax).filter(({ state }) => state === 'lapsed');
      await Promise.all(this.#commands(batch).map((command) => this.#commit(command, how)));
    }
  }

  /** What to commit, with the leases whose verdict it is: checks together, the others one by one. */
  #commands(leases: readonly Lease[]): Verdict[] {
    const verdicts: Verdict[] = [];
    const checks: Lease[] = [];
    const updates: UpdateChecks['updates'][number][] = [];
    for (const lease of leases) {
      const command = lease.verdict();
      lease.end();
      if (command === undefined) lease.ended();
      else if (command.kind !== 'update-checks') verdicts.push({ command, leases: [lease] });
      else {
        checks.push(lease);
        updates.push(...command.updates);
      }
    }
    if (checks.length > 0) verdicts.push({ command: { kind: 'update-checks', updates }, leases: checks });
    return verdicts;
  }

  async #commit({ command, leases }: Verdict, { asLoss }: { readonly asLoss: boolean }): Promise<void> {
    const { registry, clock, log, onExpired } = this.#options;
    const loss = countLoss(leases);
    try {
      await registry.submit(command);
    } catch (err) {
      if (this.#closed) return;
      log.warn({ err, leases: leases.length }, 'an expiry could not be committed; it is tried again');
      for (const lease of leases) if (lease.notEnded()) this.add(lease);
      return;
    }
    for (const lease of leases) {
      lease.ended();
      onExpired(lease.kind);
    }
    if (asLoss) this.#preservation.expired(loss.leases, loss.instances, clock.monotonic());
  }
}

interface Verdict {
  readonly command: Command;
  readonly leases: readonly Lease[];
}

function countLoss(lapsed: Iterable<Lease>): { leases: number; instances: number } {
  let leases = 0;
  const instances = new Set<string>();
  for (const lease of lapsed) {
    if (!lease.vouches()) continue;
    leases++;
    if (instances.size >= instancesMin) continue;
    for (const instance of lease.instances()) instances.add(instance);
  }
  return { leases, instances: instances.size };
}
