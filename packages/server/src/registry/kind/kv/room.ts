/** The description of the key/value store: keys, tombstones of those that were deleted, and lock delays. */

import { buckets, find } from '../../reader.ts';
import type { Kind, Room } from '../../room.ts';
import { keys, type DelayRow, type KvRow, type TombstoneRow } from '../../rows.ts';
import { decisions } from './decisions.ts';
import { lapsed } from './delay.ts';
import { KeyWakes } from './key-wakes.ts';

const kv: Kind<KvRow> = {
  format: 2,
  key: ({ namespace, key }) => keys.kv(namespace, key),
  buckets: ({ namespace, session }) => (session === undefined ? [] : [buckets.heldBySession(namespace, session)]),
  keepsItsBuckets: (before, after) => before.session === after.session,
  ordered: true,
  raw: {
    split({ value, flags, ...rest }) {
      return { json: { ...rest, value: null, flags: flags.toString(), modified: 0 }, bytes: value };
    },
    join(fields, bytes) {
      fields['value'] = bytes;
      fields['flags'] = BigInt(fields['flags'] as string);
    },
  },
};

const tombstone: Kind<TombstoneRow> = {
  format: 2,
  key: ({ namespace, key }) => keys.tombstone(namespace, key),
  ordered: true,
  keepsRevision: true,
  keyIsDerived: true,
};

const delay: Kind<DelayRow> = {
  format: 2,
  key: ({ namespace, key }) => keys.delay(namespace, key),
  lapsed,
  keyIsDerived: true,
};

export const kvRoom: Room = {
  name: 'kv',
  kinds: { kv, tombstone, delay },
  views: {
    key: {
      revision: ({ namespace, name }, state) =>
        (find.kv(state, namespace, name) ?? state.get(keys.tombstone(namespace, name)))?.modified ?? state.floor,
    },
    prefix: {
      revision: ({ namespace, name }, state) =>
        Math.max(state.newestUnder('kv', namespace, name), state.newestUnder('tombstone', namespace, name), state.floor),
    },
  },
  decisions,
  wakes: () => new KeyWakes(),
};
