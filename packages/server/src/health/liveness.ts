/**
 * Liveness: who is alive, and what becomes of those who are not. Ties leases, probes and the reaper to
 * the registry: follows its rows, and commits what time or a probe has changed. Holds no state that
 * must survive the process: after a start every deadline begins in full.
 */

import type { SecureContext } from 'node:tls';
import type { CheckStatus } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Limits } from '../options.ts';
import type { Registry } from '../registry/registry.ts';
import { keys, type Row, type RowChange } from '../registry/rows.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Expiry, type FreezeStatus } from './expiry.ts';
import type { Health } from './health.ts';
import { Heartbeats } from './heartbeats.ts';
import type { Resolve } from '../outbound/address-policy.ts';
import { grpcProbe } from './probes/grpc.ts';
import { httpProbe } from './probes/http.ts';
import { capOutput } from './probes/output.ts';
import { Prober } from './probes/prober.ts';
import { tcpProbe } from './probes/tcp.ts';
import { Reaper } from './reaper.ts';
import { Reports } from './reports.ts';
import { Sessions } from './sessions.ts';
import { StallGuard, yieldToIo } from './stall-guard.ts';
import { Wheel } from './wheel.ts';

/** Shorter stalls happen on every busy machine; the metrics count them. */
const stallWorthSayingMs = 1_000;

export interface LivenessOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly limits: Pick<Limits, 'probesMax'>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves when the sockets were read; three turns of the event loop by default. */
  readonly yieldToIo?: () => Promise<void>;
  /** Resolves the hosts of probes. */
  readonly resolve: Resolve;
  /** The authorities whose certificates probes trust; the well-known ones by default. */
  readonly probeTrust?: SecureContext | undefined;
}

export class Liveness implements Health {
  readonly #registry: Registry;
  readonly #metrics: Metrics;
  readonly #guard: StallGuard;
  readonly #wheel: Wheel;
  readonly #leases: Expiry;
  readonly #removals: Expiry;
  readonly #heartbeats: Heartbeats;
  readonly #sessions: Sessions;
  readonly #reaper: Reaper;
  readonly #prober: Prober;
  readonly #yes = Promise.resolve(true);
  readonly #no = Promise.resolve(false);
  #started = false;

  constructor(options: LivenessOptions) {
    const { registry, metrics } = options;
    const log = options.log.child({ part: 'liveness' });
    this.#registry = registry;
    this.#metrics = metrics;
    const clock = new StallGuard({
      clock: options.clock,
      onStall: (forgivenMs) => {
        metrics.stalls.inc();
        metrics.stallSeconds.inc(forgivenMs / 1_000);
        const level = forgivenMs >= stallWorthSayingMs ? 'warn' : 'debug';
        log[level]({ forgivenMs }, 'this process was stalled; deadlines were extended');
      },
    });
    const wheel = new Wheel({ clock, onError: (err) => log.error({ err }, 'a deadline failed') });
    const reports = new Reports({ registry, wheel, clock, log });
    const expiry = { registry, wheel, clock, log, yieldToIo: options.yieldToIo ?? yieldToIo };
    this.#guard = clock;
    this.#wheel = wheel;
    this.#leases = new Expiry({
      ...expiry,
      name: 'leases',
      population: () => this.#heartbeats.vouching + this.#sessions.size,
      onExpired: (kind) => metrics.expiries.inc({ kind }),
      onFrozen: (frozen) => {
        this.#showFrozen();
        if (!frozen) this.#reaper.restart();
      },
    });
    this.#removals = new Expiry({
      ...expiry,
      name: 'removals',
      population: () => this.#reaper.size,
      onExpired: (kind) => metrics.expiries.inc({ kind }),
      onFrozen: () => this.#showFrozen(),
      paused: () => this.#leases.frozen,
    });
    this.#heartbeats = new Heartbeats({ wheel, expiry: this.#leases, reports });
    this.#sessions = new Sessions({ registry, wheel, expiry: this.#leases, log });
    this.#reaper = new Reaper({ wheel, expiry: this.#removals });
    const { resolve } = options;
    this.#prober = new Prober({
      probes: { http: httpProbe(resolve, options.probeTrust), tcp: tcpProbe(resolve), grpc: grpcProbe(resolve, options.probeTrust) },
      wheel,
      reports,
      log,
      runningMax: options.limits.probesMax,
      random: options.random,
      onProbed: (kind, outcome) => metrics.probes.inc({ kind, outcome }),
    });
  }

  /** Takes over what the registry holds; to be called once, when its state is complete. */
  start(): void {
    this.#started = true;
    for (const [key, row] of this.#registry.state.rows()) this.#follow(key, row.kind, row, true);
  }

  /** Follows a batch that the registry has applied; before `start` it is ignored. */
  observe(changes: readonly RowChange[]): void {
    if (!this.#started) return;
    for (const { key, before, after } of changes) this.#follow(key, (after ?? before)?.kind, after, false);
  }

  beat(node: string, check: string, status: CheckStatus, output: string): Promise<boolean> {
    const taken = this.#heartbeats.beat(keys.check(node, check), status, capOutput(output));
    if (taken === false) return this.#no;
    this.#metrics.heartbeats.inc();
    return taken === true ? this.#yes : taken.then(() => true);
  }

  restart(node: string, check: string): void {
    this.#heartbeats.restart(keys.check(node, check));
  }

  output(node: string, check: string): string | undefined {
    const key = keys.check(node, check);
    const report = this.#heartbeats.report(key) ?? this.#prober.report(key);
    return report === undefined || report.output === report.rowOutput ? undefined : report.output;
  }

  renewSession(id: string): boolean {
    const renewed = this.#sessions.renew(id);
    if (renewed) this.#metrics.heartbeats.inc();
    return renewed;
  }

  streamOpened(id: string): Promise<void> {
    return this.#sessions.opened(id);
  }

  streamClosed(id: string): Promise<void> {
    return this.#sessions.closed(id);
  }

  /** For the operator: whether expiry is frozen, since when, what is held and which share that is. */
  status(): FreezeStatus {
    const leases = this.#leases.status();
    const removals = this.#removals.status();
    const [worse, other] = removals.frozen && !leases.frozen ? [removals, leases] : [leases, removals];
    return { ...worse, held: worse.held + other.held, share: Math.max(worse.share, other.share) };
  }

  /** An operator's word that the loss is real: what is held expires now. @returns how much that is */
  override(): number {
    // In this order: when leases thaw, the removals that wait begin anew.
    const removals = this.#removals.override();
    return removals + this.#leases.override();
  }

  /** Stops every timer and probe. Outputs that were not committed yet are lost; statuses never are. */
  close(): void {
    this.#prober.close();
    this.#leases.close();
    this.#removals.close();
    this.#wheel.close();
    this.#guard.close();
    this.#started = false;
  }

  #follow(key: string, kind: Row['kind'] | undefined, row: Row | undefined, starting: boolean): void {
    if (kind === 'check') {
      const check = row?.kind === 'check' ? row : undefined;
      this.#heartbeats.follow(key, check);
      this.#prober.follow(key, check, starting);
      this.#reaper.follow(key, check);
    } else if (kind === 'session') {
      this.#sessions.follow(key, row?.kind === 'session' ? row : undefined, starting);
    }
  }

  #showFrozen(): void {
    this.#metrics.expiryFrozen.set(Number(this.#leases.frozen || this.#removals.frozen));
  }
}
