/** Distances between nodes in round-trip time, from their coordinates. Pure. */

import type { Reader } from '../../reader.ts';
import { findCoordinate } from './find.ts';
import { dimensions, type Coordinate } from './rows.ts';

/** Seconds there and back, as Serf computes it: `Coordinate.DistanceTo`. */
export function distance(a: Coordinate, b: Coordinate): number {
  let squares = 0;
  for (let index = 0; index < dimensions; index++) {
    squares += ((a.vector[index] ?? 0) - (b.vector[index] ?? 0)) ** 2;
  }
  const raw = Math.sqrt(squares) + a.height + b.height;
  // Adjustments are estimates, too, and may make a short distance negative.
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

/**
 * Distances from a node to others by name, in seconds; infinite if the other has no coordinate or is in another segment.
 * Undefined if the node itself has no coordinate: there is no order then.
 */
export function distancesFrom(reader: Reader, node: string): ((other: string) => number) | undefined {
  const own = findCoordinate(reader, node);
  if (own === undefined) return undefined;
  const known = new Map<string, number>();
  return (other) => {
    const before = known.get(other);
    if (before !== undefined) return before;
    const coordinate = findCoordinate(reader, other);
    const near = coordinate !== undefined && coordinate.segment === own.segment;
    const seconds = near ? distance(own, coordinate) : Infinity;
    known.set(other, seconds);
    return seconds;
  };
}
