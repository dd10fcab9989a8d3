/** The description of generic records: data of other parts that needs neither indexes nor decisions of its own. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { isOf } from '../../row.ts';
import { decisions } from './decisions.ts';
import { findRecord } from './find.ts';
import { recordBuckets, recordKey } from './keys.ts';
import type { RecordRow } from './rows.ts';
import { recordView, recordsView } from './views.ts';

const record: Kind<RecordRow> = {
  format: 2,
  fields: fieldsOf<RecordRow>({ namespace: true, type: true, id: true, value: true }),
  key: ({ namespace, type, id }) => recordKey(namespace, type, id),
  keyFields: ['namespace', 'type', 'id'],
  buckets: ({ namespace, type }) => [recordBuckets.ofType(namespace, type)],
  addViews: ({ namespace, type }, views) => views.add(recordsView(namespace, type)),
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
  decisions,
  wakes: () => ({
    addForRow(row, _present, views) {
      if (isOf<RecordRow>(row, 'record')) views.add(recordView(row.namespace, row.type, row.id));
    },
  }),
} satisfies Room;
