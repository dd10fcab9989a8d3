/** The description of members: the row of all of them, and claims, which no view shows. */

import type { Decision, Kind, Room } from '../../room.ts';
import { claim, drain, join, leave, mayJudge } from './decide.ts';
import { claimKey, membersKey } from './keys.ts';
import type { ClaimRow, MembersRow } from './rows.ts';
import { membersView } from './views.ts';

const members: Kind<MembersRow> = {
  format: 1,
  key: () => membersKey,
  addViews: (_row, views) => views.add(membersView()),
  staysHere: true,
};

const claimed: Kind<ClaimRow> = {
  format: 1,
  key: ({ of }) => claimKey(of),
  keyFields: ['of'],
  keyIsDerived: true,
  staysHere: true,
};

const decisions = {
  'member-join': { decide: join },
  'member-leave': { decide: leave },
  'member-drain': { decide: drain },
  claim: { decide: claim },
} satisfies Record<string, Decision>;

export const memberRoom = {
  name: 'member',
  kinds: { members, claim: claimed },
  views: { members: { shows: (_view, shown) => shown.get(membersKey) !== undefined } },
  decisions,
  judges: { mayJudge },
} satisfies Room;
