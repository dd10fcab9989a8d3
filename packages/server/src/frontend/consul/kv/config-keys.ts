/**
 * Configurations as keys that clients may only read: `config/APP/NAME` has the content that all clients get, from the cluster `default`, so
 * that consul-template and others render configurations. A real key of the same name, which is from before, wins. It is off unless the server is told
 * so, and then decisions on keys refuse to write them (`registry/kind/kv/shown-configurations.ts`).
 *
 * Secrets are masked. A caller needs the right to read the key and the right to read the configuration.
 */

import { findConfig, findRelease } from '../../../registry/kind/config/find.ts';
import { configBuckets, configOfShownKey, defaultCluster, shownKeysFolder } from '../../../registry/kind/config/keys.ts';
import type { ConfigRow, ReleaseRow } from '../../../registry/kind/config/rows.ts';
import { configsView, configView } from '../../../registry/kind/config/views.ts';
import { kvKeysUnder } from '../../../registry/kind/kv/find.ts';
import type { FurtherKeys } from './further-keys.ts';

/** Shows the content of a configuration to callers without the right to reveal. */
export type Mask = (release: ReleaseRow) => string;

/** Sorted at once: a millisecond. */
const chunk = 2_000;
/** Rows that are copied in a microsecond. */
const copiesPerUnit = 32;
const unitsPerRow = 1;

export function configKeys(mask: Mask): FurtherKeys {
  return {
    views(namespace, key, isPrefix) {
      if (isPrefix) return concerns(key) ? [configsView(namespace)] : [];
      const ref = configOfShownKey(namespace, key);
      return ref === undefined ? [] : [configView(ref)];
    },
    rightsName: (key) => (configOfShownKey('', key) === undefined ? undefined : key.slice(shownKeysFolder.length)),
    find(state, namespace, key) {
      const ref = configOfShownKey(namespace, key);
      const row = ref && findConfig(state, ref);
      const release = row && row.release > 0 ? findRelease(state, row, row.release) : undefined;
      return row && release && { kind: 'kv', namespace, key, value: Buffer.from(mask(release)), flags: 0n, lockIndex: 0, created: row.created, modified: row.modified };
    },
    *under(state, namespace, prefix, pace) {
      if (!concerns(prefix)) return kvKeysUnder(state, namespace, prefix);
      // Rows of a bucket must be read in one turn; the rows themselves do not change.
      const rows = [...state.bucket(configBuckets.inNamespace(namespace)) as Iterable<ConfigRow>];
      if (pace.spend(rows.length / copiesPerUnit)) yield;
      const chunks: string[][] = [[]];
      for (const row of rows) {
        if (pace.spend(unitsPerRow)) yield;
        if (row.cluster !== defaultCluster || row.release === 0) continue;
        const key = `${shownKeysFolder}${row.app}/${row.name}`;
        if (!key.startsWith(prefix) || configOfShownKey(namespace, key)?.name !== row.name) continue;
        if ((chunks.at(-1)?.length ?? 0) >= chunk) chunks.push([]);
        chunks.at(-1)?.push(key);
      }
      for (const keys of chunks) {
        keys.sort(inOrder);
        if (pace.spend(chunk / 2)) yield;
      }
      return merged([kvKeysUnder(state, namespace, prefix), ...chunks]);
    },
  };
}

/** Whether keys of configurations may be under the prefix. */
function concerns(prefix: string): boolean {
  return prefix.startsWith(shownKeysFolder) || shownKeysFolder.startsWith(prefix);
}

/** Lists that are in order, as one, without duplicates. */
function* merged(lists: readonly Iterable<string>[]): Generator<string, void, undefined> {
  const heads = lists.map((list) => list[Symbol.iterator]());
  const next = heads.map((head) => head.next());
  for (let last: string | undefined; ; ) {
    let least = -1;
    for (const [index, { done, value }] of next.entries()) {
      if (done !== true && (least < 0 || inOrder(value, next[least]?.value as string) < 0)) least = index;
    }
    const head = heads[least];
    if (head === undefined) return;
    const value = next[least]?.value as string;
    next[least] = head.next();
    if (value !== last) yield value;
    last = value;
  }
}

/** As keys of the store are ordered. */
function inOrder(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
