/**
 * Forgetting: the one place where a view's revision may rise without a change of its content.
 *
 * Tombstones and markers of views without content keep revisions from going back. They cannot be
 * kept for ever, so the older half goes and the floor takes their place: an empty view without a
 * marker stands at the floor, which is at or above every revision that was pruned.
 */

import type { Prune } from './command.ts';
import type { Draft } from './draft.ts';
import { delayed } from './decide-kv.ts';
import { buckets, find, type Reader } from './reader.ts';
import { keys, type Row, type RowOf } from './rows.ts';
import type { State } from './state.ts';
import type { Steps } from './steps.ts';
import { parseView } from './view-name.ts';

/**
 * Finds the record keys that a prune should name: all lapsed lock delays, and the older half of the
 * tombstones and empty markers, with those of the same revision. Yields after each that it looks at, so
 * that the caller may do something else in between; what comes meanwhile is missed.
 *
 * @param now wall clock in milliseconds
 */
export function* findPrunable(state: State, now: number): Generator<void, string[], undefined> {
  const found: string[] = [];
  for (const key of [...state.delays]) {
    if (!delayed(state, key, now)) found.push(keys.delay(key));
    yield;
  }
  const graves: { readonly key: string; readonly modified: number }[] = [];
  const candidates = [...Array.from(state.graveKeys(''), keys.tombstone), ...Array.from(state.emptyViews, keys.view)];
  for (const key of candidates) {
    const row = state.get(key);
    if (row !== undefined) graves.push({ key, modified: row.modified });
    yield;
  }
  const half = medianOf(graves.map(({ modified }) => modified));
  for (const { key, modified } of graves) {
    if (modified <= half) found.push(key);
    yield;
  }
  return found;
}

function medianOf(revisions: readonly number[]): number {
  return Float64Array.from(revisions).sort()[(revisions.length - 1) >> 1] ?? 0;
}

export function* prune(draft: Draft, { keys: pruned }: Prune, now: number): Steps<boolean> {
  for (const [at, key] of pruned.entries()) {
    const row = draft.get(key);
    if (row === undefined || row.modified === 0) continue;
    if (row.kind === 'delay') {
      if (!delayed(draft, row.key, now)) draft.delete(key);
    } else if (isGrave(draft, row)) {
      draft.delete(key);
      raiseFloor(draft, row.modified);
    }
    yield () => ({ keys: pruned.slice(at + 1) });
  }
  return true;
}

function raiseFloor(draft: Draft, revision: number): void {
  const floor = (draft.get(keys.floor()) as RowOf<'floor'> | undefined)?.revision ?? 0;
  if (revision > floor) draft.put({ kind: 'floor', revision, created: 0, modified: 0 });
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
