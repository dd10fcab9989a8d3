/**
 * The instances of services by address, to recognize clients that say where they are and not which instance. A service is followed
 * from the first question about it on: until then nothing is kept. It does not decide which instance a client is (`identity.ts`).
 *
 *   address → names of nodes
 *   service → address, or the node of an instance without one → instances
 */

import type { Lookup, RoomIndex } from '../../room.ts';
import { isOf, type AnyRow } from '../../row.ts';
import { allNodes, instancesOfService } from '../catalog/find.ts';
import type { InstanceRow, NodeRow } from '../catalog/rows.ts';

/** Rows of one service by place, and in it by node and id. */
type Places = Map<string, Map<string, InstanceRow>>;

export class InstanceAddresses implements RoomIndex {
  /** Undefined until the first question. */
  #nodes: Map<string, Set<string>> | undefined;
  readonly #services = new Map<string, Places>();

  /**
   * The instances of a service at an address, their own or that of their node. The first question about a service looks at all
   * of its instances.
   * @param rows those that this index follows
   */
  at(rows: Lookup, namespace: string, service: string, address: string): InstanceRow[] {
    const nodes = (this.#nodes ??= nodesByAddress(rows));
    const places = this.#placesOf(rows, namespace, service);
    const found = [...(places.get(address)?.values() ?? [])];
    for (const node of nodes.get(address) ?? []) found.push(...(places.get(onNode(node))?.values() ?? []));
    return found;
  }

  follow(before: AnyRow | undefined, after: AnyRow | undefined): void {
    if (this.#nodes === undefined) return;
    if (isOf<NodeRow>(before, 'node')) remove(this.#nodes, before.address, (names) => names.delete(before.name));
    if (isOf<NodeRow>(after, 'node')) addNode(this.#nodes, after);
    if (isOf<InstanceRow>(before, 'instance')) {
      const places = this.#services.get(serviceOf(before));
      if (places !== undefined) remove(places, placeOf(before), (rows) => rows.delete(keyOf(before)));
    }
    if (isOf<InstanceRow>(after, 'instance')) {
      const places = this.#services.get(serviceOf(after));
      if (places !== undefined) addInstance(places, after);
    }
  }

  /** It is never read as it was. */
  notes(): { note(): void } {
    return { note() {} };
  }

  #placesOf(rows: Lookup, namespace: string, service: string): Places {
    const key = serviceOf({ namespace, service });
    let places = this.#services.get(key);
    if (places !== undefined) return places;
    places = new Map();
    for (const row of instancesOfService(rows, namespace, service)) addInstance(places, row);
    this.#services.set(key, places);
    return places;
  }
}

function nodesByAddress(rows: Lookup): Map<string, Set<string>> {
  const nodes = new Map<string, Set<string>>();
  for (const row of allNodes(rows)) addNode(nodes, row);
  return nodes;
}

function addNode(nodes: Map<string, Set<string>>, { address, name }: NodeRow): void {
  const names = nodes.get(address);
  if (names === undefined) nodes.set(address, new Set([name]));
  else names.add(name);
}

function addInstance(places: Places, row: InstanceRow): void {
  const place = placeOf(row);
  const rows = places.get(place);
  if (rows === undefined) places.set(place, new Map([[keyOf(row), row]]));
  else rows.set(keyOf(row), row);
}

function remove<V extends { readonly size: number }>(groups: Map<string, V>, name: string, take: (group: V) => void): void {
  const group = groups.get(name);
  if (group === undefined) return;
  take(group);
  if (group.size === 0) groups.delete(name);
}

function serviceOf({ namespace, service }: Pick<InstanceRow, 'namespace' | 'service'>): string {
  return `${namespace}\0${service}`;
}

function placeOf({ address, node }: InstanceRow): string {
  return address === '' ? onNode(node) : address;
}

/** No address has this form. */
function onNode(node: string): string {
  return `\0${node}`;
}

function keyOf({ node, id }: InstanceRow): string {
  return `${node}\0${id}`;
}
