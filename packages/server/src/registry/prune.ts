/**
 * Forgetting: the one place where a view's revision may rise without a change of its content.
 *
 * Tombstones and markers of views without content keep revisions from going back. They cannot be
 * kept for ever, so the older half goes and the floor takes their place: an empty view without a
 * marker stands at the floor, which is at or above every revision that was pruned.
 */

import type { Prune } from './command.ts';
import type { Draft } from './draft.ts';
import { lapsed } from './kind/kv/decide.ts';
import { buckets, find } from './reader.ts';
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
    const row = state.get(key);
    if (row?.kind === 'delay' && lapsed(row, now)) found.push(key);
    yield;
  }
  const kept: { readonly key: string; readonly modified: number }[] = [];
  const candidates = Array.from(state.emptyViews, keys.view);
  for (const namespace of state.keyNamespaces()) {
    for (const key of state.tombstoneKeys(namespace, '')) candidates.push(keys.tombstone(namespace, key));
  }
  for (const key of candidates) {
    const row = state.get(key);
    if (row !== undefined) kept.push({ key, modified: row.modified });
    yield;
  }
  const half = medianOf(kept.map(({ modified }) => modified));
  for (const { key, modified } of kept) {
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
      if (lapsed(row, now)) draft.delete(key);
    } else if (isForgettable(draft, row)) {
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

/** Whether it is kept only so that a revision does not go back. */
function isForgettable(draft: Draft, row: Row): boolean {
  if (row.kind === 'tombstone') return true;
  if (row.kind !== 'view') return false;
  const { kind, namespace, name } = parseView(row.view);
  if (kind === 'node') return find.node(draft, name) === undefined;
  if (kind !== 'service') return false;
  // A service that shows something again has put its marker anew (`touch-views.ts`), so this one is expected to be the old.
  for (const _instance of draft.unguardedBucket(buckets.instancesOfService(namespace, name))) return false;
  return true;
}
