/**
 * A group of members on a virtual clock and a virtual network, for tests: real `Membership` objects, datagrams with a
 * delay, losses and partitions. Exchanges of states take one step in each direction.
 */

import { Membership } from './membership.ts';
import type { Action } from './action.ts';
import { lanTiming, tickMs, type Timing } from './timing.ts';
import type { Address, MemberRecord, MemberState, Packet } from '../messages.ts';

/** xorshift32: the same seed gives the same run. */
export function seededRandom(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca77) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export interface TestMember {
  readonly name: string;
  readonly address: Address;
  core: Membership;
  /** A stopped process neither ticks nor reads; its datagrams wait, as in the buffer of a socket. */
  isStopped: boolean;
  isKilled: boolean;
  readonly waiting: { readonly from: Address; readonly packet: Packet }[];
  readonly seen: { readonly at: number; readonly name: string; readonly was: MemberState | undefined; readonly now: MemberState }[];
}

export interface TestGroupOptions {
  readonly seed?: number;
  readonly timing?: Partial<Timing>;
  /** Share of datagrams that are lost, 0 to 1. */
  loss?: number;
  readonly delayMs?: number;
}

const sizes = { packetMax: 1_400, packet: () => 80, update: () => 40 };

export class TestGroup {
  readonly members = new Map<string, TestMember>();
  readonly random: () => number;
  readonly timing: Timing;
  /** Whether a message from one address reaches another one. */
  connects: (from: string, to: string) => boolean = () => true;
  loss: number;
  now = 0;
  sent = 0;
  readonly #delayMs: number;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  constructor({ seed = 1, timing = {}, loss = 0, delayMs = 1 }: TestGroupOptions = {}) {
    this.random = seededRandom(seed);
    this.timing = { ...lanTiming, ...timing };
    this.loss = loss;
    this.#delayMs = delayMs;
  }

  /** @param port another one for a process that is started again elsewhere */
  start(name: string, seeds: readonly string[] = [], port = 7_000): TestMember {
    const address = { host: name, port };
    const core = new Membership({
      ...{ self: { name, address, incarnation: 1_000 + this.now }, timing: this.timing, random: this.random, sizes, nowMs: this.now },
    });
    core.useSeeds(seeds.map((host) => ({ host, port: 7_000 })));
    const member: TestMember = { name, address, core, isStopped: false, isKilled: false, waiting: [], seen: [] };
    this.members.set(name, member);
    return member;
  }

  startAll(count: number): TestMember[] {
    return Array.from({ length: count }, (_, index) => this.start(`m${index}`, index === 0 ? [] : ['m0']));
  }

  kill(name: string): void {
    this.member(name).isKilled = true;
  }

  stop(name: string): void {
    this.member(name).isStopped = true;
  }

  /** A process that was stopped goes on: its timer runs first, then it reads what waits. */
  resume(name: string): void {
    const member = this.member(name);
    member.isStopped = false;
    this.do(member, member.core.tick(this.now));
    for (const { from, packet } of member.waiting.splice(0)) this.do(member, member.core.receive(from, packet, this.now));
  }

  member(name: string): TestMember {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  stateOf(at: string, of: string): MemberState | undefined {
    return this.member(at).core.find(of)?.state;
  }

  /** What each member that runs says of each other one that runs. */
  disagreements(): string[] {
    const running = [...this.members.values()].filter(({ isKilled, isStopped }) => !isKilled && !isStopped);
    return running.flatMap((a) =>
      running.flatMap((b) => {
        const state = a === b ? 'alive' : a.core.find(b.name)?.state;
        return state === 'alive' ? [] : [`${a.name} says that ${b.name} is ${state}`];
      }),
    );
  }

  /** Runs until `until` holds. @returns the time that it took; throws after `mostMs` */
  runUntil(until: () => boolean, mostMs: number): number {
    const started = this.now;
    while (!until()) {
      if (this.now - started > mostMs) throw new Error(`not within ${mostMs} ms: ${this.disagreements().slice(0, 5).join('; ')}`);
      this.run(tickMs(this.timing));
    }
    return this.now - started;
  }

  run(ms: number): void {
    const end = this.now + ms;
    const step = tickMs(this.timing);
    while (this.now < end) {
      const next = Math.min(end, this.now + step);
      this.#deliver(next);
      this.now = next;
      for (const member of this.members.values()) if (!member.isStopped && !member.isKilled) this.do(member, member.core.tick(this.now));
    }
  }

  do(member: TestMember, actions: readonly Action[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'send':
          this.sent++;
          if (this.random() >= this.loss) this.#later(() => this.#arrive(member, action.to, action.packet));
          break;
        case 'stream-ping':
          // The kernel of a stopped process accepts connections, but the process does not answer.
          this.#later(() => {
            const target = this.#at(member, action.to);
            if (target !== undefined && !target.isStopped) member.core.streamAnswered(action.sequence, this.now);
          });
          break;
        case 'sync':
          this.#later(() => this.#sync(member, action.with));
          break;
        case 'changed': {
          const { member: changed, was } = action.change;
          member.seen.push({ at: this.now, name: changed.name, was, now: changed.state });
          break;
        }
        case 'row':
        case 'conflict':
      }
    }
  }

  #sync(member: TestMember, address: Address): void {
    const other = this.#at(member, address);
    if (other === undefined || other.isStopped || member.isStopped || member.isKilled) return;
    const mine = member.core.records();
    const theirs = other.core.records();
    this.do(other, other.core.merge(mine, member.name, this.now));
    this.do(member, member.core.merge(theirs, other.name, this.now));
  }

  #arrive(from: TestMember, to: Address, packet: Packet): void {
    const target = this.#at(from, to);
    if (target === undefined) return;
    if (target.isStopped) target.waiting.push({ from: from.address, packet });
    else this.do(target, target.core.receive(from.address, packet, this.now));
  }

  /** The process at an address, if it can be reached from this member. */
  #at(from: TestMember, { host, port }: Address): TestMember | undefined {
    const target = this.members.get(host);
    if (target === undefined || target.isKilled || target.address.port !== port || !this.connects(from.name, host)) return undefined;
    return target;
  }

  #later(run: () => void): void {
    this.#due.push({ at: this.now + this.#delayMs * (0.5 + this.random()), run });
  }

  #deliver(until: number): void {
    for (;;) {
      const due = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (due.length === 0) return;
      this.#due = this.#due.filter(({ at }) => at > until);
      for (const { at, run } of due) {
        this.now = Math.max(this.now, at);
        run();
      }
    }
  }
}

export function statesOf(records: readonly MemberRecord[]): Record<string, MemberState> {
  return Object.fromEntries(records.map(({ name, state }) => [name, state]));
}
