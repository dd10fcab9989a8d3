/**
 * Membership: this node joins the store, joins again when it was wrongly taken for dead, and leaves. It also removes members
 * whose presence has ended. The log has the members; presence (`engine/presence.ts`) only shows that a node may be dead.
 *
 *   hold presence ──► member-join ──► member ──removed by others──► member-join, with a new epoch
 *                                       │ presence expired ──► hold again
 *                                       └ presence replaced: another process has this node's id ──► this one must stop
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Held, Presence } from '../engine/presence.ts';
import { findMember, membersOf } from '../registry/kind/member/find.ts';
import { membersView } from '../registry/kind/member/views.ts';
import { Rendezvous } from '../registry/kind/member/rendezvous.ts';
import type { Registry } from '../registry/registry.ts';
import type { Member } from '../registry/kind/member/rows.ts';

/** The description of this node in the row of members. */
export type OwnMember = Pick<Member, 'nodeId' | 'name' | 'address' | 'version' | 'worker' | 'edge' | 'reads'>;

export interface MembershipOptions {
  readonly registry: Registry;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Logger;
  readonly self: OwnMember;
  /** This node is a member in a new epoch. */
  readonly onJoined: (epoch: number) => void;
  /** Another process has joined under the id of this node, which must stop. */
  readonly onReplaced: (error: RegistryError) => void;
}

/** How long the members that rendezvous hashing did not choose wait for the one that it did, before they remove a member themselves. */
const patienceMs = 2_000;

/** Pause after a failed attempt to join, or to remove a member. */
const retryMs = 1_000;

/** Longest time that leaving may take: the store may be away. After it, the presence ends by itself. */
const leaveMs = 3_000;

export class Membership {
  readonly #options: MembershipOptions;
  #epoch = 0;
  #held: Held | undefined;
  #joining: Promise<void> | undefined;
  #closed = false;
  #present: ReadonlySet<string> = new Set();
  /** Members that were seen present: their absence is the end of a presence, and not a watch that lags behind the log. */
  readonly #seen = new Set<string>();
  /** Absent members, each with a function that cancels its removal by this node. */
  readonly #absent = new Map<string, () => void>();
  #unwatch: () => void = () => {};

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Epoch of this node's present membership; 0 before it has joined. */
  get epoch(): number {
    return this.#epoch;
  }

  /** @throws RegistryError when the store cannot be reached, or has too many members */
  async start(): Promise<void> {
    const { registry, presence } = this.#options;
    await this.#hold();
    await this.#join();
    const unwatchPresence = presence.watch((present) => {
      this.#present = present;
      this.#review();
    });
    const unwatchMembers = registry.views.watch(membersView(), () => this.#review());
    this.#unwatch = () => {
      unwatchPresence();
      unwatchMembers();
    };
    this.#review();
  }

  /** Gets no new deadlines from now on; keeps those that it has. */
  async drain(): Promise<void> {
    const { registry, self } = this.#options;
    await registry.submit({ kind: 'member-drain', nodeId: self.nodeId, epoch: this.#epoch, draining: true });
  }

  /** Leaves the store, as far as it can be reached. Idempotent; nothing is watched any more. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    this.#stop();
    const { registry, self, clock, log } = this.#options;
    const leaving = (async () => {
      await this.#joining?.catch(() => {});
      // First the log: its members must not learn from the end of the presence that a node has died.
      await registry.submit({ kind: 'member-leave', nodeId: self.nodeId, epoch: this.#epoch });
      await this.#held?.release();
    })().catch((err: unknown) => log.warn({ err }, 'this node could not say that it leaves; the others notice it'));
    let cancel = () => {};
    await Promise.race([leaving, new Promise<void>((late) => (cancel = clock.timer(leaveMs, late)))]);
    cancel();
  }

  #stop(): void {
    this.#closed = true;
    this.#unwatch();
    for (const cancel of this.#absent.values()) cancel();
    this.#absent.clear();
  }

  async #hold(): Promise<void> {
    const { presence, self, log, clock, onReplaced } = this.#options;
    const held = await presence.hold(self.nodeId);
    this.#held = held;
    void held.lost.then((reason) => {
      if (this.#closed) return;
      if (reason === 'replaced') {
        this.#stop();
        const message = `another process has joined the store as node ${self.name} (${self.nodeId}); give each node a name of its own`;
        onReplaced(new RegistryError('failed_precondition', message));
        return;
      }
      log.warn('the store has not heard of this node for too long');
      void this.#holdAgain(clock);
    });
  }

  async #holdAgain(clock: Clock): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#hold();
        return;
      } catch (err) {
        this.#options.log.warn({ err }, 'this node cannot make itself present; it is tried again');
        await new Promise<void>((again) => clock.timer(retryMs, again));
      }
    }
  }

  async #join(): Promise<void> {
    const { registry, self, onJoined } = this.#options;
    await registry.submit({ kind: 'member-join', ...self });
    this.#epoch = findMember(registry.state, self.nodeId)?.epoch ?? 0;
    onJoined(this.#epoch);
  }

  /** Called when members or presences have changed. */
  #review(): void {
    if (this.#closed) return;
    const { registry, self } = this.#options;
    const members = membersOf(registry.state);
    const own = members.find(({ nodeId }) => nodeId === self.nodeId);
    // It was removed, or it has joined with an epoch that it does not know because the answer was lost.
    if (own?.epoch !== this.#epoch) this.#joinAgain();
    const others = members.filter(({ nodeId }) => nodeId !== self.nodeId);
    for (const [nodeId, cancel] of this.#absent) {
      if (others.some((member) => member.nodeId === nodeId) && !this.#present.has(nodeId)) continue;
      cancel();
      this.#absent.delete(nodeId);
    }
    for (const { nodeId } of others) {
      if (this.#present.has(nodeId)) this.#seen.add(nodeId);
      else if (!this.#absent.has(nodeId)) this.#removeLater(nodeId, this.#waitFor(nodeId, members));
    }
    for (const nodeId of this.#seen) if (!others.some((member) => member.nodeId === nodeId)) this.#seen.delete(nodeId);
  }

  /** How long this node waits before it removes a member that is absent. */
  #waitFor(nodeId: string, members: readonly Member[]): number {
    const { presence, self } = this.#options;
    const living = members.filter((member) => member.nodeId !== nodeId && (member.nodeId === self.nodeId || this.#present.has(member.nodeId)));
    const chosen = new Rendezvous(living.map((member) => member.nodeId)).ownerOf(nodeId);
    return (this.#seen.has(nodeId) ? 0 : presence.ttlMs) + (chosen === self.nodeId ? 0 : patienceMs);
  }

  #removeLater(nodeId: string, delayMs: number): void {
    const { clock } = this.#options;
    this.#absent.set(nodeId, delayMs === 0 ? () => {} : clock.timer(delayMs, () => void this.#remove(nodeId)));
    if (delayMs === 0) void this.#remove(nodeId);
  }

  async #remove(nodeId: string): Promise<void> {
    const { registry, log } = this.#options;
    const member = findMember(registry.state, nodeId);
    if (member === undefined || this.#closed) return;
    const { epoch, name } = member;
    try {
      const removed = await registry.submit({ kind: 'member-leave', nodeId, epoch, failed: true });
      if (removed) log.warn({ node: name, nodeId, epoch }, 'a node is gone: what it held is taken over');
    } catch (err) {
      log.warn({ err, node: name }, 'a node that is gone could not be removed from the members; it is tried again');
      if (this.#absent.has(nodeId)) this.#removeLater(nodeId, retryMs);
    }
  }

  #joinAgain(): void {
    if (this.#joining !== undefined) return;
    const { log, clock } = this.#options;
    log.warn('this node is no member as it knows itself: the others have taken it for dead; it joins again');
    this.#joining = this.#join()
      .catch((error: unknown) => {
        log.warn({ err: toRegistryError(error) }, 'this node could not join again; it is tried again');
        return new Promise<void>((again) => clock.timer(retryMs, again));
      })
      .then(() => {
        this.#joining = undefined;
        this.#review();
      });
  }
}
