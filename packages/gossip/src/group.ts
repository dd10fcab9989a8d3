/**
 * A member of a group: joins the state machine of membership, the rows, the wire and the sockets. It decides nothing about
 * members and rows; it carries out actions and keeps the clock.
 *
 *     sockets ─► sealer ─► decoder ─► membership ─► actions ─► encoder ─► sealer ─► sockets
 *                                        │ news of rows             ▲ exchanges of states
 *                                        ▼                          │
 *                                      rows ─────► catalog ─► listeners
 */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { defaultNamespace, RegistryError, type Instance, type ServiceEntry } from '@rollcall/protocol';
import { findSeeds, systemNames, type Names } from './bootstrap/seeds.ts';
import { Catalog, rowKey, rowValue, type CatalogChange, type InstanceRow } from './catalog.ts';
import { systemClock, systemRandom, type Clock, type Random } from './clock.ts';
import { Exchanges } from './exchanges.ts';
import { advertised, checkOptions, type CheckedOptions, type GroupEvent, type GroupOptions } from './group-options.ts';
import type { Action } from './membership/action.ts';
import { isLiving } from './membership/member.ts';
import { Membership } from './membership/membership.ts';
import { gapMaxMs, tickMs } from './membership/timing.ts';
import { sameAddress, type Address, type MemberRecord } from './messages.ts';
import { RowSet } from './rows/row-set.ts';
import { openSockets } from './transport/sockets.ts';
import type { Receivers, Transport } from './transport/transport.ts';
import { decodePacket, encodePacket, packetBytes, updateBytes } from './wire/packet.ts';
import { Sealer } from './wire/seal.ts';

/** Replaced in tests. */
export interface GroupSurroundings {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly names?: Names;
  readonly openTransport?: (options: { readonly host: string; readonly ports: readonly number[]; readonly receivers: Receivers }) => Promise<Transport>;
}

/** Largest datagram: below the MTU of every LAN and most tunnels, so that no part of it is lost alone (memberlist has the same). */
const datagramBytesMax = 1_400;

/** How often names of seeds are resolved again while this member is alone, and otherwise, in milliseconds. */
const seedsMs = { alone: 5_000, joined: 60_000 };

/** Seeds that are asked at the start, and the longest wait for them, in milliseconds. */
const joiningMax = 3;
const joinMs = 2_000;

/** Longest that a goodbye takes, in milliseconds. */
const goodbyeMs = 2_000;

/** How often old rows are dropped, in milliseconds. */
const pruneMs = 30_000;

/** Reports of messages that were refused, at most one in this time, in milliseconds. */
const refusalMs = 10_000;

export class Group {
  readonly #options: CheckedOptions;
  readonly #clock: Clock;
  readonly #names: Names;
  readonly #onEvent: (event: GroupEvent) => void;
  readonly #transport: Transport;
  readonly #sealer: Sealer;
  readonly #membership: Membership;
  readonly #rows: RowSet;
  readonly #catalog: Catalog;
  readonly #exchanges: Exchanges;
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  readonly #stops = new Map<string, () => void>();
  #foundByMdns: readonly Address[] = [];
  #joined: Promise<void> = Promise.resolve();
  #tickedAtMs: number;
  #refusedAtMs = -Infinity;
  #isClosed = false;

  /**
   * Joins the group; resolves when this member listens, before it knows others.
   * @throws RegistryError `invalid_argument` for an invalid option, `failed_precondition` when it cannot listen
   */
  static async open(given: GroupOptions = {}, surroundings: GroupSurroundings = {}): Promise<Group> {
    const options = checkOptions(given, `${hostname()}-${randomBytes(3).toString('hex')}`);
    let group: Group | undefined;
    const receivers: Receivers = {
      datagram: (from, bytes) => group?.receive(from, bytes),
      stream: (stream, from) => (group === undefined ? stream.close() : void group.#exchanges.serve(stream, from)),
    };
    const transport = await (surroundings.openTransport ?? openSockets)({ host: options.host, ports: options.ports, receivers });
    try {
      group = new Group(options, transport, given.onEvent ?? (() => {}), surroundings);
      await group.#start();
      return group;
    } catch (error) {
      await (group ?? transport).close();
      throw error;
    }
  }

  private constructor(options: CheckedOptions, transport: Transport, onEvent: (event: GroupEvent) => void, surroundings: GroupSurroundings) {
    const { clock = systemClock, random = systemRandom, names = systemNames } = surroundings;
    const { name, timing, group, keys } = options;
    this.#options = options;
    this.#clock = clock;
    this.#names = names;
    this.#onEvent = onEvent;
    this.#transport = transport;
    this.#sealer = new Sealer({ group, keys, sender: randomBytes(16), now: () => clock.now() });
    const sealer = this.#sealer;
    const incarnation = Math.floor(clock.now());
    const nowMs = clock.monotonic();
    this.#tickedAtMs = nowMs;
    const address = { ...advertised(transport.bound), ...options.advertise };
    this.#membership = new Membership({
      ...{ self: { name, address, incarnation }, timing, random, nowMs },
      sizes: { packet: packetBytes, update: updateBytes, get packetMax() { return datagramBytesMax - sealer.overhead; } },
    });
    this.#catalog = new Catalog((change) => {
      for (const listener of this.#listeners) listener(change);
    });
    this.#rows = new RowSet({
      ...{ owner: name, generation: incarnation },
      lives: (owner) => this.#lives(owner),
      changed: (owner, key, value) => this.#catalog.row(owner, key, value),
      announce: (update) => {
        this.#membership.rowsHash = this.#rows.hash;
        // A row that fits in no datagram goes by exchanges of states.
        if (updateBytes(update) < datagramBytesMax / 2) this.#membership.announce(update);
      },
    });
    this.#exchanges = new Exchanges({
      ...{ transport, sealer: this.#sealer, membership: this.#membership, rows: this.#rows, clock },
      perform: (actions) => this.#perform(actions),
      refused: (from, reason) => this.#refused(from, reason),
    });
    this.#rows.start(nowMs);
  }

  /** Name of this member. */
  get name(): string {
    return this.#options.name;
  }

  /** Name of its group. */
  get group(): string {
    return this.#options.group;
  }

  /** Where others reach this member. */
  get address(): Address {
    return this.#membership.self.address;
  }

  /** Resolves when the seeds have answered or failed, after about two seconds at the latest: if one lives, its group is known then. */
  get joined(): Promise<void> {
    return this.#joined;
  }

  /** All members that are known, this one first; also those that are gone, for a day. */
  members(): MemberRecord[] {
    return this.#membership.records();
  }

  /** How much this member doubts itself: 0 for a healthy one, up to 8. */
  get localHealth(): number {
    return this.#membership.localHealth;
  }

  /**
   * Registers an instance, or changes it. All members see it within a second or two.
   * @throws RegistryError `resource_exhausted` for too many or too large instances
   */
  put(row: InstanceRow): void {
    this.#rows.put(rowKey(row), rowValue(row), this.#clock.monotonic());
  }

  /** Removes an instance of this member. */
  remove(row: InstanceRow): void {
    this.#rows.remove(rowKey(row), this.#clock.monotonic());
  }

  instances(service: string, namespace: string = defaultNamespace): Instance[] {
    return this.#catalog.instances(namespace, service);
  }

  services(namespace: string = defaultNamespace): ServiceEntry[] {
    return this.#catalog.services(namespace);
  }

  /** The instances of a namespace as rows, which say whether their owner mirrors them. */
  rows(namespace: string = defaultNamespace): InstanceRow[] {
    return this.#catalog.rows(namespace);
  }

  /** Whether this member knows others, and none of them lives: it may be this member that is cut off. */
  get isAlone(): boolean {
    return this.#membership.living === 1 && this.#membership.records().some(({ state }) => state === 'dead');
  }

  /** @returns ends the calls */
  onChange(listener: (change: CatalogChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Replaces the keys: the first one encrypts, all decrypt. Add a new key behind the old one on every member, then put it
   * first on every member, then remove the old one.
   * @throws RegistryError `invalid_argument`; `failed_precondition` in a group without keys
   */
  useKeys(keys: readonly string[]): void {
    if (!this.#sealer.isSealing) throw new RegistryError('failed_precondition', 'this group is not encrypted; give a key when it is opened');
    this.#sealer.useKeys(keys);
  }

  /** Says goodbye and closes: others see at once that this member has left. Takes up to two seconds. Idempotent. */
  async leave(): Promise<void> {
    if (this.#isClosed) return;
    const endMs = this.#clock.monotonic() + goodbyeMs;
    this.#perform(this.#membership.leave(this.#clock.monotonic()));
    while (!this.#membership.hasLeft && this.#membership.living > 1 && this.#clock.monotonic() < endMs) {
      await new Promise<void>((resolve) => this.#clock.timer(tickMs(this.#options.timing), resolve));
    }
    await this.close();
  }

  /** Closes without a goodbye, as if the process had died. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    await this.#transport.close();
  }

  async #start(): Promise<void> {
    if (this.#options.mdns) await this.#startMdns();
    const seeds = await this.#findSeeds();
    this.#joined = Promise.race([
      Promise.all(seeds.slice(0, joiningMax).map((seed) => this.#exchanges.exchange(seed))).then(() => {}),
      new Promise<void>((resolve) => this.#stops.set('join', this.#clock.timer(joinMs, resolve))),
    ]);
    this.#every('tick', () => tickMs(this.#options.timing), () => void this.#tick());
    this.#every('seeds', () => (this.#membership.living === 1 ? seedsMs.alone : seedsMs.joined), () => void this.#findSeeds());
    this.#every('prune', () => pruneMs, () => {
      this.#rows.prune((owner) => this.#membership.find(owner) !== undefined, this.#clock.monotonic());
      this.#membership.rowsHash = this.#rows.hash;
    });
  }

  async #startMdns(): Promise<void> {
    const { startMdns } = await import('./bootstrap/mdns.ts');
    const found = (addresses: readonly Address[]) => {
      this.#foundByMdns = addresses;
      void this.#findSeeds();
    };
    this.#stops.set('mdns', await startMdns({ name: this.name, group: this.group, address: this.address, found }));
  }

  async #findSeeds(): Promise<Address[]> {
    const failed = (message: string) => this.#membership.living === 1 && this.#warn(message);
    const found = await findSeeds(this.#options.seeds, this.#names, failed);
    const seeds = [...found, ...this.#foundByMdns].filter((seed) => !this.#isOwn(seed));
    this.#membership.useSeeds(seeds);
    return seeds;
  }

  #isOwn(seed: Address): boolean {
    return sameAddress(seed, this.address) || sameAddress(seed, this.#transport.bound);
  }

  #every(what: string, delayMs: () => number, run: () => void): void {
    if (this.#isClosed) return;
    const again = () => {
      this.#every(what, delayMs, run);
      run();
    };
    this.#stops.set(what, this.#clock.timer(delayMs(), again));
  }

  async #tick(): Promise<void> {
    const gapMs = this.#clock.monotonic() - this.#tickedAtMs;
    this.#tickedAtMs = this.#clock.monotonic();
    // After a stall timers run before the sockets are read: read first what has arrived meanwhile.
    if (gapMs > gapMaxMs(this.#options.timing)) for (let turn = 0; turn < 2; turn++) await new Promise((next) => setImmediate(next));
    if (!this.#isClosed) this.#perform(this.#membership.tick(this.#clock.monotonic()));
  }

  /** A datagram arrived; called by the transport. */
  receive(from: Address, bytes: Buffer): void {
    if (this.#isClosed) return;
    const opened = this.#sealer.open('datagram', bytes);
    const packet = opened.ok ? decodePacket(opened.body) : opened;
    if (!packet.ok) this.#refused(from.host, packet.reason);
    else this.#perform(this.#membership.receive(from, packet.value, this.#clock.monotonic()));
  }

  #perform(actions: readonly Action[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'send':
          this.#transport.send(action.to, this.#sealer.seal('datagram', encodePacket(action.packet)));
          break;
        case 'stream-ping':
          void this.#exchanges.ping(action);
          break;
        case 'sync':
          void this.#exchanges.exchange(action.with);
          break;
        case 'row':
          if (this.#isMember(action.update.owner) && this.#rows.apply(action.update, this.#clock.monotonic())) {
            this.#membership.rowsHash = this.#rows.hash;
            this.#membership.announce(action.update);
          }
          break;
        case 'changed': {
          const { member, was } = action.change;
          this.#rows.setLiving(member.name, isLiving(member));
          this.#membership.rowsHash = this.#rows.hash;
          this.#catalog.member(member.name, member.state);
          const { name, address, incarnation, state } = member;
          this.#onEvent({ kind: 'member', member: { name, address, incarnation, state }, was });
          break;
        }
        case 'conflict':
          this.#warn(`another process at ${action.address.host}:${action.address.port} uses the name ${this.name}; give each member its own`);
      }
    }
  }

  #isMember(name: string): boolean {
    return name === this.name || this.#membership.find(name) !== undefined;
  }

  #lives(name: string): boolean {
    const member = this.#membership.find(name);
    return name === this.name || (member !== undefined && isLiving(member));
  }

  #refused(from: string, reason: string): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#refusedAtMs < refusalMs) return;
    this.#refusedAtMs = nowMs;
    this.#warn(`a message from ${from} was refused: ${reason}`);
  }

  #warn(message: string): void {
    this.#onEvent({ kind: 'warning', message });
  }
}
