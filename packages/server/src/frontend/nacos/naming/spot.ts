/** Which instance a request is about. */

import { findInstance, findNode, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import type { Reader } from '../../../registry/reader.ts';
import { defaultCluster, instanceId, readCluster, readIp, readPort, toService, type ServiceName, type Spot } from '../names.ts';
import type { Params } from '../request/params.ts';

/** @throws RegistryError `invalid_argument` */
export function readSpot(params: Params): Spot {
  return { ip: readIp(params.required('ip')), port: readPort(params.required('port')), cluster: readCluster(params.text(['clusterName', 'cluster'])) };
}

/** The instance that Nacos' clients registered there. */
export function ownAt(reader: Reader, namespace: string, service: ServiceName, spot: Spot): InstanceRow | undefined {
  return findInstance(reader, namespace, '', instanceId(service, spot));
}

/** The instance there, of any protocol. */
export function instanceAt(reader: Reader, namespace: string, service: ServiceName, spot: Spot): InstanceRow | undefined {
  const own = ownAt(reader, namespace, service, spot);
  if (own !== undefined) return own;
  for (const row of instancesOfService(reader, namespace, toService(service))) {
    const address = row.address === '' ? (findNode(reader, row.node)?.address ?? '') : row.address;
    if (row.port === spot.port && address === spot.ip && (row.cluster ?? defaultCluster) === spot.cluster) return row;
  }
  return undefined;
}
