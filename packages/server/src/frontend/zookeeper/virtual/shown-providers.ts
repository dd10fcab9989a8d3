/**
 * Dubbo's providers that were registered over another protocol (Nacos', Consul's), as the znodes that its consumers read: below the `providers` of
 * their interface, with the URL as their name. A parameter of the URL says which instance it is. Pure.
 */

import type { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import { findInstance, findNode, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import { isShownIn } from '../../../registry/kind/znode/curator.ts';
import { parameterIn, providerIn, providerName } from '../../../registry/kind/znode/dubbo.ts';
import type { Lookup } from '../../../registry/room.ts';
import { decoded, encoded, isLeftOut, shownName } from './shown-instances.ts';

type StatusOf = ReturnType<typeof statuses>;

export interface ShownProvider {
  readonly interface: string;
  readonly name: string;
  readonly row: InstanceRow;
}

/** Which instance it is: ID@NODE, and its service. */
const markKey = 'rollcall.instance';
const serviceKey = 'rollcall.service';

/** Undefined for an instance that is no provider, or that consumers do not see. */
export function shownProvider(reader: Lookup, row: InstanceRow, statusOf: StatusOf): ShownProvider | undefined {
  if (isLeftOut(reader, row)) return undefined;
  const provided = providerIn(row, row.address === '' ? (findNode(reader, row.node)?.address ?? '') : row.address);
  if (provided === undefined || !isShownIn('dubbo', statusOf(row))) return undefined;
  return { interface: provided.interface, name: providerName(provided, { ...weightOf(row, provided.parameters), [serviceKey]: encoded(row.service), [markKey]: shownName(row) }), row };
}

/** A weight that an operator has set at the registry; Dubbo counts in hundredths. */
function weightOf({ weight }: InstanceRow, { weight: own }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return weight === 1 || own !== undefined ? {} : { weight: String(Math.round(weight * 100)) };
}

/** The provider with the name of a znode, if consumers of the interface see it. */
export function providerAt(reader: Lookup, { namespace, ...at }: { readonly namespace: string; readonly interface: string; readonly name: string }, statusOf: StatusOf): ShownProvider | undefined {
  const mark = markIn(at.name);
  const row = mark && findInstance(reader, namespace, mark.node, mark.id);
  const found = row && shownProvider(reader, row, statusOf);
  return found?.interface === at.interface && found.name === at.name ? found : undefined;
}

/** The instance that the name of a provider's znode says; undefined for one of Dubbo's own. */
export function markIn(name: string): { readonly service: string; readonly node: string; readonly id: string } | undefined {
  const [id, node = '', more] = (parameterIn(name, markKey) ?? '').split('@').map(decoded);
  const service = decoded(parameterIn(name, serviceKey) ?? '');
  return id === undefined || id === '' || node === undefined || more !== undefined || service === undefined || service === '' ? undefined : { service, node, id };
}

/** The names of the providers of an interface among the instances of a service; a step for each, undefined for one that consumers do not see. */
export function* providerNames(reader: Lookup, of: { readonly namespace: string; readonly interface: string; readonly service: string }, statusOf: StatusOf): Generator<string | undefined, void, undefined> {
  // A copy, since a reader of a moment is read in several turns.
  for (const row of [...instancesOfService(reader, of.namespace, of.service)]) {
    const found = shownProvider(reader, row, statusOf);
    yield found?.interface === of.interface ? found.name : undefined;
  }
}
