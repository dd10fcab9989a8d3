/** The command about network coordinates. */

import type { NodeCoordinate } from './rows.ts';

/** Writes the coordinate of a node; false when the node does not exist. */
export interface CoordinatePut {
  readonly kind: 'coordinate-put';
  readonly node: string;
  readonly coordinate: NodeCoordinate;
}
