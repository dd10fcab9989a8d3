/** A member as another member knows it, and the change of one as the rest of the program is told. */

import type { Address, MemberRecord, MemberState, MemberUpdate } from '../messages.ts';
import type { Suspicion } from './suspicion.ts';

export interface Member extends MemberRecord {
  /** When its state changed, on the member's own clock. */
  readonly sinceMs: number;
}

/** The same, for the table that owns it. */
export interface TableMember {
  readonly name: string;
  address: Address;
  incarnation: number;
  state: MemberState;
  sinceMs: number;
  /** While the state is `suspect`. */
  suspicion: Suspicion | undefined;
}

/** Whether the member counts as one of the group: it may be slow, but it is not known to be gone. */
export function isLiving({ state }: Pick<MemberRecord, 'state'>): boolean {
  return state === 'alive' || state === 'suspect';
}

export interface MemberChange {
  readonly member: Member;
  /** Undefined: the member is new. */
  readonly was: MemberState | undefined;
}

/** What is said of a member that is not simply alive. */
export function accusationOf({ name, incarnation, state }: TableMember, by: string): MemberUpdate {
  return state === 'left' ? { kind: state, name, incarnation } : { kind: state === 'dead' ? 'dead' : 'suspect', name, incarnation, by };
}
