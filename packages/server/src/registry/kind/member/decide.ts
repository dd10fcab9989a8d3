/** Decisions about members: joining and leaving the store, claims of deadlines, and whether a member may pass a verdict. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { Judge, Judged } from '../../judged.ts';
import type { Steps } from '../../steps.ts';
import type { Claim, MemberDrain, MemberForget, MemberJoin, MemberLeave } from './commands.ts';
import { findMember, findMembers, holderOf } from './find.ts';
import { claimKey, failedKey } from './keys.ts';
import { ownersBy } from './owners.ts';
import type { ClaimRow, FailedMemberRow, Member, MembersRow } from './rows.ts';

/** Members of one store, workers included. All of them are in one row, and the owner of a key is looked for among all. */
export const membersMax = 1_024;

/** @throws RegistryError `resource_exhausted` when there is no room for another member */
export function join(draft: Draft, { kind: _kind, ...node }: MemberJoin): boolean {
  const row = findMembers(draft);
  const epoch = (row?.lastEpoch ?? 0) + 1;
  const others = (row?.members ?? []).filter(({ nodeId }) => nodeId !== node.nodeId);
  if (others.length >= membersMax) {
    throw new RegistryError('resource_exhausted', `the store has ${others.length} members, the limit is ${membersMax}`);
  }
  put(draft, row, [...others, { ...node, epoch }], epoch);
  draft.delete(failedKey(node.nodeId));
  return true;
}

export function leave(draft: Draft, { nodeId, epoch, failed }: MemberLeave, now: number): boolean {
  const member = findMember(draft, nodeId);
  if (!change(draft, { nodeId, epoch }, () => undefined)) return false;
  if (failed === true && member !== undefined && member.worker !== true) {
    const { name, address, version } = member;
    draft.put<FailedMemberRow>({ kind: 'failed-member', nodeId, name, address, version, failedMs: now, created: 0, modified: 0 });
  }
  return true;
}

export function forget(draft: Draft, { nodeId }: MemberForget): boolean {
  return draft.delete(failedKey(nodeId));
}

export function drain(draft: Draft, { nodeId, epoch, draining }: MemberDrain): boolean {
  return change(draft, { nodeId, epoch }, ({ draining: _before, ...member }) => (draining ? { ...member, draining } : member));
}

/** The member watches a claimed deadline from then on, in full. A claim from an earlier epoch of it does nothing. */
export function* claim(draft: Draft, { nodeId, epoch, keys }: Claim): Steps<boolean> {
  if (findMember(draft, nodeId)?.epoch !== epoch) return false;
  for (const [at, key] of keys.entries()) {
    const row = draft.get(key);
    if (row !== undefined && draft.kinds.of(row).companion !== undefined && holderOf(draft, key) !== nodeId) {
      // A holder that the row already names needs no claim.
      if ((row as { readonly holder?: string }).holder === nodeId) draft.delete(claimKey(key));
      else draft.put<ClaimRow>({ kind: 'claim', of: key, holder: nodeId, created: 0, modified: 0 });
    }
    yield () => ({ keys: keys.slice(at + 1) });
  }
  return true;
}

/** The name of a member that does not read records of a level; undefined when there is none. */
export function memberThatCannotRead(draft: Draft, level: number): Pick<Member, 'name' | 'version'> | undefined {
  return findMembers(draft)?.members.find(({ reads = 1 }) => reads < level);
}

/** Whether the judge is a member in the epoch that it names, and owns the deadline that it judged. */
export function mayJudge(draft: Draft, { key }: Judged, { nodeId, epoch }: Judge): boolean {
  const row = findMembers(draft);
  if (row === undefined) return false;
  const owners = ownersBy(row);
  return owners.member(nodeId)?.epoch === epoch && owners.ownerOf(key, holderOf(draft, key)) === nodeId;
}

/** @param after the new entry of the member; undefined when it leaves */
function change(draft: Draft, { nodeId, epoch }: Judge, after: (member: Member) => Member | undefined): boolean {
  const row = findMembers(draft);
  if (row === undefined || row.members.find((member) => member.nodeId === nodeId)?.epoch !== epoch) return false;
  const members = row.members.flatMap((member) => (member.nodeId === nodeId ? (after(member) ?? []) : member));
  put(draft, row, members, row.lastEpoch);
  return true;
}

/** Fields that a newer Rollcall has put into the row stay. */
function put(draft: Draft, before: MembersRow | undefined, members: readonly Member[], lastEpoch: number): void {
  draft.put<MembersRow>({ ...before, kind: 'members', lastEpoch, members, created: 0, modified: 0 });
}
