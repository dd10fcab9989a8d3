/** The description of sessions. The rows that they hold belong to other rooms and are in the bucket of their session. */

import type { Removal } from '../../removal.ts';
import type { Kind, Room } from '../../room.ts';
import { isOf } from '../../row.ts';
import { nodeHead, nodeKey, withoutNodeHead } from '../catalog/keys.ts';
import { claimKey } from '../member/keys.ts';
import { decisions } from './decisions.ts';
import { endSession } from './end.ts';
import { findSession, heldBySession } from './find.ts';
import { sessionBuckets, sessionHead, sessionKey } from './keys.ts';
import type { SessionRow } from './rows.ts';
import { sessionView, sessionsView } from './views.ts';

const session: Kind<SessionRow> = {
  format: 2,
  key: ({ namespace, id }) => sessionKey(namespace, id),
  keyFields: ['namespace', 'id'],
  buckets: ({ namespace, node, checks }) => [
    sessionBuckets.onNode(namespace, node),
    sessionBuckets.all(namespace),
    ...checks.map((check) => sessionBuckets.withCheck(check.namespace, node, check.id)),
  ],
  addViews: ({ namespace }, views) => views.add(sessionsView(namespace)),
  ownHead: ({ namespace, id }) => sessionHead(namespace, id),
  companion: claimKey,
  parents: ({ node }) => (node === '' ? [] : [nodeKey(node)]),
  dependents: ({ namespace, id }, lookup) => heldBySession(lookup, namespace, id),
  remove: ({ namespace, id }, removal: Removal) => endSession(removal, namespace, id),
};

export const sessionRoom = {
  name: 'session',
  kinds: { session },
  views: {
    sessions: { shows: ({ namespace }, shown) => shown.has(sessionBuckets.all(namespace)) },
    session: {
      revision: ({ namespace, name }, state) =>
        findSession(state, namespace, name)?.modified ?? state.keptRevision(sessionsView(namespace)) ?? state.floor,
    },
  },
  heads: {
    'sessions-on': (_namespace, node) => (node === '' ? undefined : nodeHead(node)),
    'sessions-with': (namespace, node, check) => (node === '' ? withoutNodeHead(namespace, check) : nodeHead(node)),
    held: (namespace, id) => sessionHead(namespace, id),
  },
  decisions,
  wakes: () => ({
    addForRow(row, _present, views) {
      if (isOf<SessionRow>(row, 'session')) views.add(sessionView(row.namespace, row.id));
    },
  }),
} satisfies Room;
