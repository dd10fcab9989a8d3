/** Finds nodes, services, instances and checks; the same over a State and a Draft. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Lookup } from '../../room.ts';
import { isOf } from '../../row.ts';
import { sessionBuckets } from '../session/keys.ts';
import { catalogBuckets, checkKey, departuresKeptKey, instanceKey, nodeKey, serviceKey } from './keys.ts';
import type { CheckRow, DepartureRow, DeparturesKeptRow, InstanceRow, NodeRow, ServiceRow } from './rows.ts';

export function findNode(reader: Lookup, name: string): NodeRow | undefined {
  return reader.get(nodeKey(name)) as NodeRow | undefined;
}

export function nodeWithId(reader: Lookup, id: string): NodeRow | undefined {
  for (const row of reader.bucket(catalogBuckets.nodeWithId(id))) return row as NodeRow;
  return undefined;
}

export function allNodes(reader: Lookup): Iterable<NodeRow> {
  return reader.bucket(catalogBuckets.nodes()) as Iterable<NodeRow>;
}

/** The record of a service. */
export function findService(reader: Lookup, namespace: string, name: string): ServiceRow | undefined {
  return reader.get(serviceKey(namespace, name)) as ServiceRow | undefined;
}

/** The records of the services that have one. */
export function serviceRecords(reader: Lookup, namespace: string): Iterable<ServiceRow> {
  return reader.bucket(catalogBuckets.serviceRecords(namespace)) as Iterable<ServiceRow>;
}

export function findInstance(reader: Lookup, namespace: string, node: string, id: string): InstanceRow | undefined {
  return reader.get(instanceKey(namespace, node, id)) as InstanceRow | undefined;
}

export function instancesOfService(reader: Lookup, namespace: string, service: string): Iterable<InstanceRow> {
  return reader.bucket(catalogBuckets.instancesOfService(namespace, service)) as Iterable<InstanceRow>;
}

export function instancesOnNode(reader: Lookup, namespace: string, node: string): Iterable<InstanceRow> {
  return reader.bucket(catalogBuckets.instancesOnNode(namespace, node)) as Iterable<InstanceRow>;
}

/** The instances that a stream session vouches for. */
export function* instancesOfSession(reader: Lookup, namespace: string, session: string): Generator<InstanceRow, void, undefined> {
  for (const row of reader.bucket(sessionBuckets.held(namespace, session))) if (isOf<InstanceRow>(row, 'instance')) yield row;
}

/** @param namespace `default` for a check of the node itself */
export function findCheck(reader: Lookup, namespace: string, node: string, id: string): CheckRow | undefined {
  return reader.get(checkKey(namespace, node, id)) as CheckRow | undefined;
}

export function allChecks(reader: Lookup, namespace: string): Iterable<CheckRow> {
  return reader.bucket(catalogBuckets.checks(namespace)) as Iterable<CheckRow>;
}

/** The checks of the namespace's instances on a node; in `default`, those of the node itself, too. */
export function checksOnNode(reader: Lookup, namespace: string, node: string): Iterable<CheckRow> {
  return reader.bucket(catalogBuckets.checksOnNode(namespace, node)) as Iterable<CheckRow>;
}

/** The checks of the node itself, of which there are few, however many its instances have. */
export function checksOfNode(reader: Lookup, node: string): Iterable<CheckRow> {
  return reader.bucket(catalogBuckets.checksOfInstance(defaultNamespace, node, '')) as Iterable<CheckRow>;
}

export function checksOfInstance(reader: Lookup, namespace: string, node: string, instance: string): Iterable<CheckRow> {
  return reader.bucket(catalogBuckets.checksOfInstance(namespace, node, instance)) as Iterable<CheckRow>;
}

/** Instances that were removed in the last minutes, and some that are older; none unless departures are kept. */
export function departuresOf(reader: Lookup, namespace: string): Iterable<DepartureRow> {
  return reader.bucket(catalogBuckets.departures(namespace)) as Iterable<DepartureRow>;
}

/** Until when departures of the namespace are kept, in milliseconds since the Unix epoch; 0 when never. */
export function departuresKeptUntil(reader: Lookup, namespace: string): number {
  return (reader.get(departuresKeptKey(namespace)) as DeparturesKeptRow | undefined)?.untilMs ?? 0;
}
