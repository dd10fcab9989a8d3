/**
 * Watches sessions. A session with a TTL is renewed by its owner. A session of a stream lives as long as the stream is open,
 * and for a grace period after it closed. A session that expires is destroyed, with the instances that it vouches for.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import { instanceKey } from '../registry/kind/catalog/keys.ts';
import { instancesOfSession } from '../registry/kind/catalog/find.ts';
import { findSession } from '../registry/kind/session/find.ts';
import { sessionKey } from '../registry/kind/session/keys.ts';
import type { SessionRow } from '../registry/kind/session/rows.ts';
import type { Command } from '../registry/kinds.ts';
import { findMember } from '../registry/kind/member/find.ts';
import type { Registry } from '../registry/registry.ts';
import { serviceName, type Census } from './census.ts';
import type { Expiry } from './expiry.ts';
import { Lease, type LeaseKind, type LeaseOptions } from './lease.ts';
import type { Ownership } from './ownership.ts';
import { machineOfSession } from './machine.ts';
import { PromptExpiry } from './prompt-expiry.ts';
import type { Wheel, WheelTimer } from './wheel.ts';

/**
 * A session expires after twice its TTL: the owner may use one TTL, the rest covers delays on the network. Consul's
 * `SessionTTLMultiplier` (`agent/structs/structs.go`).
 */
const ttlMultiplier = 2;

/** After a start of the server, clients need time to connect again, even if they asked for a shorter grace. */
const startGraceMinMs = 10_000;

const retryMs = 1_000;

class SessionLease extends Lease {
  readonly kind: 'session' | 'stream';
  readonly namespace: string;
  readonly id: string;
  readonly node: string;
  /** Opened the stream, or renewed the session, last; absent while it is unknown. */
  principal: string | undefined = undefined;
  /** The node that has the stream, as the registry says. */
  holder: string | undefined;
  /** Whether a stream is open; always false for a session with a time. */
  open = false;
  /** Epoch of the session when its stream came, or the one that a stream of this process has begun since. */
  after = 0;
  /** Its stream ended without a word about the client, which may be on another node by now: nothing is committed about that. */
  dismissed = false;
  /** No other session counts for it in self-preservation, nor does it for others. */
  readonly strict: boolean;
  readonly #registry: Registry;
  readonly #ownership: () => Ownership;

  /** The last commit of the stream's state; a later one starts after it. */
  told: Promise<void> = Promise.resolve();

  /** Shortest time that it gets. */
  readonly #leastMs: number;

  /** @param starting whether the session existed when this process started */
  constructor(options: LeaseOptions & { readonly starting: boolean }, registry: Registry, key: string, row: SessionRow) {
    super(options, key, row.liveness === 'stream' || row.strict === true || row.exact === true ? row.ttlMs : row.ttlMs * ttlMultiplier);
    this.#leastMs = row.liveness === 'stream' && options.starting ? startGraceMinMs : 0;
    this.#ownership = options.ownership;
    this.holder = row.holder;
    this.strict = row.strict === true;
    this.kind = row.liveness === 'stream' ? 'stream' : 'session';
    this.namespace = row.namespace;
    this.id = row.id;
    this.node = row.node;
    this.#registry = registry;
  }

  /** The time of an open stream does not run. Clients of a node that has died get time to find another one. */
  begin(): void {
    if (this.open) return;
    const holder = this.kind === 'stream' ? this.row()?.holder : undefined;
    const isLeft = holder !== undefined && holder !== this.#ownership().nodeId;
    this.renew(Math.max(this.lengthMs, isLeft ? startGraceMinMs : this.#leastMs));
  }

  services(): string[] {
    const services = new Set<string>();
    for (const instance of instancesOfSession(this.#registry.state, this.namespace, this.id)) services.add(serviceName(instance));
    return [...services];
  }

  *instances(): Generator<string> {
    let none = true;
    for (const { node, id } of instancesOfSession(this.#registry.state, this.namespace, this.id)) {
      none = false;
      yield instanceKey(this.namespace, node, id);
    }
    // Its owner is a process; others wait for its locks.
    if (none) yield sessionKey(this.namespace, this.id);
  }

  verdict(): Command {
    return { kind: 'session-destroy', namespace: this.namespace, id: this.id, judged: this.judged(this.row()?.modified) };
  }

  isOver(): boolean {
    const row = this.row();
    return row === undefined || row.ending === true;
  }

  row(): SessionRow | undefined {
    return findSession(this.#registry.state, this.namespace, this.id);
  }
}

export interface SessionsOptions {
  readonly census: Census;
  readonly registry: Registry;
  readonly wheel: Wheel;
  readonly expiry: Expiry;
  readonly ownership: () => Ownership;
  readonly log: Logger;
  readonly yieldToIo: () => Promise<void>;
  /** Counts strict sessions that have expired. */
  readonly onExpired: (kind: LeaseKind) => void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #leases = new Map<string, SessionLease>();
  /** Sessions whose end had begun when this process started: sessions with a holder here complete it. */
  readonly #unfinished = new Map<string, SessionRow>();
  /** Streams whose state is not yet committed. */
  readonly #untold = new Set<SessionLease>();
  readonly #prompt: PromptExpiry;
  readonly #retry: WheelTimer;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#prompt = new PromptExpiry(options);
    this.#retry = options.wheel.schedule(Infinity, () => this.#tellAgain());
  }

  /**
   * Follows a row of the log.
   * @param key its record key
   * @param starting true for a row that existed when this process started
   */
  follow(key: string, row: SessionRow | undefined, starting: boolean): void {
    const before = this.#leases.get(key);
    if (before !== undefined && row !== undefined) {
      if (before.kind === 'stream') this.#followHolder(before, row);
      else before.reown();
      // Renewed through another node, perhaps.
      if (before.strict) before.renew();
      return;
    }
    if (row === undefined) {
      this.#unfinished.delete(key);
      if (before !== undefined && this.#expiredElsewhere(before)) this.#options.expiry.expiredElsewhere(before);
      before?.stop();
      if (before?.stake !== undefined) this.#options.census.leave(before.stake);
      if (before !== undefined) before.stake = undefined;
      this.#leases.delete(key);
      return;
    }
    const { wheel, registry, ownership } = this.#options;
    if (starting && row.ending === true) this.#unfinished.set(key, row);
    if (row.liveness === 'ttl' && row.ttlMs === 0) this.reown(key);
    else {
      const expiry = row.strict === true ? this.#prompt : this.#options.expiry;
      const lease = new SessionLease({ wheel, expiry, ownership, starting }, registry, key, row);
      this.#leases.set(key, lease);
      this.#count(lease);
      this.reown(key);
    }
  }

  /** A stream that was open nowhere was not ended by its client, which would have needed one for that. */
  #expiredElsewhere({ kind, owned, holder }: SessionLease): boolean {
    if (kind !== 'stream' || owned) return false;
    return holder === undefined || findMember(this.#options.registry.state, holder) === undefined;
  }

  /** A stream has moved to another node, or that one has lost it: its time stops, or starts. */
  #followHolder(lease: SessionLease, { holder }: SessionRow): void {
    lease.holder = holder;
    if (holder !== undefined && holder !== this.#options.ownership().nodeId) lease.open = false;
    lease.reown();
    if (holder === undefined && lease.owned && lease.state === 'stopped') lease.begin();
  }

  /** Another node may watch the session from now on. @param key its record key */
  reown(key: string): void {
    this.#leases.get(key)?.reown();
    const unfinished = this.#unfinished.get(key);
    if (unfinished === undefined || !this.#options.ownership().owns(key)) return;
    this.#unfinished.delete(key);
    this.#endNow(unfinished);
  }

  /** The process that had begun its end stopped before it was complete. */
  #endNow({ namespace, id }: SessionRow): void {
    const { registry, log } = this.#options;
    registry.submit({ kind: 'session-destroy', namespace, id }).catch((err: unknown) => {
      log.warn({ err, session: id }, 'the end of a session could not be completed; the next start tries it again');
    });
  }

  /** The instances that a session vouches for have changed. @param key its record key */
  recount(key: string): void {
    const lease = this.#leases.get(key);
    if (lease !== undefined) this.#count(lease);
  }

  /**
   * Starts a session's time again. If another node watches the session, that one is told.
   * @param key record key of the session
   * @param connection on which the renewal came; undefined when that is not known
   * @returns false when there is no such session, or its end has begun
   */
  renew(key: string, principal: string, connection: object | undefined): boolean {
    const lease = this.#leases.get(key);
    if (lease === undefined || lease.state === 'ending') return false;
    if (lease.kind === 'session') {
      if (!lease.owned) this.#options.ownership().stray({ key, status: '', output: '', principal, connection });
      lease.renew();
    }
    this.#hear(lease, principal);
    return true;
  }

  /** Whether this node watches the session; undefined when there is no such session with a time. @param key its record key */
  owns(key: string): boolean | undefined {
    return this.#leases.get(key)?.owned;
  }

  /**
   * @param after as in `Health.streamOpened`
   * @returns false if another node has a newer stream of the session
   * @throws RegistryError `not_found` when there is no such stream session, or its end has begun
   */
  async opened(namespace: string, id: string, principal: string, after?: number): Promise<boolean> {
    const lease = this.#stream(namespace, id);
    if (lease === undefined || lease.state === 'ending') {
      throw new RegistryError('not_found', `stream session ${id} does not exist`);
    }
    lease.open = true;
    lease.dismissed = false;
    lease.after = Math.max(lease.after, after ?? lease.row()?.epoch ?? 0);
    lease.stop();
    this.#hear(lease, principal);
    await this.#tell(lease);
    return lease.open;
  }

  async closed(namespace: string, id: string): Promise<void> {
    // Clients leave a node that does not follow its store: what it would commit when it does again is no news of them.
    if (this.#options.registry.staleMs > 0) {
      this.dismissed(namespace, id);
      return;
    }
    const lease = this.#stream(namespace, id);
    if (lease === undefined || !lease.open) return;
    lease.open = false;
    lease.renew();
    await this.#tell(lease);
  }

  /** The client was sent to another server: nothing is committed, its time runs. */
  dismissed(namespace: string, id: string): void {
    const lease = this.#stream(namespace, id);
    if (lease === undefined || !lease.open) return;
    lease.open = false;
    lease.dismissed = true;
    lease.renew();
  }

  close(): void {
    this.#prompt.close();
  }

  #hear(lease: SessionLease, principal: string): void {
    if (lease.principal === principal) return;
    lease.principal = principal;
    this.#count(lease);
  }

  /** Updates its place in the census. */
  #count(lease: SessionLease): void {
    if (lease.strict) return;
    const { census, registry } = this.#options;
    if (lease.stake !== undefined) census.leave(lease.stake);
    const machine = machineOfSession(registry.state, lease);
    lease.stake = census.enter({ node: machine, services: lease.services(), principal: lease.principal });
  }

  #stream(namespace: string, id: string): SessionLease | undefined {
    const lease = this.#leases.get(sessionKey(namespace, id));
    return lease?.kind === 'stream' ? lease : undefined;
  }

  /** Commits whether the stream is open; a failed commit is tried again. */
  #tell(lease: SessionLease): Promise<void> {
    lease.told = lease.told.then(() => this.#tellNow(lease));
    return lease.told;
  }

  async #tellNow(lease: SessionLease): Promise<void> {
    const { namespace, id, open } = lease;
    const { nodeId: holder } = this.#options.ownership();
    const session = { kind: 'session-connected', namespace, id, holder } as const;
    const row = lease.row();
    // Another node has the stream now: the lost connection was an older one.
    if (!open && (lease.dismissed || (row?.holder !== undefined && row.holder !== holder))) return;
    try {
      if (!open) await this.#options.registry.submit({ ...session, connected: false, epoch: row?.epoch ?? 0 });
      else if (await this.#options.registry.submit({ ...session, connected: true, after: lease.after })) lease.after = lease.row()?.epoch ?? lease.after;
      else this.dismissed(namespace, id);
    } catch (err) {
      this.#options.log.warn({ err, session: id, open }, 'the state of a stream could not be committed; it will be tried again');
      if (this.#untold.size === 0) this.#retry.renew(retryMs);
      this.#untold.add(lease);
    }
  }

  #tellAgain(): void {
    for (const lease of [...this.#untold]) {
      this.#untold.delete(lease);
      if (this.#leases.get(sessionKey(lease.namespace, lease.id)) === lease) void this.#tell(lease);
    }
  }
}
