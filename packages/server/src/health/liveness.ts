/**
 * Liveness ties leases, probes and the reaper to the registry: it follows the rows of the registry, and commits the changes
 * that deadlines and probes cause. It holds no state that must survive the process: after a start every deadline begins in
 * full.
 */

import type { SecureContext } from 'node:tls';
import type { CheckStatus } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Limits } from '../options.ts';
import type { Registry } from '../registry/registry.ts';
import type { AnyRowChange } from '../registry/row.ts';
import { inTurns } from '../in-turns.ts';
import { checksOfInstance } from '../registry/kind/catalog/find.ts';
import { checkKey } from '../registry/kind/catalog/keys.ts';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import { sessionKey } from '../registry/kind/session/keys.ts';
import { keyOf, type RowChange } from '../registry/kinds.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Census } from './census.ts';
import { Expiry, type FreezeStatus } from './expiry.ts';
import { showFreeze } from './freeze-metrics.ts';
import type { Health } from './health.ts';
import { Heartbeats } from './heartbeats.ts';
import type { Resolve } from '../outbound/address-policy.ts';
import { capOutput } from './probes/output.ts';
import { makeProber } from './probes/make-prober.ts';
import type { ProbeResult } from './probes/probe.ts';
import type { Prober } from './probes/prober.ts';
import type { LeaseKind } from './lease.ts';
import type { Ownership } from './ownership.ts';
import { Reaper } from './reaper.ts';
import { Reowning } from './reowning.ts';
import { Reports } from './reports.ts';
import { Sessions } from './sessions.ts';
import { StallGuard, yieldToIo } from './stall-guard.ts';
import { Wheel } from './wheel.ts';
import { withDeadlines } from './with-deadlines.ts';

/** Rows whose deadlines begin, or get another owner, between two turns of the event loop: some 5 ms. */
const deadlinesPerTurn = 1_024;

/** Shorter stalls happen on every busy machine; only the metrics count them. */
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
  readonly watched = (): number => this.#leases.watched + this.#removals.watched;
  readonly #guard: StallGuard;
  readonly #wheel: Wheel;
  readonly #leases: Expiry;
  readonly #removals: Expiry;
  readonly #heartbeats: Heartbeats;
  readonly #sessions: Sessions;
  readonly #reaper: Reaper;
  readonly #prober: Prober;
  /** Of which deadlines, known from the start on. */
  #ownership: Ownership | undefined;
  /** While leases and probes do not yet follow the state: at the start, and when it was replaced. */
  #behind = false;
  /** Changes that came during the start. */
  #arrived: RowChange[] | undefined;
  readonly #reowning = new Reowning({ rows: () => withDeadlines(this.#registry.state), reown: (key) => this.#reown(key), perTurn: deadlinesPerTurn });

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
    metrics.observe('rollcall_leases_watched', 'Leases that this node watches', () => this.watched());
    metrics.observe('rollcall_expiry_held', 'Leases that have lapsed and wait', () => this.status().held);
    const reports = new Reports({ registry, wheel, clock, log });
    const leases = new Census();
    const removals = new Census();
    const expiry = { registry, wheel, clock, log, yieldToIo: options.yieldToIo ?? yieldToIo, onExpired: (kind: LeaseKind) => metrics.expiries.inc({ kind }) };
    this.#guard = clock;
    this.#wheel = wheel;
    this.#leases = new Expiry({
      ...{ ...expiry, name: 'leases', census: leases },
      onFrozen: (frozen) => {
        showFreeze(this.status(), metrics);
        if (!frozen) this.#reaper.restart();
      },
      paused: () => this.#behind,
    });
    this.#removals = new Expiry({
      ...{ ...expiry, name: 'removals', census: removals },
      onFrozen: () => showFreeze(this.status(), metrics),
      paused: () => this.#behind || this.#leases.frozen,
    });
    const ownership = () => this.#owned();
    this.#heartbeats = new Heartbeats({ registry, census: leases, wheel, expiry: this.#leases, ownership, reports });
    this.#sessions = new Sessions({ ...expiry, census: leases, expiry: this.#leases, ownership });
    this.#reaper = new Reaper({ registry, census: removals, wheel, expiry: this.#removals, ownership });
    this.#prober = makeProber({ ...options, wheel, reports, log });
  }

  /**
   * Takes over the deadlines of the registry, in slices; no verdict is committed until it has all of them. Call it once, when its state is complete.
   * @param ownership of deadlines, among the nodes of the store
   */
  async start(ownership: Ownership): Promise<void> {
    this.#ownership = ownership;
    this.#behind = true;
    this.#arrived = [];
    await inTurns(this.#startSteps(), deadlinesPerTurn);
    const arrived = this.#arrived;
    this.#arrived = undefined;
    this.#behind = false;
    this.observe(arrived);
  }

  /**
   * Any deadline may have another owner now. Deadlines that this node newly watches start in full, those that it no longer
   * watches stop; in slices, since there may be many. Until then a verdict on one of them does nothing.
   */
  reown(): void {
    this.#reowning.begin();
  }

  get holder(): string {
    return this.#owned().nodeId;
  }

  /** How many checks this node probes. */
  get probed(): number {
    return this.#prober.size;
  }

  /** Follows a batch that the registry has applied; ignored before `start`. */
  observe(changes: readonly RowChange[]): void {
    if (this.#ownership === undefined) return;
    if (this.#arrived !== undefined) {
      for (const change of changes) this.#arrived.push(change);
      return;
    }
    const sessions = new Set<string>();
    for (const change of changes) {
      this.#follow(change, false);
      if ((change.after ?? change.before)?.kind === 'instance') this.#recount(change as AnyRowChange<InstanceRow>, sessions);
    }
    for (const key of sessions) this.#sessions.recount(key);
  }

  /**
   * Takes a heartbeat that arrived at another node, or the wish for a probe of a check.
   * @param key record key of the check or the session
   * @returns `moved` when another node watches it; `absent` when there is no such check or session with a time
   * @throws RegistryError (the promise) as `beat`
   */
  async deliver(key: string, status: CheckStatus | '', output: string, principal: string): Promise<'taken' | 'moved' | 'absent'> {
    if (status === '' && this.#prober.probes(key)) {
      // Asked for through another node, which does not wait for the result.
      void this.#prober.runNow(key);
      return 'taken';
    }
    const ofCheck = this.#heartbeats.owns(key);
    const owned = ofCheck ?? this.#sessions.owns(key);
    if (owned !== true) return owned === false ? 'moved' : 'absent';
    if (ofCheck === undefined) return this.#sessions.renew(key, principal, undefined) ? 'taken' : 'absent';
    if (status === '') this.#heartbeats.restart(key, principal);
    else await this.#heartbeats.beat(key, status, output, principal);
    return 'taken';
  }

  /** Follows a state that was replaced as a whole, in steps; no verdict is committed until it is complete. */
  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    if (this.#ownership === undefined) return;
    if (this.#arrived !== undefined) return this.observe(changes);
    this.#behind = true;
    yield;
    try {
      const sessions = new Set<string>();
      for (const change of changes) {
        this.#follow(change, false);
        if ((change.after ?? change.before)?.kind === 'instance') this.#recount(change as AnyRowChange<InstanceRow>, sessions);
        yield;
      }
      for (const key of sessions) {
        this.#sessions.recount(key);
        yield;
      }
    } finally {
      this.#behind = false;
    }
  }

  beat(namespace: string, node: string, check: string, status: CheckStatus, output: string, principal: string, connection?: object): boolean | Promise<boolean> {
    const taken = this.#heartbeats.beat(checkKey(namespace, node, check), status, capOutput(output), principal, connection);
    if (taken === false) return false;
    this.#metrics.heartbeats.inc();
    return taken === true || taken.then(() => true);
  }

  restart(namespace: string, node: string, check: string, principal: string): void {
    const key = checkKey(namespace, node, check);
    this.#heartbeats.restart(key, principal);
    this.#reaper.registered(key, principal);
  }

  probe(namespace: string, node: string, check: string): Promise<ProbeResult | undefined> | 'elsewhere' {
    const key = checkKey(namespace, node, check);
    const ownership = this.#owned();
    if (ownership.owns(key)) return this.#prober.runNow(key);
    ownership.stray({ key, status: '', output: '', principal: '', connection: undefined });
    return 'elsewhere';
  }

  renewedMsAgo(namespace: string, node: string, check: string): number | undefined {
    return this.#heartbeats.renewedMsAgo(checkKey(namespace, node, check));
  }

  output(namespace: string, node: string, check: string): string | undefined {
    const key = checkKey(namespace, node, check);
    const report = this.#heartbeats.report(key) ?? this.#prober.report(key);
    return report === undefined || report.output === report.rowOutput ? undefined : report.output;
  }

  renewSession(namespace: string, id: string, principal: string, connection?: object): boolean {
    const renewed = this.#sessions.renew(sessionKey(namespace, id), principal, connection);
    if (renewed) this.#metrics.heartbeats.inc();
    return renewed;
  }

  streamOpened(namespace: string, id: string, principal: string, after?: number): Promise<boolean> {
    return this.#sessions.opened(namespace, id, principal, after);
  }

  streamClosed(namespace: string, id: string): Promise<void> {
    return this.#sessions.closed(namespace, id);
  }

  streamDismissed(namespace: string, id: string): void {
    this.#sessions.dismissed(namespace, id);
  }

  /** For operators: whether expiry is frozen, since when and until when, the waiting leases, and the causes of the loss. */
  status(): FreezeStatus {
    const leases = this.#leases.status();
    const removals = this.#removals.status();
    const [worse, other] = removals.frozen && !leases.frozen ? [removals, leases] : [leases, removals];
    const kinds = worse.frozen ? { kinds: { ...this.#leases.kinds(), ...this.#removals.kinds() } } : {};
    return { ...worse, ...kinds, held: worse.held + other.held, share: Math.max(worse.share, other.share) };
  }

  /** An operator confirms that the loss is real: waiting leases expire now. @returns their number */
  override(): number {
    // In this order: when leases thaw, the removals that wait get their full time again.
    const removals = this.#removals.override();
    return removals + this.#leases.override();
  }

  /** Stops every timer and probe. Outputs that are not yet committed are lost; statuses never are. */
  close(): void {
    this.#reowning.close();
    this.#prober.close();
    this.#leases.close();
    this.#removals.close();
    this.#sessions.close();
    this.#wheel.close();
    this.#guard.close();
    this.#ownership = undefined;
  }

  #follow({ key, before, after: row }: RowChange, starting: boolean): void {
    const any = row ?? before;
    const kind = any?.kind;
    if (kind === 'check') {
      const check = row?.kind === 'check' ? row : undefined;
      this.#heartbeats.follow(key, check);
      // A check whose deadlines another node watches is probed by that one.
      this.#prober.follow(key, this.#owned().owns(key) ? check : undefined, starting);
      this.#reaper.follow(key, check);
    } else if (kind === 'session') {
      this.#sessions.follow(key, row?.kind === 'session' ? row : undefined, starting);
    } else if (any?.kind === 'claim') {
      this.#reown(any.of);
    } else if (kind === 'members' && !starting) this.reown();
  }

  /** @param key record key of a check or a session */
  #reown(key: string): void {
    const row = this.#registry.state.get(key);
    if (row?.kind === 'check') {
      this.#heartbeats.reown(key);
      this.#reaper.reown(key);
      this.#prober.follow(key, this.#owned().owns(key) ? row : undefined, true);
    } else if (row?.kind === 'session') this.#sessions.reown(key);
  }

  /** Each step is one row. */
  *#startSteps(): Generator<void, void, undefined> {
    for (const [key, after] of withDeadlines(this.#registry.state)) {
      if (this.#ownership === undefined) return;
      this.#follow({ key, before: undefined, after }, true);
      yield;
    }
  }

  /**
   * An instance that comes, goes or gets another service changes what its checks vouch for, and its session.
   * @param sessions collects the record keys of sessions that must be counted again
   */
  #recount({ before, after }: AnyRowChange<InstanceRow>, sessions: Set<string>): void {
    if (before?.service === after?.service && before?.session === after?.session) return;
    for (const row of [before, after]) if (row?.session !== undefined) sessions.add(sessionKey(row.namespace, row.session));
    if (before === undefined || after === undefined) return;
    for (const check of checksOfInstance(this.#registry.state, after.namespace, after.node, after.id)) {
      const key = keyOf(check);
      this.#heartbeats.recount(key);
      this.#reaper.recount(key);
    }
  }

  #owned(): Ownership {
    if (this.#ownership === undefined) throw new Error('liveness has not been started');
    return this.#ownership;
  }
}
