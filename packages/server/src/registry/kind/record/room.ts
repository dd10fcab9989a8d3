/** The description of generic records: data of other parts that needs neither indexes nor decisions of its own. */

import { sessionBuckets, sessionKey } from '../session/keys.ts';
import { findRecord } from './find.ts';
import { queriesHead, recordBuckets, recordKey } from './keys.ts';
import { isOf } from '../../row.ts';
import type { RecordRow } from './rows.ts';
import { recordView, recordsView } from './views.ts';
import type { Kind, Room } from '../../room.ts';
import { decisions } from './decisions.ts';
import { queryType, sessionOfRecord } from './bound.ts';

const record: Kind<RecordRow> = {
  format: 2,
  key: ({ namespace, type, id }) => recordKey(namespace, type, id),
  keyFields: ['namespace', 'type', 'id'],
  buckets(row) {
    const session = sessionOfRecord(row);
    const names = [recordBuckets.ofType(row.namespace, row.type)];
    if (session !== undefined) names.push(sessionBuckets.held(row.namespace, session));
    return names;
  },
  addViews: ({ namespace, type }, views) => views.add(recordsView(namespace, type)),
  parents(row) {
    const session = sessionOfRecord(row);
    return session === undefined ? [] : [sessionKey(row.namespace, session)];
  },
};

export const recordRoom = {
  name: 'record',
  kinds: { record },
  views: {
    records: { shows: ({ namespace, name }, shown) => shown.has(recordBuckets.ofType(namespace, name)) },
    record: {
      // Its name is the type and the id, joined by NUL.
      revision({ namespace, name }, state) {
        const end = name.indexOf('\0');
        const type = name.slice(0, end);
        const row = findRecord(state, namespace, type, name.slice(end + 1));
        return row?.modified ?? state.keptRevision(recordsView(namespace, type)) ?? state.floor;
      },
    },
  },
  heads: { records: (namespace, type) => (type === queryType ? queriesHead(namespace) : undefined) },
  decisions,
  wakes: () => ({
    addForRow(row, _present, views) {
      if (isOf<RecordRow>(row, 'record')) views.add(recordView(row.namespace, row.type, row.id));
    },
  }),
} satisfies Room;
