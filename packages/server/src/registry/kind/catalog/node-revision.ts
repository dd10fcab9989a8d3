/**
 * The revision of a view of a node: the newest of the part that all views of the node share, and of the part that only this one
 * shows.
 */

import { markerKey } from '../../markers.ts';
import type { Revisioned } from '../../room.ts';
import type { ParsedView } from '../../view-name.ts';
import { checksOfNode, findNode } from './find.ts';
import { nodeView, sharedNodeView } from './views.ts';

export function nodeRevision({ namespace, name }: ParsedView, state: Revisioned): number {
  const shared = sharedRevision(state, name) ?? state.floor;
  return Math.max(shared, state.keptRevision(nodeView(namespace, name)) ?? 0);
}

/** Revision of the newest shared row or of the marker; undefined when there is neither. Looks at few rows. */
function sharedRevision(state: Revisioned, name: string): number | undefined {
  const marker = state.get(markerKey(sharedNodeView(name)));
  const node = findNode(state, name);
  if (marker === undefined && node === undefined) return undefined;
  let newest = Math.max(marker?.modified ?? 0, node?.modified ?? 0);
  for (const { modified } of checksOfNode(state, name)) newest = Math.max(newest, modified);
  return newest;
}
