/** The description of the key/value store: keys, tombstones of those that were deleted, and lock delays. */

import { fieldsOf } from '../../fields.ts';
import type { Draft } from '../../draft.ts';
import type { Removal } from '../../removal.ts';
import type { Kind, Room } from '../../room.ts';
import { sessionBuckets, sessionKey } from '../session/keys.ts';
import { letGo, removeKey } from './decide.ts';
import { decisions } from './decisions.ts';
import { lapsed } from './delay.ts';
import { findKv, findTombstone } from './find.ts';
import { KeyWakes } from './key-wakes.ts';
import { delayKey, kvBuckets, kvKey, tombstoneKey } from './keys.ts';
import type { DelayRow, KvRow, TombstoneRow } from './rows.ts';

const kv: Kind<KvRow> = {
  format: 2,
  fields: fieldsOf<KvRow>({ namespace: true, key: true, value: true, flags: true, lockIndex: true, session: true }),
  key: ({ namespace, key }) => kvKey(namespace, key),
  keyFields: ['namespace', 'key'],
  buckets: ({ namespace, session }) => (session === undefined ? [] : [sessionBuckets.held(namespace, session), kvBuckets.held(namespace)]),
  keepsItsBuckets: (before, after) => before.session === after.session,
  ordered: true,
  // An answer shows the value in base64.
  shownBytes: ({ key, value }) => key.length + Math.ceil(value.length / 3) * 4,
  parents: ({ namespace, session }) => (session === undefined ? [] : [sessionKey(namespace, session)]),
  withoutParents: ({ session: _ended, ...rest }) => rest,
  restored: ({ namespace, key }, draft: Draft) => draft.delete(tombstoneKey(namespace, key)),
  remove(row, { draft }: Removal) {
    removeKey(draft, row);
  },
  release(held, session, removal) {
    letGo(held, session, removal);
    return undefined;
  },
  raw: {
    field: 'value',
    split(row) {
      return { json: { ...row, value: undefined, flags: row.flags.toString() }, bytes: row.value };
    },
    join(fields, bytes) {
      fields['value'] = bytes;
      fields['flags'] = BigInt(fields['flags'] as string);
    },
  },
};

const tombstone: Kind<TombstoneRow> = {
  format: 2,
  key: ({ namespace, key }) => tombstoneKey(namespace, key),
  keyFields: ['namespace', 'key'],
  ordered: true,
  keepsRevision: true,
  unseen: true,
  notRestored: true,
  keyIsDerived: true,
};

const delay: Kind<DelayRow> = {
  format: 2,
  key: ({ namespace, key }) => delayKey(namespace, key),
  unseen: true,
  keyFields: ['namespace', 'key'],
  lapsed,
  keyIsDerived: true,
};

export const kvRoom = {
  name: 'kv',
  kinds: { kv, tombstone, delay },
  views: {
    key: {
      revision: ({ namespace, name }, state) =>
        (findKv(state, namespace, name) ?? findTombstone(state, namespace, name))?.modified ?? state.floor,
    },
    prefix: {
      revision: ({ namespace, name }, state) =>
        Math.max(state.newestUnder('kv', namespace, name), state.newestUnder('tombstone', namespace, name), state.floor),
    },
  },
  decisions,
  wakes: () => new KeyWakes(),
} satisfies Room;
