/** Finds network coordinates. */

import type { Lookup } from '../../room.ts';
import { findNode } from '../catalog/find.ts';
import { coordinateBuckets, coordinateKey } from './keys.ts';
import type { CoordinateRow } from './rows.ts';

/** The coordinate of a node that exists: a store of format 1 may have others. */
export function findCoordinate(reader: Lookup, node: string): CoordinateRow | undefined {
  return findNode(reader, node) === undefined ? undefined : (reader.get(coordinateKey(node)) as CoordinateRow | undefined);
}

/** Those of nodes that are gone included. */
export function allCoordinates(reader: Lookup): Iterable<CoordinateRow> {
  return reader.bucket(coordinateBuckets.all()) as Iterable<CoordinateRow>;
}
