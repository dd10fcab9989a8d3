/** The description of prepared queries. One that is bound to a session is removed with it. */

import type { Decision, Kind, Room } from '../../room.ts';
import { sessionBuckets, sessionKey } from '../session/keys.ts';
import { deleteQuery, putQuery } from './decide.ts';
import { queriesHead, queryBuckets, queryKey } from './keys.ts';
import type { QueryRow } from './rows.ts';
import { queriesView } from './views.ts';

const query: Kind<QueryRow> = {
  format: 1,
  key: ({ namespace, id }) => queryKey(namespace, id),
  keyFields: ['namespace', 'id'],
  buckets({ namespace, query: { session } }) {
    const all = queryBuckets.all(namespace);
    return session === '' ? [all] : [all, sessionBuckets.held(namespace, session)];
  },
  addViews: ({ namespace }, views) => views.add(queriesView(namespace)),
  parents: ({ namespace, query: { session } }) => (session === '' ? [] : [sessionKey(namespace, session)]),
};

const decisions = {
  'query-put': { writes: true, decide: putQuery },
  'query-delete': { decide: deleteQuery },
} satisfies Record<string, Decision>;

export const queryRoom = {
  name: 'query',
  kinds: { query },
  views: { queries: { shows: ({ namespace }, shown) => shown.has(queryBuckets.all(namespace)) } },
  heads: { queries: (namespace) => queriesHead(namespace) },
  decisions,
} satisfies Room;
