/**
 * Replication with the peers of a Eureka cluster: it tells them what happens to instances that are registered here, by any protocol, and
 * keeps those alive that they vouch for. What came from a peer is never sent back. Among several nodes of one store, the owner of an
 * instance's deadline does this for it. What peers tell us is taken in by the routes (`inbound.ts`).
 */

import type { Health } from '../../../health/health.ts';
import type { Ownership } from '../../../health/ownership.ts';
import type { Wheel, WheelTimer } from '../../../health/wheel.ts';
import { inTurns } from '../../../in-turns.ts';
import type { RowChange } from '../../../registry/kinds.ts';
import { instanceKey } from '../../../registry/kind/catalog/keys.ts';
import { isRegistrysOwn } from '../../../registry/kind/catalog/registrys-own.ts';
import type { CheckRow, InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import type { Observer } from '../../../registry/observer.ts';
import type { Registry } from '../../../registry/registry.ts';
import { namespace } from '../names.ts';
import { touchedBy } from '../touched.ts';
import { overriddenOf } from '../translate.ts';
import type { Inbound } from './inbound.ts';
import { compare } from './comparison.ts';
import type { Message, MessageAnswer } from './messages.ts';
import type { InstanceName, NewsKind } from './news.ts';
import type { PeerClient } from './peer-client.ts';
import { PeerLink, type PeerLinkOptions, type Side } from './peer-link.ts';
import { differs, leaseOf, overriddenHere, ownerKey, trackedOf, type Tracked } from './tracked.ts';
import { Vouching } from './vouching.ts';

/** Eureka's clients renew every 30 s by default; shorter leases are renewed three times in their length. */
const heartbeatMs = 30_000;

/** How long a start waits for peers. */
const joinMs = 5_000;

/** How often the owners of instances are looked at, where several nodes share a store. */
const ownersMs = 1_000;

/** A shorter one would send a heartbeat for an instance whose client has just missed one. */
const renewedWithin = 1.5;

export interface ReplicationOptions {
  readonly registry: Registry;
  readonly health: Health;
  readonly wheel: Wheel;
  readonly ownership: Pick<Ownership, 'owns' | 'generation'>;
  readonly clients: readonly PeerClient[];
  readonly inbound: Inbound;
  readonly random: () => number;
  readonly log: PeerLinkOptions['log'];
  readonly count: PeerLinkOptions['count'];
}

interface Entry {
  tracked: Tracked;
  /** Whether this node tells about it, or keeps it alive. */
  mine: boolean;
  timer: WheelTimer | undefined;
}

export class Replication implements Observer, Side {
  readonly #options: ReplicationOptions;
  readonly #links: readonly PeerLink[];
  readonly #vouching: Vouching;
  /** By record key. */
  readonly #entries = new Map<string, Entry>();
  /** Record keys by app and id. */
  readonly #keys = new Map<string, string>();
  #generation: number;
  #stopObserving = () => {};
  #closed = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { clients, wheel, random, log, count } = options;
    const schedule = (delayMs: number, callback: () => void) => wheel.schedule(delayMs, callback);
    this.#links = clients.map((client) => new PeerLink({ client, side: this, schedule, random, log, count }));
    this.#vouching = new Vouching({ health: options.health, wheel, links: this.#links });
    this.#generation = options.ownership.generation;
  }

  /** How many peers are away. */
  get away(): number {
    return this.#links.filter(({ joined }) => !joined).length;
  }

  /** How many instances have news that wait for a peer, over all peers. */
  get pending(): number {
    return this.#links.reduce((sum, link) => sum + link.pending, 0);
  }

  /** How many instances this node keeps alive whose clients talk to a peer. */
  get ofPeers(): number {
    let count = 0;
    for (const { mine, tracked } of this.#entries.values()) if (mine && tracked.replicated && !tracked.lapsed) count++;
    return count;
  }

  /** Resolves when the peers that can be reached soon have joined, so that this server does not begin with less than they have. */
  async start(): Promise<void> {
    this.#stopObserving = this.#options.registry.observe(this);
    await this.#followAll();
    this.#watchOwners();
    let late: WheelTimer | undefined;
    const patience = new Promise<void>((resolve) => (late = this.#options.wheel.schedule(joinMs, resolve)));
    await Promise.race([Promise.all(this.#links.map((link) => link.start())), patience]);
    late?.cancel();
  }

  close(): void {
    this.#closed = true;
    this.#stopObserving();
    for (const link of this.#links) link.close();
    for (const { timer } of this.#entries.values()) timer?.cancel();
  }

  /** A client has deregistered an instance here that it had registered at a peer. */
  cancelled(name: InstanceName): void {
    this.#tell(name, 'cancel');
  }

  observe(changes: readonly RowChange[]): void {
    for (const change of changes) this.#follow(change);
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    for (const change of changes) {
      this.#follow(change);
      yield;
    }
  }

  messages(name: InstanceName, kinds: ReadonlySet<NewsKind>): readonly Message[] {
    if (kinds.has('cancel')) return [{ action: 'Cancel', ...name }];
    const entry = this.#named(name);
    if (entry === undefined || entry.tracked.lapsed) return [];
    const { info, row, replicated } = entry.tracked;
    const { status, lastDirtyTimestamp } = info;
    const about = { ...name, lastDirtyTimestamp, status };
    const messages: Message[] = [];
    if (kinds.has('register') && !replicated) messages.push({ action: 'Register', ...about, info: { ...info, actionType: 'ADDED' } });
    if (kinds.has('override')) {
      const override = overriddenOf(row.override);
      messages.push(override === 'UNKNOWN' ? { action: 'DeleteStatusOverride', ...about } : { action: 'StatusUpdate', ...about, status: override });
    }
    if (kinds.has('heartbeat') && !replicated && !kinds.has('register')) {
      messages.push({ action: 'Heartbeat', ...about, ...(info.overriddenStatus === 'UNKNOWN' ? {} : { overriddenStatus: info.overriddenStatus }) });
    }
    return messages;
  }

  compare(instances: Iterable<unknown>, client: PeerClient, removes: (name: InstanceName) => boolean): ReturnType<Side['compare']> {
    const { inbound, ownership } = this.#options;
    return compare(instances, {
      ...{ client, inbound, removes, mine: () => this.#mine() },
      owns: (key) => ownership.owns(key),
      find: (name) => this.#named(name)?.tracked,
    });
  }

  /** Shows the present entries, even if they change between two steps. */
  *#mine(): Generator<Tracked, void, undefined> {
    for (const { mine, tracked } of this.#entries.values()) if (mine) yield tracked;
  }

  async newer({ info }: MessageAnswer): Promise<void> {
    if (info !== undefined) await this.#options.inbound.adopt(info);
  }

  #named({ app, id }: InstanceName): Entry | undefined {
    const key = this.#keys.get(`${app}\0${id}`);
    return key === undefined ? undefined : this.#entries.get(key);
  }

  #follow(change: RowChange): void {
    const { state } = this.#options.registry;
    for (const { key } of touchedBy(state, change)) this.#touch(key);
    const row = change.after ?? change.before;
    if (row?.kind !== 'claim') return;
    // Another node watches a deadline now, and tells about its instance.
    const check = state.get(row.of) as CheckRow | undefined;
    const entry = check === undefined ? undefined : this.#entries.get(instanceKey(namespace, check.node, check.instance));
    if (entry !== undefined) this.#reown(entry);
  }

  /** @param key record key of an instance */
  #touch(key: string): void {
    const { state } = this.#options.registry;
    const row = state.get(key) as InstanceRow | undefined;
    const entry = this.#entries.get(key);
    const tracked = row === undefined ? undefined : trackedOf(state, row);
    // An instance that moved to another app is another one to Eureka.
    const isRenamed = entry !== undefined && tracked !== undefined && nameText(entry.tracked.name) !== nameText(tracked.name);
    if (entry !== undefined && (tracked === undefined || isRenamed)) this.#removed(key, entry);
    if (tracked === undefined) return;
    if (entry === undefined || isRenamed) this.#added(key, tracked);
    else this.#changed(entry, tracked);
  }

  #added(key: string, tracked: Tracked): void {
    const mine = this.#isMine(tracked);
    const entry: Entry = { tracked, mine, timer: undefined };
    this.#entries.set(key, entry);
    this.#keys.set(nameText(tracked.name), key);
    if (!mine) return;
    this.#watch(entry);
    if (!tracked.replicated && !tracked.lapsed) this.#tell(tracked.name, 'register');
  }

  #changed(entry: Entry, after: Tracked): void {
    const before = entry.tracked;
    entry.tracked = after;
    this.#reown(entry);
    if (!entry.mine) return;
    if (before.replicated !== after.replicated || before.lapsed !== after.lapsed || durationOf(before) !== durationOf(after)) this.#watch(entry);
    if (after.lapsed) return;
    if (!after.replicated && differs(before, after)) this.#tell(after.name, 'register');
    if (overriddenHere(before, after)) this.#tell(after.name, 'override');
  }

  #removed(key: string, { tracked, mine, timer }: Entry): void {
    timer?.cancel();
    this.#entries.delete(key);
    const text = nameText(tracked.name);
    if (this.#keys.get(text) === key) this.#keys.delete(text);
    // An eviction is no word of the client: it may live at a peer.
    if (mine && !tracked.replicated && !tracked.lapsed) this.#tell(tracked.name, 'cancel');
  }

  #isMine({ row }: Tracked): boolean {
    return !isRegistrysOwn(row) && this.#options.ownership.owns(ownerKey(row));
  }

  #tell(name: InstanceName, kind: NewsKind): void {
    for (const link of this.#links) link.tell(name, kind);
  }

  /** Starts its timer anew: heartbeats of ours, a look at the lease of a replicated one. */
  #watch(entry: Entry): void {
    entry.timer?.cancel();
    const { tracked } = entry;
    const lease = leaseOf(this.#options.registry.state, tracked.row);
    if (tracked.lapsed || (tracked.replicated && lease === undefined)) return;
    if (tracked.replicated && lease !== undefined) {
      entry.timer = this.#vouching.watch(tracked.name, lease, () => this.#entries.get(tracked.key) === entry && entry.mine);
      return;
    }
    const everyMs = Math.min(heartbeatMs, (lease?.ttlMs ?? Infinity) / 3);
    const beat = () => {
      if (this.#closed || !entry.mine) return;
      // Our own look at its lease: heartbeats of its client, or a stream or check that keeps it here.
      const agoMs = lease === undefined ? 0 : this.#options.health.renewedMsAgo(namespace, '', lease.id);
      if (agoMs !== undefined && agoMs <= everyMs * renewedWithin) this.#tell(entry.tracked.name, 'heartbeat');
      timer.renew(everyMs);
    };
    // Spread, so that they do not all come at once after a start.
    const timer = this.#options.wheel.schedule(everyMs * (0.5 + this.#options.random() / 2), beat);
    entry.timer = timer;
  }

  async #followAll(): Promise<void> {
    const { registry } = this.#options;
    function* steps(self: Replication): Generator<void, void, undefined> {
      for (const [key, row] of registry.state.rows()) {
        if (row.kind === 'instance' && row.namespace === namespace && !self.#entries.has(key)) self.#touch(key);
        yield;
      }
    }
    await inTurns(steps(this));
  }

  /** Other members, other owners: what is newly ours is compared with what the peers have. */
  #watchOwners(): void {
    const { ownership, wheel } = this.#options;
    const look = () => {
      if (this.#closed) return;
      if (ownership.generation !== this.#generation) {
        this.#generation = ownership.generation;
        void this.#reownAll();
      }
      timer.renew(ownersMs);
    };
    const timer = wheel.schedule(ownersMs, look);
  }

  async #reownAll(): Promise<void> {
    function* steps(self: Replication): Generator<void, void, undefined> {
      for (const entry of self.#entries.values()) {
        if (self.#closed) return;
        self.#reown(entry);
        yield;
      }
    }
    await inTurns(steps(this));
    if (!this.#closed) for (const link of this.#links) link.compareAgain();
  }

  #reown(entry: Entry): void {
    const mine = this.#isMine(entry.tracked);
    if (mine === entry.mine) return;
    entry.mine = mine;
    if (mine) this.#watch(entry);
    else entry.timer?.cancel();
  }
}

function nameText({ app, id }: InstanceName): string {
  return `${app}\0${id}`;
}

function durationOf({ info }: Tracked): number {
  return info.leaseInfo.durationInSecs;
}
