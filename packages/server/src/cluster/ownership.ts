/**
 * Ownership among the members of a store: the owner of a deadline follows from the rows alone
 * (`registry/kind/member/owners.ts`), so all nodes that have applied the same revision agree. This node owns only while it is a
 * member in the epoch of its own join: a node that was wrongly taken for dead owns nothing until it has joined again.
 */

import type { Ownership, StrayBeat } from '../health/ownership.ts';
import type { Judge } from '../registry/judged.ts';
import { findMembers, holderOf } from '../registry/kind/member/find.ts';
import { ownersBy, type Owners } from '../registry/kind/member/owners.ts';
import type { Registry } from '../registry/registry.ts';
import type { Member, MembersRow } from '../registry/kind/member/rows.ts';

export interface SharedOwnershipOptions {
  readonly registry: Pick<Registry, 'state'>;
  readonly nodeId: string;
  /** Takes the heartbeats of deadlines that others watch. */
  readonly stray: (beat: StrayBeat) => void;
}

export class SharedOwnership implements Ownership {
  readonly nodeId: string;
  readonly #options: SharedOwnershipOptions;
  /** Epoch of this node's present membership; 0 before it has joined. */
  #epoch = 0;
  #row: MembersRow | undefined;
  #owners: Owners | undefined;
  #judge: Judge | undefined;
  #generation = 0;

  constructor(options: SharedOwnershipOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
  }

  get generation(): number {
    this.#follow();
    return this.#generation;
  }

  get judge(): Judge | undefined {
    this.#follow();
    return this.#judge;
  }

  /** This node has joined. @param epoch that it got */
  joined(epoch: number): void {
    this.#epoch = epoch;
    this.#row = undefined;
  }

  owns(key: string): boolean {
    this.#follow();
    return this.#judge !== undefined && this.#ownerId(key) === this.nodeId;
  }

  /** The member that watches a deadline; undefined while there is none. @param key record key of the check or the session */
  ownerOf(key: string): Member | undefined {
    this.#follow();
    const id = this.#ownerId(key);
    return id === undefined ? undefined : this.#owners?.member(id);
  }

  stray(beat: StrayBeat): void {
    this.#options.stray(beat);
  }

  #ownerId(key: string): string | undefined {
    return this.#owners?.ownerOf(key, holderOf(this.#options.registry.state, key));
  }

  /** Reads the members again if they have changed: their row is another object then. */
  #follow(): void {
    const row = findMembers(this.#options.registry.state);
    if (row === this.#row) return;
    this.#row = row;
    this.#owners = row === undefined ? undefined : ownersBy(row);
    const self = this.#owners?.member(this.nodeId);
    this.#judge = self !== undefined && self.epoch === this.#epoch ? { nodeId: this.nodeId, epoch: self.epoch } : undefined;
    this.#generation++;
  }
}
