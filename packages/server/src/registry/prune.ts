/**
 * Forgetting: the one place where a view's revision may rise without a change of its content.
 *
 * Tombstones and markers of views without content keep revisions from going back. They cannot be
 * kept for ever, so the older half goes and the floor takes their place: an empty view without a
 * marker stands at the floor, which is at or above every revision that was pruned.
 */

import type { Draft } from './draft.ts';
import { delayed } from './decide-kv.ts';
import { buckets, find, type Reader } from './reader.ts';
import { keys, type Row, type RowOf } from './rows.ts';
import type { State } from './state.ts';
import { parseView } from './view-name.ts';

/**
 * The record keys that a prune should name: all lapsed lock delays, and the older half of the
 * tombstones and empty markers.
 *
 * @param now wall clock in milliseconds
 */
export function prunable(state: State, now: number): string[] {
  const lapsed = [...state.delays].filter((key) => !delayed(state, key, now)).map(keys.delay);
  const graves: { key: string; modified: number }[] = [];
  const bury = (key: string) => graves.push({ key, modified: state.get(key)?.modified ?? 0 });
  for (const key of state.graveKeys('')) bury(keys.tombstone(key));
  for (const view of state.emptyViews) bury(keys.view(view));
  graves.sort((a, b) => a.modified - b.modified);
  return [...lapsed, ...graves.slice(0, Math.ceil(graves.length / 2)).map(({ key }) => key)];
}

export function prune(draft: Draft, pruned: readonly string[], now: number): boolean {
  const floor = (draft.get(keys.floor()) as RowOf<'floor'> | undefined)?.revision ?? 0;
  let revision = floor;
  for (const key of pruned) {
    const row = draft.get(key);
    if (row === undefined || row.modified === 0) continue;
    if (row.kind === 'delay') {
      if (!delayed(draft, row.key, now)) draft.delete(key);
    } else if (isGrave(draft, row)) {
      draft.delete(key);
      revision = Math.max(revision, row.modified);
    }
  }
  if (revision > floor) draft.put({ kind: 'floor', revision, created: 0, modified: 0 });
  return true;
}

function isGrave(reader: Reader, row: Row): boolean {
  if (row.kind === 'tombstone') return true;
  if (row.kind !== 'view') return false;
  const { kind, name } = parseView(row.view);
  if (kind === 'node') return find.node(reader, name) === undefined;
  if (kind !== 'service') return false;
  for (const _instance of reader.bucket(buckets.instancesOfService(name))) return false;
  return true;
}
