/**
 * The identity of this server. The store has an id, `registryId`; each process on it has a `nodeId`. Clients that reconnect
 * to another node of the same store find their state under the same `registryId` (docs/decisions/0038).
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { clusterKey, newClusterSecret, type ClusterKey } from './cluster/cluster-key.ts';
import type { Identity } from './net/frontend.ts';
import { findNode } from './registry/kind/catalog/find.ts';
import { findRecord } from './registry/kind/record/find.ts';
import { noNamespace } from './registry/row.ts';
import type { Registry } from './registry/registry.ts';
import type { ServerOptions } from './server-options.ts';
import { version } from './version.ts';

/** The store's record of its identity. Before there were several nodes, the id was called `nodeId`. */
type StoreRecord = { readonly registryId: string } | { readonly nodeId: string };

export interface IdentifyOptions {
  readonly registry: Registry;
  /** Whether only this process uses the store, or others follow this one's log. */
  readonly hasStore: boolean;
  /** Name under which the server's own node is registered. */
  readonly address: string;
}

/** Finds the ids in the store, or creates and stores them. */
export async function identify({ registry, hasStore, address }: IdentifyOptions, options: ServerOptions): Promise<Identity> {
  const nodeName = options.nodeName ?? hostname();
  const registryId = await kept(registry, 'identity', idOf, () => ({ registryId: randomUUID() }));
  return {
    datacenter: options.datacenter ?? 'dc1',
    registryId,
    nodeName,
    nodeId: options.nodeId ?? (await nodeIdOf(registry, { nodeName, registryId, hasStore })),
    version,
    address,
    httpPort: 0,
    httpsPort: 0,
    agentNames: options.agentNames ?? {},
    ...(options.nodeMeta === undefined ? {} : { nodeMeta: options.nodeMeta }),
  };
}

/**
 * The only node of a store has the store's id; of several nodes, each has an id under its name. A store that was moved
 * (`migrate.ts`) keeps the ids that its nodes are registered with.
 */
async function nodeIdOf(registry: Registry, { nodeName, registryId, hasStore }: Naming): Promise<string> {
  const read = (value: unknown) => (value as { readonly nodeId: string }).nodeId;
  if (hasStore) {
    const row = findRecord(registry.state, noNamespace, 'server', nodeRecord(nodeName));
    return row === undefined ? registryId : read(row.value);
  }
  const wasTheOnly = findNode(registry.state, nodeName)?.id === registryId;
  return kept(registry, nodeRecord(nodeName), read, () => ({ nodeId: wasTheOnly ? registryId : randomUUID() }));
}

const nodeRecord = (nodeName: string) => `node/${nodeName}`;

interface Naming {
  readonly nodeName: string;
  readonly registryId: string;
  readonly hasStore: boolean;
}

/** The key that the nodes of a store share; the first node creates it. A backup does not contain such records. */
export async function clusterKeyOf(registry: Registry): Promise<ClusterKey> {
  const read = (value: unknown) => (value as { readonly secret: string }).secret;
  return clusterKey(await kept(registry, 'cluster key', read, () => ({ secret: newClusterSecret() })));
}

function idOf(value: unknown): string {
  const record = value as StoreRecord;
  return 'registryId' in record ? record.registryId : record.nodeId;
}

/** A value in a record of the store. Nodes that start at the same time agree on the value that was written first. */
async function kept(
  registry: Registry,
  id: string,
  read: (value: unknown) => string,
  make: () => { readonly [field: string]: string },
): Promise<string> {
  const inStore = () => findRecord(registry.state, noNamespace, 'server', id);
  const row = inStore();
  if (row !== undefined) return read(row.value);
  await registry.submit({ kind: 'record-put', namespace: noNamespace, type: 'server', id, value: make(), cas: 0 });
  return read(inStore()?.value);
}
