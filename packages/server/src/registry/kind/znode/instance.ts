/**
 * Znodes that are instances: what Curator's clients write at `BASE/SERVICE/ID` and Dubbo's at `BASE/INTERFACE/providers/URL`. The decision that writes
 * the znode writes the instance in the same transaction. The instance has no node, and the path is its id, so no other protocol registers the same one.
 * Data that says nothing of an instance makes a usual znode.
 */

import type { Draft } from '../../draft.ts';
import { Removal } from '../../removal.ts';
import type { Register } from '../catalog/commands.ts';
import { putInstance } from '../catalog/instance.ts';
import { removeInstance } from '../catalog/remove.ts';
import type { InstanceBases } from './commands.ts';
import { instanceInData } from './curator.ts';
import { instanceInUrl } from './dubbo.ts';
import { placeOf } from './instance-place.ts';
import type { ZnodeRow } from './rows.ts';

/** Bytes of a path that is the id of an instance: the keys of its checks have the path in them. */
const idBytesMax = 1_700;

/**
 * Writes the instance that the data or the name of a znode says.
 * @param row of the znode, not written yet
 * @returns whether it is an instance
 */
export function followsData(draft: Draft, row: ZnodeRow, bases: InstanceBases | undefined, now: number): boolean {
  const place = placeOf(row.path, bases);
  const found = place === undefined || Buffer.byteLength(row.path) > idBytesMax ? undefined : place.by === 'curator' ? instanceInData(row.data) : instanceInUrl(place.name);
  if (place === undefined || found === undefined) return false;
  const { namespace, path, session } = row;
  const register: Register = { kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none' };
  putInstance(draft, register, { ...found, id: path, service: place.service, ...(session === undefined ? { persistent: true } : { session }) }, now);
  return true;
}

/** Removes the instance of a znode that is none any more. @param row as written */
export function dropInstance(draft: Draft, { namespace, path }: ZnodeRow, now: number): void {
  // No session is bound to a check of it, and its few checks are removed at once.
  for (const _ of removeInstance(new Removal(draft, now), namespace, '', path));
}
