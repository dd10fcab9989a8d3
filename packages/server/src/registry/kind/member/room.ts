/** The description of members: the row of all of them, machines that have failed, and claims, which no view shows. */

import type { Decision, Kind, Room } from '../../room.ts';
import { claim, drain, forget, join, leave, mayJudge, memberThatCannotRead } from './decide.ts';
import { claimKey, failedBucket, failedKey, membersKey } from './keys.ts';
import type { ClaimRow, FailedMemberRow, MembersRow } from './rows.ts';
import { membersView } from './views.ts';

const members: Kind<MembersRow> = {
  format: 1,
  key: () => membersKey,
  addViews: (_row, views) => views.add(membersView()),
  staysHere: true,
};

/** How long a machine that has failed is shown: Consul's `reconnect_timeout`. */
const failedKeptMs = 72 * 3_600_000;

const failed: Kind<FailedMemberRow> = {
  format: 1,
  mayStayUnread: true,
  key: ({ nodeId }) => failedKey(nodeId),
  keyFields: ['nodeId'],
  buckets: () => [failedBucket],
  keepsItsBuckets: () => true,
  addViews: (_row, views) => views.add(membersView()),
  lapsed: ({ failedMs }, now) => now - failedMs >= failedKeptMs,
  staysHere: true,
};

const claimed: Kind<ClaimRow> = {
  format: 1,
  key: ({ of }) => claimKey(of),
  unseen: true,
  keyFields: ['of'],
  keyIsDerived: true,
  staysHere: true,
};

const decisions = {
  'member-join': { decide: join },
  'member-leave': { decide: leave },
  'member-drain': { decide: drain },
  'member-forget': { decide: forget },
  claim: { decide: claim },
} satisfies Record<string, Decision>;

export const memberRoom = {
  name: 'member',
  kinds: { members, 'failed-member': failed, claim: claimed },
  views: { members: { shows: (_view, shown) => shown.get(membersKey) !== undefined } },
  decisions,
  judges: { mayJudge },
  reads: { memberThatCannotRead },
} satisfies Room;
