/**
 * The rows of network coordinates: where nodes stand to each other, in round-trip time (Vivaldi: F. Dabek et al., SIGCOMM
 * 2004, with the height and adjustment of https://github.com/hashicorp/serf/blob/master/coordinate). They are kept
 * as they are sent; nothing here computes them.
 */

import type { Revisions } from '../../row.ts';

/** Of Serf's coordinates (`coordinate.DefaultConfig`). */
export const dimensions = 8;

export interface Coordinate {
  /** Seconds in each of the dimensions. */
  readonly vector: readonly number[];
  /** Confidence, from 0 for certain; has no unit. */
  readonly error: number;
  /** Seconds. */
  readonly adjustment: number;
  /** Seconds. */
  readonly height: number;
}

export interface NodeCoordinate extends Coordinate {
  /** Distances exist between nodes of one network segment; empty for the usual one. */
  readonly segment: string;
}

export interface CoordinateRow extends Revisions, NodeCoordinate {
  readonly kind: 'coordinate';
  readonly node: string;
}
