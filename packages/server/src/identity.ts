/**
 * Who this server is. The store has an id of its own, `registryId`; each process on it has a `nodeId`. Clients that come back to
 * another node of the same store find what they know under the same `registryId` (docs/decisions/0038).
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Engine } from './engine/engine.ts';
import type { Identity } from './net/frontend.ts';
import { find } from './registry/reader.ts';
import type { Registry } from './registry/registry.ts';
import { noNamespace } from './registry/rows.ts';
import type { ServerOptions } from './server-options.ts';
import { version } from './version.ts';

/** What the store keeps of itself. Before there were several nodes, the id was called `nodeId`. */
type StoreRecord = { readonly registryId: string } | { readonly nodeId: string };

/**
 * Finds the ids in the store, or makes them and keeps them there.
 * @param address that the server's own node is registered with
 */
export async function identify(registry: Registry, engine: Engine, address: string, options: ServerOptions): Promise<Identity> {
  const nodeName = options.nodeName ?? hostname();
  const registryId = await kept(registry, 'identity', idOf, (registryId) => ({ registryId }));
  return {
    datacenter: options.datacenter ?? 'dc1',
    registryId,
    nodeName,
    nodeId: options.nodeId ?? (await nodeIdOf(registry, engine, nodeName, registryId)),
    version,
    address,
    httpPort: 0,
    httpsPort: 0,
    agentNames: options.agentNames ?? {},
    ...(options.nodeMeta === undefined ? {} : { nodeMeta: options.nodeMeta }),
  };
}

/** The only node of a store has the store's id. Of several, each has one under its name. */
async function nodeIdOf(registry: Registry, { exclusive }: Engine, nodeName: string, registryId: string): Promise<string> {
  if (exclusive) return registryId;
  return kept(registry, `node/${nodeName}`, (value) => (value as { readonly nodeId: string }).nodeId, (nodeId) => ({ nodeId }));
}

function idOf(value: unknown): string {
  const record = value as StoreRecord;
  return 'registryId' in record ? record.registryId : record.nodeId;
}

/** An id from a record of the store. Nodes that start at the same time agree on the one that was written first. */
async function kept(
  registry: Registry,
  id: string,
  read: (value: unknown) => string,
  make: (id: string) => { readonly [field: string]: string },
): Promise<string> {
  const inStore = () => find.record(registry.state, noNamespace, 'server', id);
  const row = inStore();
  if (row !== undefined) return read(row.value);
  await registry.submit({ kind: 'record-put', namespace: noNamespace, type: 'server', id, value: make(randomUUID()), cas: 0 });
  return read(inStore()?.value);
}
