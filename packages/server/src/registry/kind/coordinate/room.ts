/** The description of network coordinates, and the decision to keep one. It is removed with its node. */

import type { Draft } from '../../draft.ts';
import type { Decision, Kind, Room } from '../../room.ts';
import { findNode } from '../catalog/find.ts';
import { catalogBuckets, nodeKey } from '../catalog/keys.ts';
import type { CoordinatePut } from './commands.ts';
import { coordinateBuckets, coordinateKey } from './keys.ts';
import type { CoordinateRow } from './rows.ts';
import { coordinatesView } from './views.ts';

const coordinate: Kind<CoordinateRow> = {
  // Nodes move all the time, and old places are never asked for.
  unseen: true,
  format: 1,
  key: ({ node }) => coordinateKey(node),
  keyFields: ['node'],
  buckets: ({ node }) => [coordinateBuckets.all(), catalogBuckets.boundToNode(node)],
  keepsItsBuckets: () => true,
  addViews: (_row, views) => views.add(coordinatesView()),
  parents: ({ node }) => [nodeKey(node)],
};

function putCoordinate(draft: Draft, { node, coordinate: kept }: CoordinatePut): boolean {
  if (findNode(draft, node) === undefined) return false;
  draft.put<CoordinateRow>({ kind: 'coordinate', node, ...kept, created: 0, modified: 0 });
  return true;
}

export const coordinateRoom = {
  name: 'coordinate',
  kinds: { coordinate },
  views: { coordinates: { shows: (_view, shown) => shown.has(coordinateBuckets.all()) } },
  decisions: { 'coordinate-put': { decide: putCoordinate } } satisfies Record<string, Decision>,
} satisfies Room;
