/**
 * Instances that other protocols registered, as the znodes that clients of Curator's service discovery read: each has the name ID@NODE below its
 * service, and data in the family of the option. An instance that a znode made is shown by its znode alone. Pure.
 */

import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import { findInstance, findNode, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import { isRegistrysOwn } from '../../../registry/kind/catalog/registrys-own.ts';
import { dataOf, isShownIn, type ZnodeFamily } from '../../../registry/kind/znode/curator.ts';
import { findZnode } from '../../../registry/kind/znode/find.ts';
import type { Lookup } from '../../../registry/room.ts';

export interface ShownOptions {
  readonly namespace: string;
  readonly family: ZnodeFamily;
}

/** An instance as a znode. */
export interface Shown {
  readonly name: string;
  readonly row: InstanceRow;
  readonly data: Uint8Array;
}

type StatusOf = ReturnType<typeof statuses>;

/** The name of its znode: the same id may be on several nodes. */
export function shownName({ node, id }: Pick<InstanceRow, 'node' | 'id'>): string {
  return node === '' ? encoded(id) : `${encoded(id)}@${encoded(node)}`;
}

/** The node in the name of a znode of an instance; empty when it has none. */
export function nodeIn(name: string): string {
  return decoded(name.split('@')[1] ?? '') ?? '';
}

/** A name of the registry as a part of a path. */
export function encoded(name: string): string {
  const escaped = encodeURIComponent(name);
  return escaped === '.' || escaped === '..' ? escaped.replaceAll('.', '%2E') : escaped;
}

/** Undefined for a part of a path that is not encoded. */
export function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Whether an instance has no place among those of other protocols: a znode made it, or it is the registry itself. */
export function isLeftOut(reader: Lookup, row: InstanceRow): boolean {
  const { namespace, node, id } = row;
  return isRegistrysOwn(row) || (node === '' && id.startsWith('/') && findZnode(reader, namespace, id)?.instance === true);
}

/** The instance with the name of a znode, if clients see it. */
export function shownAt(reader: Lookup, options: ShownOptions, service: string, name: string): Shown | undefined {
  const [id, node = '', more] = name.split('@').map(decoded);
  if (id === undefined || node === undefined || more !== undefined) return undefined;
  const row = findInstance(reader, options.namespace, node, id);
  if (row?.service !== service || shownName(row) !== name) return undefined;
  return shown(reader, options, row, statuses(reader));
}

/** The names of the instances of a service that clients see; a step for each instance, undefined for one that they do not see. */
export function* shownNames(reader: Lookup, options: ShownOptions, service: string): Generator<string | undefined, void, undefined> {
  const statusOf = statuses(reader);
  // A copy, since a reader of a moment is read in several turns.
  for (const row of [...instancesOfService(reader, options.namespace, service)]) yield isShown(reader, options, row, statusOf) ? shownName(row) : undefined;
}

/** Whether another protocol registered an instance of the service, which clients may see or not. */
export function isShownService(reader: Lookup, { namespace }: ShownOptions, service: string): boolean {
  for (const row of instancesOfService(reader, namespace, service)) if (!isLeftOut(reader, row)) return true;
  return false;
}

export function shown(reader: Lookup, options: ShownOptions, row: InstanceRow, statusOf: StatusOf): Shown | undefined {
  if (!isShown(reader, options, row, statusOf)) return undefined;
  const name = shownName(row);
  const address = row.address === '' ? (findNode(reader, row.node)?.address ?? '') : row.address;
  return { name, row, data: dataOf({ row, address, status: statusOf(row) }, options.family, name) };
}

function isShown(reader: Lookup, { family }: ShownOptions, row: InstanceRow, statusOf: StatusOf): boolean {
  return !isLeftOut(reader, row) && isShownIn(family, statusOf(row));
}
