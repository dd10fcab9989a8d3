/**
 * A member of a group, as a state machine: it takes datagrams, exchanged states and ticks, each with the time, and
 * returns actions. It does no I/O and reads no clock. SWIM (A. Das, I. Gupta, A. Motivala, DSN 2002) with Lifeguard
 * (A. Dadgar, J. Phillips, J. Currey, 2017); docs/decisions/0115 says what differs. Instances are not its concern: it
 * carries news of rows without reading them.
 *
 * Its time stands still while the process does: of a gap between two calls only `gapMaxMs` counts, so that no probe and no
 * suspicion ends because this process was stopped.
 */

import type { Random } from '../clock.ts';
import type { Address, Head, MemberRecord, MemberUpdate, Packet, RowUpdate, Update } from '../messages.ts';
import type { Action } from './action.ts';
import { Broadcasts } from './broadcasts.ts';
import { drawMembers, lostAddresses } from './draw.ts';
import { LocalHealth } from './local-health.ts';
import { accusationOf, isLiving, type TableMember } from './member.ts';
import { MemberTable } from './member-table.ts';
import { ProbeOrder } from './probe-order.ts';
import { Probes } from './probes.ts';
import { gapMaxMs, retransmitLimit, scaledSyncIntervalMs, type Timing } from './timing.ts';

/** Bytes of messages, so that a datagram is filled and not exceeded. */
export interface Sizes {
  /** Largest datagram. */
  readonly packetMax: number;
  /** Of a datagram without updates. */
  packet(packet: Packet): number;
  /** Of one update in a datagram. */
  update(update: Update): number;
}

export interface MembershipOptions {
  /** The incarnation should be the wall clock in milliseconds, so that it is higher than that of an earlier process. */
  readonly self: { readonly name: string; readonly address: Address; readonly incarnation: number };
  readonly timing: Timing;
  readonly random: Random;
  readonly sizes: Sizes;
  readonly nowMs: number;
}

/** Members that hear a goodbye at once; they pass it on. Some rounds of gossip repeat it, for datagrams that are lost. */
const goodbyes = 8;
const goodbyeRounds = 4;

/** How much longer a difference may last while news arrive all the time. */
const restlessFactor = 4;

/** The part of the interval after which a helper says that it got no answer (Lifeguard §IV-A: 80 % of the timeout). */
const nackShare = 0.8;

export class Membership {
  readonly #timing: Timing;
  readonly #random: Random;
  readonly #sizes: Sizes;
  readonly #table: MemberTable;
  readonly #broadcasts: Broadcasts;
  readonly #order: ProbeOrder;
  readonly #probes = new Probes();
  readonly #health: LocalHealth;
  #actions: Action[] = [];
  /** Time without stalls, and the time of the caller at which it was read. */
  #nowMs = 0;
  #seenMs: number;
  #probeAtMs: number;
  #gossipAtMs: number;
  #syncAtMs: number;
  #reconnectAtMs = 0;
  #leftAtMs = Infinity;
  #syncedAtMs = -Infinity;
  /** When the last news of members and of rows began its way. */
  readonly #newsAtMs = { members: 0, rows: 0 };
  #seeds: readonly Address[] = [];
  /** Hash over the rows of living members; the owner of the rows keeps it current. */
  rowsHash = 0;

  constructor({ self, timing, random, sizes, nowMs }: MembershipOptions) {
    this.#timing = timing;
    this.#random = random;
    this.#sizes = sizes;
    this.#seenMs = nowMs;
    this.#broadcasts = new Broadcasts((update) => sizes.update(update));
    this.#order = new ProbeOrder(random);
    this.#health = new LocalHealth(timing.localHealthMax);
    this.#probeAtMs = random() * timing.probeIntervalMs;
    this.#gossipAtMs = random() * timing.gossipIntervalMs;
    this.#syncAtMs = random() * timing.syncIntervalMs;
    this.#table = new MemberTable({
      ...{ self, timing },
      announce: (update) => this.announce(update),
      changed: (change) => {
        if (change.was === undefined) this.#order.add(change.member.name);
        this.#actions.push({ kind: 'changed', change });
      },
      refuted: () => this.#health.change(1),
      conflict: (address) => this.#actions.push({ kind: 'conflict', address }),
    });
    this.announce({ kind: 'alive', ...self });
  }

  get self(): MemberRecord {
    return this.#table.self;
  }

  /** Number of living members, with this one. */
  get living(): number {
    return this.#table.living;
  }

  /** How much this member doubts itself. */
  get localHealth(): number {
    return this.#health.score;
  }

  /** Every member that is known, with this one, also dead ones that are not forgotten yet. */
  records(): MemberRecord[] {
    const others = Array.from(this.#table.values(), ({ name, address, incarnation, state }) => ({ name, address, incarnation, state }));
    return [this.self, ...others];
  }

  /** The member of that name, other than this one. */
  find(name: string): MemberRecord | undefined {
    return this.#table.get(name);
  }

  /** Addresses that are tried while this member is alone, or while one of them is no living member. */
  useSeeds(seeds: readonly Address[]): void {
    this.#seeds = seeds;
  }

  /** Sends news to all members. */
  announce(update: MemberUpdate | RowUpdate): void {
    this.#newsAtMs[update.kind === 'row' ? 'rows' : 'members'] = this.#nowMs;
    this.#broadcasts.add(update);
  }

  /** Whether this member's goodbye was sent so often that others surely have it. */
  get hasLeft(): boolean {
    return this.#nowMs - this.#leftAtMs >= goodbyeRounds * this.#timing.gossipIntervalMs;
  }

  /** Says goodbye. Call `tick` until `hasLeft`. */
  leave(nowMs: number): Action[] {
    this.#advance(nowMs);
    this.#table.leave();
    this.#leftAtMs = this.#nowMs;
    for (const member of this.#draw(goodbyes, isLiving)) this.#send(member.address, member, { kind: 'gossip' });
    return this.#take();
  }

  /** A datagram arrived. */
  receive(from: Address, packet: Packet, nowMs: number): Action[] {
    this.#advance(nowMs);
    if (packet.from === this.self.name) return this.#take();
    for (const update of packet.updates) {
      if (update.kind === 'row') this.#actions.push({ kind: 'row', update });
      else this.#table.apply(update, this.#nowMs);
    }
    this.#compare(from, packet);
    this.#answer(from, packet);
    return this.#take();
  }

  /** The member with this probe's number has answered over a stream. */
  streamAnswered(sequence: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#probes.acked(sequence);
  }

  /**
   * Takes over what another member knows. A member that it calls dead may only be unreachable for it, so here it becomes
   * a suspect, which is told at once and can object (memberlist, state.go, mergeState).
   */
  merge(records: readonly MemberRecord[], by: string, nowMs: number): Action[] {
    this.#advance(nowMs);
    this.#syncedAtMs = this.#nowMs;
    for (const { state, name, address, incarnation } of records) {
      if (state === 'alive' || state === 'suspect') this.#table.apply({ kind: 'alive', name, address, incarnation }, this.#nowMs);
      if (state === 'left') this.#table.apply({ kind: 'left', name, incarnation }, this.#nowMs);
      if (state === 'suspect' || state === 'dead') this.#doubt({ kind: 'suspect', name, incarnation, by });
    }
    return this.#take();
  }

  /** Does what is due. To be called every `tickMs`. */
  tick(nowMs: number): Action[] {
    const stalled = this.#advance(nowMs);
    if (stalled) this.#health.change(1);
    this.#table.expire(this.#nowMs);
    for (const { to, sequence } of this.#probes.dueNacks(this.#nowMs)) this.#send(to, undefined, { kind: 'nack', sequence });
    this.#probe();
    if (this.#nowMs >= this.#gossipAtMs) this.#gossip();
    if (this.#nowMs >= this.#syncAtMs) this.#sync();
    if (this.#nowMs >= this.#reconnectAtMs) this.#reconnect();
    return this.#take();
  }

  /** @returns whether the process was stopped since the last call */
  #advance(nowMs: number): boolean {
    const gap = nowMs - this.#seenMs;
    const most = gapMaxMs(this.#timing);
    this.#seenMs = nowMs;
    this.#nowMs += Math.max(0, Math.min(gap, most));
    return gap > most;
  }

  #take(): Action[] {
    return this.#actions.splice(0);
  }

  /** Suspects a member on the word of another one, and tells it. */
  #doubt(update: MemberUpdate & { readonly kind: 'suspect' }): void {
    const before = this.#table.get(update.name)?.state;
    this.#table.apply(update, this.#nowMs);
    const member = this.#table.get(update.name);
    if (before === 'alive' && member?.state === 'suspect') this.#send(member.address, member, { kind: 'gossip' });
  }

  /** Exchanges states with a sender that this member does not know as it is, or that knows something else. */
  #compare(from: Address, packet: Packet): void {
    const settleMs = 2 * this.#timing.probeIntervalMs;
    if (this.#nowMs - this.#syncedAtMs < settleMs) return;
    const known = this.#table.get(packet.from);
    const isStrange = known === undefined || !isLiving(known) || known.incarnation < packet.incarnation;
    // News that are on their way explain a difference; in a group with news all the time it is looked into less often.
    const isLate = (newsAtMs: number) => this.#nowMs - newsAtMs >= settleMs || this.#nowMs - this.#syncedAtMs >= restlessFactor * settleMs;
    const membersDiffer = packet.membersHash !== this.#table.hash && isLate(this.#newsAtMs.members);
    const rowsDiffer = packet.rowsHash !== this.rowsHash && isLate(this.#newsAtMs.rows);
    if (isStrange || membersDiffer || rowsDiffer) this.#exchange(isStrange ? from : known.address);
  }

  #answer(from: Address, { head, from: name }: Packet): void {
    const sender = this.#table.get(name);
    switch (head.kind) {
      case 'ping':
        if (head.target === this.self.name) this.#send(from, sender, { kind: 'ack', sequence: head.sequence });
        return;
      case 'ping-request': {
        const own = this.#probes.relay(from, head.sequence, head.nackAfterMs, this.#nowMs);
        const ping = { kind: 'ping', target: head.target } as const;
        if (own !== undefined) this.#send(head.address, this.#table.get(head.target), { ...ping, sequence: own });
        return;
      }
      case 'ack': {
        const asked = this.#probes.acked(head.sequence);
        if (asked === 'probe') this.#health.change(-1);
        else if (asked !== undefined) this.#send(asked.to, undefined, { kind: 'ack', sequence: asked.sequence });
        return;
      }
      case 'nack':
        this.#probes.nacked(head.sequence);
        return;
      case 'gossip':
    }
  }

  #probe(): void {
    const probe = this.#probes.current;
    if (probe !== undefined && !probe.isAnswered && !probe.isIndirect && this.#nowMs >= probe.timeoutAtMs) this.#probeIndirectly();
    if (this.#nowMs < this.#probeAtMs) return;
    if (probe !== undefined && !probe.isAnswered) {
      // Helpers that say nothing at all are a sign that this member hears nothing; without helpers the failure itself is one.
      this.#health.change(probe.helpers > 0 ? probe.silentHelpers : 1);
      const { target: name } = probe;
      const incarnation = this.#table.get(name)?.incarnation;
      if (incarnation !== undefined) this.#table.apply({ kind: 'suspect', name, incarnation, by: this.self.name }, this.#nowMs);
    }
    this.#probes.current = undefined;
    this.#probeAtMs = this.#nowMs + this.#health.scale(this.#timing.probeIntervalMs);
    const target = this.#nextTarget();
    if (target === undefined) return;
    const sequence = this.#probes.nextSequence();
    this.#probes.current = {
      ...{ sequence, target: target.name, address: target.address, isIndirect: false, isAnswered: false, helpers: 0, silentHelpers: 0 },
      timeoutAtMs: this.#nowMs + this.#health.scale(this.#timing.probeTimeoutMs),
      endAtMs: this.#probeAtMs,
    };
    this.#send(target.address, target, { kind: 'ping', sequence, target: target.name });
  }

  #probeIndirectly(): void {
    const probe = this.#probes.current;
    if (probe === undefined) return;
    const { sequence, target, address } = probe;
    const timeoutMs = this.#probeAtMs - this.#nowMs;
    probe.isIndirect = true;
    const helpers = this.#draw(this.#timing.indirectProbes, (member) => member.state === 'alive' && member.name !== target);
    probe.silentHelpers = helpers.length;
    probe.helpers = helpers.length;
    const nackAfterMs = Math.round(nackShare * this.#timing.probeTimeoutMs);
    for (const helper of helpers) this.#send(helper.address, helper, { kind: 'ping-request', sequence, target, address, nackAfterMs });
    this.#actions.push({ kind: 'stream-ping', to: address, target, sequence, timeoutMs });
  }

  #nextTarget(): TableMember | undefined {
    const name = this.#order.next((each) => {
      const member = this.#table.get(each);
      if (member === undefined) this.#order.remove(each);
      return member !== undefined && isLiving(member);
    });
    return name === undefined ? undefined : this.#table.get(name);
  }

  #gossip(): void {
    this.#gossipAtMs = this.#nowMs + this.#timing.gossipIntervalMs;
    if (this.#broadcasts.size === 0 && this.#leftAtMs === Infinity) return;
    const { gossipMembers, gossipToDeadMs } = this.#timing;
    const fits = (member: TableMember) => isLiving(member) || (member.state === 'dead' && this.#nowMs - member.sinceMs < gossipToDeadMs);
    for (const member of this.#draw(gossipMembers, fits)) this.#send(member.address, member, { kind: 'gossip' });
  }

  #sync(): void {
    this.#syncAtMs = this.#nowMs + scaledSyncIntervalMs(this.#timing, this.living);
    this.#table.reap(this.#nowMs, this.#timing.reapMs);
    const [member] = this.#draw(1, ({ state }) => state === 'alive');
    if (member !== undefined) this.#exchange(member.address);
  }

  /** Tries a dead member or a seed, so that the parts of a group find each other after a partition. */
  #reconnect(): void {
    const { reconnectIntervalMs, probeIntervalMs } = this.#timing;
    this.#reconnectAtMs = this.#nowMs + (this.living === 1 ? probeIntervalMs : reconnectIntervalMs);
    const candidates = lostAddresses(this.#table.values(), this.#seeds, this.self.address);
    // About one attempt in the whole group per interval and lost member (serf, serf.go, reconnect).
    if (candidates.length === 0 || this.#random() >= candidates.length / this.living) return;
    this.#exchange(candidates[Math.floor(this.#random() * candidates.length)] as Address);
  }

  #exchange(address: Address): void {
    this.#syncedAtMs = this.#nowMs;
    this.#actions.push({ kind: 'sync', with: address });
  }

  /** @param member the receiver, if it is known: it is told first what is said of it (Lifeguard §IV-C, buddy system) */
  #send(to: Address, member: TableMember | undefined, head: Head): void {
    const { name: from, incarnation, state } = this.self;
    const bare: Packet = { from, incarnation, membersHash: this.#table.hash, rowsHash: this.rowsHash, head, updates: [] };
    // A goodbye does not wait behind other news: this member has little time.
    const told: MemberUpdate[] = state === 'left' ? [{ kind: state, name: from, incarnation }] : [];
    if (member !== undefined && member.state !== 'alive') told.push(accusationOf(member, from));
    let room = this.#sizes.packetMax - this.#sizes.packet(bare);
    for (const update of told) room -= this.#sizes.update(update);
    const updates = [...told, ...this.#broadcasts.take(room, retransmitLimit(this.#timing, this.living))];
    this.#actions.push({ kind: 'send', to, packet: { ...bare, updates } });
  }

  #draw(count: number, fits: (member: TableMember) => boolean): TableMember[] {
    return drawMembers(this.#table.values(), count, this.#random, fits);
  }
}
