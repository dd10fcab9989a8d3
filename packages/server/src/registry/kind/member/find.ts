/** Finds members, and the named holder of a deadline. */

import type { Lookup } from '../../room.ts';
import { claimKey, failedBucket, membersKey } from './keys.ts';
import type { ClaimRow, FailedMemberRow, Member, MembersRow } from './rows.ts';

const none: readonly Member[] = [];

/** Undefined on a store that no node has joined: one node has it for itself. */
export function findMembers(reader: Lookup): MembersRow | undefined {
  return reader.get(membersKey) as MembersRow | undefined;
}

/** In the order in which they joined. */
export function membersOf(reader: Lookup): readonly Member[] {
  return findMembers(reader)?.members ?? none;
}

/** The members that are machines: those that clients and operators are shown. */
export function machinesOf(reader: Lookup): readonly Member[] {
  return membersOf(reader).filter(({ worker }) => worker !== true);
}

/** The machines that have failed and have not come back, not even under another id, in the order of their names. */
export function failedMachines(reader: Lookup): readonly FailedMemberRow[] {
  const names = new Set(machinesOf(reader).map(({ name }) => name));
  const failed = [...(reader.bucket(failedBucket) as Iterable<FailedMemberRow>)].filter(({ name }) => !names.has(name));
  return failed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function findMember(reader: Lookup, nodeId: string): Member | undefined {
  return membersOf(reader).find((member) => member.nodeId === nodeId);
}

/**
 * The node that the row or a claim names as holder of its deadline; it may be no member any more.
 * @param key record key of the check or the session
 */
export function holderOf(reader: Lookup, key: string): string | undefined {
  const claim = reader.get(claimKey(key)) as ClaimRow | undefined;
  return claim?.holder ?? (reader.get(key) as { readonly holder?: string } | undefined)?.holder;
}
