/** Selects and sorts rows in slices, as `filter` and `sort` of an array do in one go. */

import type { Pace, Work } from './turns.ts';

/** Rows that one unit of work tests. */
const looksPerUnit = 4;
/** Pairs that one unit of work compares, most of them by two names. */
const comparesPerUnit = 16;
/** Pointers that one unit of work copies. */
const copiesPerUnit = 64;

/**
 * The rows that match, in their order. The first step copies all rows, since their source may change between two slices; rows
 * themselves do not change.
 * @param units the additional cost of `wanted` for one row
 */
export function* select<T>(rows: Iterable<T>, wanted: (row: T) => boolean, pace: Pace, units = 0): Work<T[]> {
  const all = Array.isArray(rows) ? (rows as readonly T[]) : [...rows];
  const selected: T[] = [];
  if (pace.spend(all.length / copiesPerUnit)) yield;
  for (const row of all) {
    if (wanted(row)) selected.push(row);
    if (pace.spend(units + 1 / looksPerUnit)) yield;
  }
  return selected;
}

/** Rows of a run that the engine sorts in one go: some 300 microseconds. */
const runLength = 1_024;

/**
 * Sorts rows; equal ones keep their order. A merge sort whose runs the engine sorts.
 * @param rows an array that belongs to the caller; its order may change
 */
export function* inOrder<T>(rows: T[], compare: (a: T, b: T) => number, pace: Pace): Work<T[]> {
  if (rows.length <= runLength) {
    pace.spend((rows.length / comparesPerUnit) * Math.log2(rows.length + 1));
    return rows.sort(compare);
  }
  let from: T[] = [];
  for (let at = 0; at < rows.length; at += runLength) {
    const run = rows.slice(at, at + runLength).sort(compare);
    if (at === 0) from = run;
    else for (const row of run) from.push(row);
    if (pace.spend((run.length / comparesPerUnit) * Math.log2(run.length + 1))) yield;
  }
  for (let width = runLength; width < from.length; width *= 2) {
    const to: T[] = [];
    for (let left = 0; left < from.length; left += 2 * width) {
      const middle = Math.min(left + width, from.length);
      const end = Math.min(left + 2 * width, from.length);
      let a = left;
      let b = middle;
      while (a < middle || b < end) {
        const takesLeft = b >= end || (a < middle && compare(from[a] as T, from[b] as T) <= 0);
        to.push(from[takesLeft ? a++ : b++] as T);
        if (pace.spend(2 / comparesPerUnit)) yield;
      }
    }
    from = to;
  }
  return from;
}

export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
