/** Sorts rows by the distance of their nodes from a node, in slices. Distances come from stored network coordinates. */

import { distancesFrom } from '../registry/kind/coordinate/distance.ts';
import type { Reader } from '../registry/reader.ts';
import { inOrder } from './slices.ts';
import type { Pace, Work } from './turns.ts';

/** The cost of finding the coordinate of a node and the distance to it. */
const unitsPerDistance = 1;

/**
 * Rows in order of the distance of their nodes from `source`. Rows of unknown distance come last; rows of one distance keep
 * their order.
 * @param nodeOf name of the node of a row
 * @returns undefined if nothing is known of `source`: there is no order then
 */
export function* nearestFirst<T>(
  reader: Reader,
  source: string,
  rows: Iterable<T>,
  nodeOf: (row: T) => string,
  pace: Pace,
): Work<T[] | undefined> {
  const distance = distancesFrom(reader, source);
  if (distance === undefined) return undefined;
  const placed: { readonly row: T; readonly seconds: number }[] = [];
  for (const row of rows) {
    placed.push({ row, seconds: distance(nodeOf(row)) });
    if (pace.spend(unitsPerDistance)) yield;
  }
  const sorted = yield* inOrder(placed, bySeconds, pace);
  return sorted.map(({ row }) => row);
}

/** Two infinite distances are equal, although their difference is no number. */
function bySeconds(a: { readonly seconds: number }, b: { readonly seconds: number }): number {
  return a.seconds === b.seconds ? 0 : a.seconds - b.seconds;
}
