/**
 * Forgetting: the one place where a view's revision may rise without a change of its content.
 *
 * Tombstones and markers of views without content keep revisions from going back. They cannot be
 * kept without limit, so the older half goes and the floor takes their place: an empty view without a
 * marker stands at the floor, which is at or above every revision that was pruned.
 */

import type { Prune } from './command.ts';
import type { Draft } from './draft.ts';
import { floorKey, markerKey, type FloorRow, type ViewRow } from './markers.ts';
import type { Shown } from './room.ts';
import { isOf, type AnyRow } from './row.ts';
import type { State } from './state.ts';
import type { Steps } from './steps.ts';

/**
 * Finds the record keys that a prune should name: all rows that have lapsed (lock delays, old history), and the older half of the
 * tombstones and empty markers, with those of the same revision. Yields after each that it looks at, so
 * that the caller may do something else in between; what comes meanwhile is missed.
 *
 * @param now wall clock in milliseconds
 */
export function* findPrunable(state: State<AnyRow>, now: number): Generator<void, string[], undefined> {
  const found: string[] = [];
  for (const key of [...state.lapsing]) {
    const row = state.get(key);
    if (row !== undefined && state.kinds.of(row).lapsed?.(row, now, state) === true) found.push(key);
    yield;
  }
  const kept: { readonly key: string; readonly modified: number }[] = [];
  const candidates = Array.from(state.emptyViews, markerKey);
  for (const kind of state.kinds.kindsWith(({ keepsRevision }) => keepsRevision === true)) candidates.push(...state.keysOf(kind));
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
    const kind = draft.kinds.of(row);
    if (kind.lapsed !== undefined) {
      if (kind.lapsed(row, now, draft)) draft.delete(key);
    } else if (kind.keepsRevision === true || isEmptyView(draft, row)) {
      draft.delete(key);
      raiseFloor(draft, row.modified);
    }
    yield () => ({ keys: pruned.slice(at + 1) });
  }
  return true;
}

function raiseFloor(draft: Draft, revision: number): void {
  const before = draft.get(floorKey()) as FloorRow | undefined;
  const floor = before?.revision ?? 0;
  if (revision > floor) draft.put<FloorRow>({ ...before, kind: 'floor', revision, created: 0, modified: 0 });
}

/** Whether it is the marker of a view without content, which keeps only its revision from going back. */
function isEmptyView(draft: Draft, row: AnyRow): boolean {
  if (!isOf<ViewRow>(row, 'view')) return false;
  const { parsed, kind } = draft.kinds.view(row.view);
  return kind.forgettable === true && kind.shows?.(parsed, shownBy(draft)) !== true;
}

/** A view that shows a row again has written its marker again (`touch-views.ts`), so the prune expects the old marker. */
function shownBy(draft: Draft): Shown {
  return {
    get: (key) => draft.get(key),
    has(bucket) {
      for (const _row of draft.unguardedBucket(bucket)) return true;
      return false;
    },
  };
}
