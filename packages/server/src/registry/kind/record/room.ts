/** The description of generic records: data of other parts that needs neither indexes nor decisions of its own. */

import { headOf } from '../../heads.ts';
import { buckets, find } from '../../reader.ts';
import type { Kind, Room } from '../../room.ts';
import { keys, type RecordRow } from '../../rows.ts';
import { viewOf } from '../../view-name.ts';
import { decisions } from './decisions.ts';
import { queryType, sessionOfRecord } from './bound.ts';

const record: Kind<RecordRow> = {
  format: 2,
  key: ({ namespace, type, id }) => keys.record(namespace, type, id),
  buckets(row) {
    const session = sessionOfRecord(row);
    const names = [buckets.recordsOfType(row.namespace, row.type)];
    if (session !== undefined) names.push(buckets.heldBySession(row.namespace, session));
    return names;
  },
  addViews: ({ namespace, type }, views) => views.add(viewOf.records(namespace, type)),
};

export const recordRoom: Room = {
  name: 'record',
  kinds: { record },
  views: {
    records: { shows: ({ namespace, name }, shown) => shown.has(buckets.recordsOfType(namespace, name)) },
    record: {
      // Its name is the type and the id, joined by NUL.
      revision({ namespace, name }, state) {
        const end = name.indexOf('\0');
        const type = name.slice(0, end);
        const row = find.record(state, namespace, type, name.slice(end + 1));
        return row?.modified ?? state.keptRevision(viewOf.records(namespace, type)) ?? state.floor;
      },
    },
  },
  heads: { records: (namespace, type) => (type === queryType ? headOf.queries(namespace) : undefined) },
  decisions,
  wakes: () => ({
    addForRow(row, _present, views) {
      if (row.kind === 'record') views.add(viewOf.record(row.namespace, row.type, row.id));
    },
  }),
};
