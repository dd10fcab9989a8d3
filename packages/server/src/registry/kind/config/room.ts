/** The description of configurations: their rows, and the releases that make up their history. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { isInUse, publish, remove } from './decide.ts';
import { configLimits, type ConfigPublish } from './commands.ts';
import { findConfig, isPublished } from './find.ts';
import { configBuckets, configKey, releaseKey } from './keys.ts';
import type { ConfigRow, ReleaseRow } from './rows.ts';
import { configsView, configView } from './views.ts';

const config: Kind<ConfigRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<ConfigRow>({
    ...{ namespace: true, group: true, id: true, release: true, last: true, md5: true, bytes: true, type: true, app: true },
    ...{ description: true, tags: true, gray: true, createdMs: true, changedMs: true },
  }),
  key: ({ namespace, group, id }) => configKey(namespace, group, id),
  keyFields: ['namespace', 'group', 'id'],
  buckets: ({ namespace }) => [configBuckets.inNamespace(namespace)],
  keepsItsBuckets: () => true,
  addViews({ namespace, group, id }, views) {
    views.add(configView(namespace, group, id));
    views.add(configsView(namespace));
  },
  longestView: ({ namespace, group, id }) => configView(namespace, group, id),
  lapsed: (row, now) => !isPublished(row) && isOld(row.changedMs, now),
};

const release: Kind<ReleaseRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<ReleaseRow>({
    ...{ namespace: true, group: true, id: true, number: true, step: true, replaced: true, content: true, md5: true },
    ...{ type: true, gray: true, atMs: true, by: true, from: true, foreign: true },
  }),
  key: ({ namespace, group, id, number }) => releaseKey(namespace, group, id, number),
  raw: {
    field: 'content',
    split: (row) => ({ json: { ...row, content: undefined }, bytes: row.content }),
    join(fields, bytes) {
      fields['content'] = bytes;
    },
  },
  lapsed(row, now, lookup) {
    const current = findConfig(lookup, row.namespace, row.group, row.id);
    return isOld(row.atMs, now) && (current === undefined || !isInUse(current, row.number));
  },
};

/** A step from the future has seen the wall clock jump back: it stays. */
function isOld(atMs: number, now: number): boolean {
  return now - atMs > configLimits.historyMs;
}

export const configRoom = {
  name: 'config',
  kinds: { config, 'config-release': release },
  views: {
    configs: { shows: ({ namespace }, shown) => shown.has(configBuckets.inNamespace(namespace)) },
    config: {
      shows({ namespace, name }, shown) {
        const end = name.indexOf('\0');
        return shown.get(configKey(namespace, name.slice(0, end), name.slice(end + 1))) !== undefined;
      },
      forgettable: true,
    },
  },
  decisions: {
    'config-publish': { writes: true, conditionOn: ({ namespace, group, id }: ConfigPublish) => configKey(namespace, group, id), decide: publish },
    'config-remove': { decide: remove },
  },
} satisfies Room;
