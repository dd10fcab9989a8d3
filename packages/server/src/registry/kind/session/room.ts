/** The description of sessions. What they hold belongs to other rooms, whose rows are in the bucket of their session. */

import { headOf } from '../../heads.ts';
import { buckets, find } from '../../reader.ts';
import type { Kind, Room } from '../../room.ts';
import { keys, type SessionRow } from '../../rows.ts';
import { claimKey } from '../member/keys.ts';
import { viewOf } from '../../view-name.ts';
import { decisions } from './decisions.ts';

const session: Kind<SessionRow> = {
  format: 2,
  key: ({ namespace, id }) => keys.session(namespace, id),
  buckets: ({ namespace, node, checks }) => [
    buckets.sessionsOnNode(namespace, node),
    buckets.sessions(namespace),
    ...checks.map((check) => buckets.sessionsWithCheck(check.namespace, node, check.id)),
  ],
  addViews: ({ namespace }, views) => views.add(viewOf.sessions(namespace)),
  ownHead: ({ namespace, id }) => headOf.session(namespace, id),
  companion: claimKey,
};

export const sessionRoom: Room = {
  name: 'session',
  kinds: { session },
  views: {
    sessions: { shows: ({ namespace }, shown) => shown.has(buckets.sessions(namespace)) },
    session: {
      revision: ({ namespace, name }, state) =>
        find.session(state, namespace, name)?.modified ?? state.keptRevision(viewOf.sessions(namespace)) ?? state.floor,
    },
  },
  heads: {
    'sessions-on': (_namespace, node) => (node === '' ? undefined : headOf.node(node)),
    'sessions-with': (namespace, node, check) => (node === '' ? headOf.withoutNode(namespace, check) : headOf.node(node)),
    held: (namespace, id) => headOf.session(namespace, id),
  },
  decisions,
  wakes: () => ({
    addForRow(row, _present, views) {
      if (row.kind === 'session') views.add(viewOf.session(row.namespace, row.id));
    },
  }),
};
