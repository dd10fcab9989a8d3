/**
 * The owner of a deadline among the members of a row: the holder, if it is a member; else the member that rendezvous hashing
 * chooses. Members that drain and edge nodes are not chosen as long as there are others. Pure: every node that knows the same
 * row finds the same owner.
 */

import { hashText, Rendezvous } from './rendezvous.ts';
import type { Member } from './rows.ts';

export class Owners {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #chosen: Rendezvous;

  constructor(members: readonly Member[]) {
    this.#members = new Map(members.map((member) => [member.nodeId, member]));
    const inner = members.filter(({ edge }) => edge !== true);
    const candidates = inner.length > 0 ? inner : members;
    const staying = candidates.filter(({ draining }) => draining !== true);
    this.#chosen = new Rendezvous((staying.length > 0 ? staying : candidates).map(({ nodeId }) => nodeId));
  }

  member(nodeId: string): Member | undefined {
    return this.#members.get(nodeId);
  }

  /**
   * @param key record key of the check or the session
   * @param holder that its row or a claim names
   * @returns the id of the owner; undefined when there are no members
   */
  ownerOf(key: string, holder: string | undefined): string | undefined {
    return holder !== undefined && this.#members.has(holder) ? holder : this.ownerOfHash(hashText(key));
  }

  /** The owner of a deadline that has no holder among the members. @param hash `hashText` of its record key */
  ownerOfHash(hash: number): string | undefined {
    return this.#chosen.ownerOfHash(hash);
  }
}

/** The owners by the row of all members, of which there is a new one with each change: made once for each. */
const known = new WeakMap<object, Owners>();

/** @param row of all members */
export function ownersBy(row: { readonly members: readonly Member[] }): Owners {
  let owners = known.get(row);
  if (owners === undefined) known.set(row, (owners = new Owners(row.members)));
  return owners;
}
