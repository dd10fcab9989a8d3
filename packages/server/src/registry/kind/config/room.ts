/** The description of configurations: their rows, and the releases that make up their history. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { isInUse, publish, remove, rollback } from './decide.ts';
import { configLimits, type ConfigPublish } from './commands.ts';
import { findConfig, isPublished } from './find.ts';
import { config1, release1 } from './format-1.ts';
import { configBuckets, configKey, releaseKey } from './keys.ts';
import type { ConfigRow, ReleaseRow } from './rows.ts';
import { configsView, configView } from './views.ts';

const config: Kind<ConfigRow> = {
  format: 2,
  earlier: [config1],
  mayStayUnread: true,
  fields: fieldsOf<ConfigRow>({
    ...{ namespace: true, app: true, cluster: true, name: true, release: true, last: true, md5: true, bytes: true, format: true },
    ...{ visibility: true, parents: true, description: true, tags: true, rollouts: true, foreign: true, createdMs: true, changedMs: true },
  }),
  key: configKey,
  buckets: ({ namespace, name, visibility }) => [configBuckets.inNamespace(namespace), ...(visibility === 'public' ? [configBuckets.public(namespace, name)] : [])],
  keepsItsBuckets: (before, after) => before.visibility === after.visibility,
  addViews(row, views) {
    views.add(configView(row));
    views.add(configsView(row.namespace));
  },
  longestView: configView,
  lapsed: (row, now) => !isPublished(row) && isOld(row.changedMs, now),
};

const release: Kind<ReleaseRow> = {
  format: 2,
  earlier: [release1],
  mayStayUnread: true,
  fields: fieldsOf<ReleaseRow>({
    ...{ namespace: true, app: true, cluster: true, name: true, number: true, step: true, parent: true, content: true, md5: true, hash: true },
    ...{ format: true, rollout: true, of: true, atMs: true, by: true, from: true, message: true, foreign: true },
  }),
  key: (row) => releaseKey(row, row.number),
  raw: {
    field: 'content',
    split: (row) => ({ json: { ...row, content: undefined }, bytes: row.content }),
    join(fields, bytes) {
      fields['content'] = bytes;
    },
  },
  lapsed(row, now, lookup) {
    const current = findConfig(lookup, row);
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
    // The view is named like the record.
    config: { shows: ({ kind, namespace, name }, shown) => shown.get(`${kind}\0${namespace}\0${name}`) !== undefined, forgettable: true },
  },
  decisions: {
    'config-publish': { writes: true, conditionOn: (command: ConfigPublish) => configKey(command), decide: publish },
    'config-rollback': { decide: rollback },
    'config-remove': { decide: remove },
  },
} satisfies Room;
