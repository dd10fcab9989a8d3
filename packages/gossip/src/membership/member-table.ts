/**
 * The members that this member knows, and how news change them. It decides which of two messages counts, and what
 * becomes news for others; it sends nothing and starts no probe.
 *
 *             suspect(i)          no answer in time, or dead(i)
 *     alive ───────────► suspect ──────────────────────────────► dead
 *       ▲ ◄───────────────┘  alive(i+1): the member objects        │
 *       └──────────────────────────────────────────────────────────┘ alive(i+1): it lives, or was started again
 *
 *     any state ── left(i) ──► left ── alive(i+1) ──► alive
 *
 * SWIM §4.2 has the order of messages. The incarnation of a member begins at the wall clock of its start, so one that is
 * started again, also at another address, replaces what was known of it before.
 */

import { hash32 } from '@rollcall/protocol';
import { sameAddress, type Address, type MemberRecord, type MemberUpdate } from '../messages.ts';
import { isLiving, type MemberChange, type TableMember } from './member.ts';
import { Suspicion } from './suspicion.ts';
import { confirmationsMax, suspicionMinMs, type Timing } from './timing.ts';

/** Most members of a group, with those that are dead and not forgotten yet. */
const membersMax = 4_096;

export interface MemberTableOptions {
  readonly self: { readonly name: string; readonly address: Address; readonly incarnation: number };
  readonly timing: Timing;
  /** News for the other members. */
  readonly announce: (update: MemberUpdate) => void;
  readonly changed: (change: MemberChange) => void;
  /** Another member said that this one is not well, or that it is gone: it objects. */
  readonly refuted: () => void;
  /** Another process uses the name of this member, at another address. */
  readonly conflict: (address: Address) => void;
}

export class MemberTable {
  readonly #options: MemberTableOptions;
  readonly #members = new Map<string, TableMember>();
  readonly #suspects = new Set<TableMember>();
  #self: { readonly name: string; readonly address: Address; incarnation: number };
  #leaving = false;
  #living = 1;
  #hash: number;

  constructor(options: MemberTableOptions) {
    this.#options = options;
    this.#self = { ...options.self };
    this.#hash = hashOf(this.#self);
  }

  get self(): MemberRecord {
    return { ...this.#self, state: this.#leaving ? 'left' : 'alive' };
  }

  /** Number of living members, with this one. */
  get living(): number {
    return this.#living;
  }

  /** The same for tables that know the same living members with the same incarnations. */
  get hash(): number {
    return this.#hash;
  }

  /** All others. */
  values(): IterableIterator<TableMember> {
    return this.#members.values();
  }

  get(name: string): TableMember | undefined {
    return this.#members.get(name);
  }

  /** Says goodbye; from then on this member objects to nothing. */
  leave(): void {
    this.#leaving = true;
    this.#options.announce({ kind: 'left', name: this.#self.name, incarnation: this.#self.incarnation });
  }

  apply(update: MemberUpdate, nowMs: number): void {
    if (update.name === this.#self.name) this.#aboutSelf(update);
    else if (update.kind === 'alive') this.#alive(update, nowMs);
    else this.#accused(update, nowMs);
  }

  /** Declares suspects dead whose time is over. */
  expire(nowMs: number): void {
    for (const member of this.#suspects) {
      if ((member.suspicion as Suspicion).deadlineMs > nowMs) continue;
      this.apply({ kind: 'dead', name: member.name, incarnation: member.incarnation, by: this.#self.name }, nowMs);
    }
  }

  /** Forgets members that have been gone for `olderThanMs`. */
  reap(nowMs: number, olderThanMs: number): void {
    for (const member of this.#members.values()) {
      if (!isLiving(member) && nowMs - member.sinceMs >= olderThanMs) this.#members.delete(member.name);
    }
  }

  #aboutSelf(update: MemberUpdate): void {
    const self = this.#self;
    const isOwn = update.kind === 'alive' && sameAddress(update.address, self.address);
    if (update.incarnation < self.incarnation || (isOwn && update.incarnation === self.incarnation)) return;
    if (this.#leaving) return;
    if (update.kind === 'alive' && !isOwn) this.#options.conflict(update.address);
    this.#hash ^= hashOf(self);
    self.incarnation = update.incarnation + 1;
    this.#hash ^= hashOf(self);
    if (update.kind !== 'alive') this.#options.refuted();
    this.#options.announce({ kind: 'alive', ...self });
  }

  #alive(update: MemberUpdate & { readonly kind: 'alive' }, nowMs: number): void {
    const { name, address, incarnation } = update;
    const known = this.#members.get(name);
    if (known === undefined) {
      if (this.#members.size >= membersMax && !this.#forgetLongestGone()) return;
      const member: TableMember = { name, address, incarnation, state: 'alive', sinceMs: nowMs, suspicion: undefined };
      this.#members.set(name, member);
      this.#countIn(member);
      this.#options.announce(update);
      this.#options.changed({ member: { ...member }, was: undefined });
      return;
    }
    if (incarnation <= known.incarnation) return;
    this.#countOut(known);
    const was = known.state;
    const moved = !sameAddress(known.address, address);
    Object.assign(known, { address, incarnation });
    this.#enter(known, 'alive', nowMs);
    this.#countIn(known);
    this.#options.announce(update);
    if (was !== 'alive' || moved) this.#options.changed({ member: { ...known }, was });
  }

  #accused(update: Exclude<MemberUpdate, { kind: 'alive' }>, nowMs: number): void {
    const known = this.#members.get(update.name);
    if (known === undefined || update.incarnation < known.incarnation) return;
    if (known.state === 'left' || (known.state === 'dead' && update.kind !== 'left')) {
      known.incarnation = update.incarnation;
      return;
    }
    if (known.state === 'suspect' && update.kind === 'suspect') {
      if (known.suspicion?.confirm(update.by) === true) this.#options.announce(update);
      return;
    }
    this.#countOut(known);
    const was = known.state;
    known.incarnation = update.incarnation;
    this.#enter(known, update.kind, nowMs);
    this.#countIn(known);
    if (update.kind === 'suspect') this.#suspect(known, update.by, nowMs);
    this.#options.announce(update);
    this.#options.changed({ member: { ...known }, was });
  }

  #suspect(member: TableMember, by: string, nowMs: number): void {
    const { timing } = this.#options;
    const minMs = suspicionMinMs(timing, this.#living);
    member.suspicion = new Suspicion({
      ...{ nowMs, by, minMs, maxMs: minMs * timing.suspicionMaxFactor },
      confirmationsMax: confirmationsMax(timing, this.#living),
    });
    this.#suspects.add(member);
  }

  #enter(member: TableMember, state: TableMember['state'], nowMs: number): void {
    this.#suspects.delete(member);
    member.suspicion = undefined;
    if (member.state !== state) member.sinceMs = nowMs;
    member.state = state;
  }

  #countIn(member: TableMember): void {
    if (!isLiving(member)) return;
    this.#living++;
    this.#hash ^= hashOf(member);
  }

  #countOut(member: TableMember): void {
    if (!isLiving(member)) return;
    this.#living--;
    this.#hash ^= hashOf(member);
  }

  /** Makes room for a new member. @returns false when all members live */
  #forgetLongestGone(): boolean {
    let oldest: TableMember | undefined;
    for (const member of this.#members.values()) {
      if (!isLiving(member) && (oldest === undefined || member.sinceMs < oldest.sinceMs)) oldest = member;
    }
    if (oldest !== undefined) this.#members.delete(oldest.name);
    return oldest !== undefined;
  }
}

function hashOf({ name, incarnation }: { readonly name: string; readonly incarnation: number }): number {
  return hash32(`${name} ${incarnation}`);
}
