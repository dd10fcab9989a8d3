/**
 * The machine of a lease, as the census counts machines: its node, or, for an instance without a node, its
 * address. Instances without a node must not all count as one machine: losses of many machines would look like the loss of
 * one.
 */

import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import { instancesOfSession } from '../registry/kind/catalog/find.ts';
import type { SessionRow } from '../registry/kind/session/rows.ts';
import type { Reader } from '../registry/reader.ts';

/**
 * @param node its name; empty for none
 * @param instance undefined for the node itself, or when the instance is gone
 */
export function machineOf(node: string, instance: Pick<InstanceRow, 'address'> | undefined): string {
  return node === '' ? `address ${instance?.address ?? ''}` : node;
}

/** The machine of a session: its node, or that of an instance that it vouches for. */
export function machineOfSession(reader: Reader, { namespace, node, id }: Pick<SessionRow, 'namespace' | 'node' | 'id'>): string {
  if (node !== '') return node;
  for (const instance of instancesOfSession(reader, namespace, id)) return machineOf(instance.node, instance);
  return `session ${id}`;
}
