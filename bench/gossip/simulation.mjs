/**
 * A group on a virtual clock: the shipped state machine of `@rollcall/gossip` in every member, a modelled LAN between
 * them. Datagrams and streams take 0.2 to 1 ms. The same seed gives the same run.
 *
 * A slow member is blocked in its network, as in the Lifeguard paper: what it sends and what it receives waits until the
 * end of the block, while its timers go on. It may also be stopped as a whole (SIGSTOP): then its timers wait, too.
 */

import { lanTiming, Membership, packetBytes, tickMs, updateBytes } from '@rollcall/gossip';
import { SeededRandom } from '@rollcall/client';

/** IP and UDP headers, and what sealing adds. */
const overheadBytes = 28 + 49;
const packetMax = 1_400 - 49;

/** Longest delay of an event, in milliseconds: a power of two. */
const slots = 2 ** 17;

export class Simulation {
  /**
   * @param options.members number of members
   * @param options.timing changes of the timing of a LAN
   * @param options.buddy false: a suspect is not told first
   */
  constructor({ members, seed, timing = {}, buddy = true }) {
    this.timing = { ...lanTiming, ...timing };
    this.buddy = buddy;
    this.random = new SeededRandom(seed);
    this.now = 0;
    this.events = Array.from({ length: slots }, () => undefined);
    this.messages = 0;
    this.bytes = 0;
    this.streams = 0;
    /** Called with each change that a member sees: (observer, change). */
    this.onChange = () => {};
    this.members = Array.from({ length: members }, (_, index) => this.#create(index));
    this.byName = new Map(this.members.map((member) => [member.name, member]));
    for (const member of this.members) this.#at(this.random.fraction() * tickMs(this.timing), () => this.#tick(member));
  }

  run(ms) {
    const end = this.now + ms;
    while (this.now < end) {
      this.now++;
      const slot = this.now % slots;
      const due = this.events[slot];
      if (due === undefined) continue;
      this.events[slot] = undefined;
      for (const event of due) event();
    }
  }

  kill(member) {
    member.isKilled = true;
  }

  /** @param how `network`: its messages wait; `process`: its timers, too */
  block(member, ms, how) {
    member.blockedUntil = this.now + ms;
    member.isStopped = how === 'process';
    this.#at(ms, () => this.#unblock(member));
  }

  resetCounts() {
    this.messages = 0;
    this.bytes = 0;
    this.streams = 0;
  }

  #create(index) {
    const address = { host: `m${index}`, port: 1 };
    const core = new Membership({
      ...{ self: { name: address.host, address, incarnation: 1 }, timing: this.timing, nowMs: 0 },
      ...{ random: () => this.random.fraction(), sizes: { packetMax, packet: packetBytes, update: updateBytes } },
    });
    if (index > 0) core.useSeeds([{ host: 'm0', port: 1 }]);
    return { name: address.host, address, core, isKilled: false, isStopped: false, blockedUntil: 0, held: [], outbox: [] };
  }

  #tick(member) {
    if (member.isKilled) return;
    if (!member.isStopped) this.#perform(member, member.core.tick(this.now));
    this.#at(tickMs(this.timing), () => this.#tick(member));
  }

  #perform(member, actions) {
    for (const action of actions) {
      if (action.kind === 'send') this.#send(member, action);
      else if (action.kind === 'stream-ping') this.#through(member, action.to, (target) => this.#through(target, member.address, () => member.core.streamAnswered(action.sequence, this.now)));
      else if (action.kind === 'sync') this.#sync(member, action.with);
      else if (action.kind === 'changed') this.onChange(member, action.change);
    }
  }

  #send(member, { to, packet }) {
    const told = packet.updates[0];
    const isBuddy = packet.head.kind === 'ping' && told?.kind === 'suspect' && told.name === packet.head.target;
    const sent = isBuddy && !this.buddy ? { ...packet, updates: packet.updates.slice(1) } : packet;
    this.messages++;
    this.bytes += overheadBytes + packetBytes(sent) + sent.updates.reduce((sum, update) => sum + updateBytes(update), 0);
    this.#through(member, to, (target) => this.#perform(target, target.core.receive(member.address, sent, this.now)));
  }

  #sync(member, address) {
    this.streams++;
    const mine = member.core.records();
    this.#through(member, address, (target) => {
      const theirs = target.core.records();
      this.#perform(target, target.core.merge(mine, member.name, this.now));
      this.#through(target, member.address, () => this.#perform(member, member.core.merge(theirs, target.name, this.now)));
    });
  }

  /** From one member to another: out of a block of the first, over the network, into a block of the second. */
  #through(from, to, arrive) {
    const target = this.byName.get(to.host);
    const deliver = () => {
      if (target === undefined || target.isKilled) return;
      if (target.blockedUntil > this.now) target.held.push(() => arrive(target));
      else arrive(target);
    };
    const leave = () => this.#at(0.2 + 0.8 * this.random.fraction(), deliver);
    if (from.blockedUntil > this.now) from.outbox.push(leave);
    else leave();
  }

  #unblock(member) {
    if (member.isKilled) return;
    const wasStopped = member.isStopped;
    member.isStopped = false;
    // The timers of a process that goes on run before it reads its sockets.
    if (wasStopped) this.#perform(member, member.core.tick(this.now));
    for (const event of [...member.outbox.splice(0), ...member.held.splice(0)]) event();
  }

  #at(delayMs, event) {
    const slot = (this.now + Math.max(1, Math.round(delayMs))) % slots;
    (this.events[slot] ??= []).push(event);
  }
}
