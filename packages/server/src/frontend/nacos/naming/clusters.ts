/**
 * Clusters of a service, and how the registry probes persistent instances in them. They are kept in the service record,
 * for this protocol only.
 */

import { findService } from '../../../registry/kind/catalog/find.ts';
import type { ServiceRow } from '../../../registry/kind/catalog/rows.ts';
import type { Lookup } from '../../../registry/room.ts';
import type { Json } from '../../../registry/row.ts';
import { kept } from '../foreign.ts';
import type { Metadata } from '../metadata.ts';
import { toService, type ServiceName } from '../names.ts';
import { probeOf, type HealthChecker, type NacosInstance, type Probe } from '../translate.ts';

export interface ClusterSettings {
  readonly healthChecker: HealthChecker;
  /** Probed instead of the port of the instance; 0: that one. */
  readonly checkPort: number;
  readonly metadata: Metadata;
}

export const usualCluster: ClusterSettings = { healthChecker: { type: 'TCP' }, checkPort: 0, metadata: {} };

export function clustersOf(row: ServiceRow | undefined): Readonly<Record<string, ClusterSettings>> {
  const clusters = row === undefined ? undefined : kept(row)['clusters'];
  return (clusters as Readonly<Record<string, ClusterSettings>> | undefined) ?? {};
}

export function selectorOf(row: ServiceRow | undefined): Json {
  return (row === undefined ? undefined : kept(row)['selector']) ?? { type: 'none', contextType: 'NONE' };
}

/** How the registry probes a persistent instance. */
export function probeIn(reader: Lookup, namespace: string, service: ServiceName, instance: Pick<NacosInstance, 'ip' | 'port' | 'clusterName'>): Probe {
  const { healthChecker, checkPort } = clustersOf(findService(reader, namespace, toService(service)))[instance.clusterName] ?? usualCluster;
  return probeOf(instance, healthChecker, checkPort || instance.port);
}
