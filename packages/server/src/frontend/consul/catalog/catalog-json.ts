/**
 * Converts rows of the registry to the objects of Consul's API. Pure; field order and defaults are those of
 * Consul's Go structs (`api/catalog.go`, `api/health.go`, MPL-2.0). Requests to commands: `definitions.ts`.
 */

import { isIP } from 'node:net';
import { weightOf, wholeWeight } from '../../../registry/kind/catalog/effective-status.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Json } from '../../../registry/row.ts';
import { type JsonMap, kept, nothing, pick } from '../wire/foreign.ts';
import { durationText } from '../wire/go-duration.ts';

/** Whether the catalog API wrote the node: such a node keeps its tagged addresses as they were given, even null. */
export function isCatalogNode(row: RowOf<'node'>): boolean {
  return kept(row)['TaggedAddresses'] !== undefined;
}

/** An agent reports its addresses as `lan` and `wan`; a node of the catalog has those that were given. */
function taggedAddresses(row: RowOf<'node'>): Json {
  const given = kept(row)['TaggedAddresses'];
  if (given !== undefined) return given;
  const family = row.address.includes(':') ? 'ipv6' : 'ipv4';
  return {
    lan: row.address,
    [`lan_${family}`]: row.address,
    wan: row.address,
    [`wan_${family}`]: row.address,
  };
}

/**
 * Consul's clients expect a node with every instance. An instance without one is shown on a placeholder node, named
 * after the address of the instance; no list of nodes has it.
 */
export function standInNode({ id, address, created, modified }: RowOf<'instance'>): RowOf<'node'> {
  return { kind: 'node', name: address || id, id: '', address, meta: {}, created, modified };
}

export function nodeJson(row: RowOf<'node'>, datacenter: string): JsonMap {
  return {
    ID: row.id,
    Node: row.name,
    Address: row.address,
    Datacenter: datacenter,
    TaggedAddresses: taggedAddresses(row),
    Meta: row.meta,
    ...pick(kept(row), 'Locality'),
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}

function localityJson({ region = '', zone = '' }: RowOf<'instance'>): JsonMap {
  return region === '' && zone === '' ? nothing : { Locality: { Region: region, Zone: zone } };
}

/** Whole numbers, since Consul's clients read no others. */
function weightsJson(row: RowOf<'instance'>): JsonMap {
  return { Passing: wholeWeight(weightOf(row, 'passing')), Warning: wholeWeight(weightOf(row, 'warning')) };
}

function proxyJson(foreign: JsonMap): JsonMap {
  const given = foreign['Proxy'];
  return { Mode: '', MeshGateway: {}, Expose: {}, ...(given as JsonMap | undefined) };
}

/** The addresses that were given, and those that follow from an IP address (`agent/agent.go`). */
function instanceAddresses(row: RowOf<'instance'>, foreign: JsonMap, name: string): JsonMap {
  const given = foreign['TaggedAddresses'] as JsonMap | undefined;
  const family = isIP(row.address);
  const some = given !== undefined && Object.keys(given).length > 0;
  if (family === 0) return some ? { [name]: given } : nothing;
  const own = { Address: row.address, Port: row.port };
  return { [name]: { [`lan_ipv${family}`]: own, [`wan_ipv${family}`]: own, ...given } };
}

/** The `Service` of health and node answers. */
export function serviceJson(row: RowOf<'instance'>): JsonMap {
  const foreign = kept(row);
  return {
    ...pick(foreign, 'Kind'),
    ID: row.id,
    Service: row.service,
    Tags: row.tags,
    Address: row.address,
    ...instanceAddresses(row, foreign, 'TaggedAddresses'),
    Meta: row.meta,
    Port: row.port,
    ...pick(foreign, 'SocketPath'),
    Weights: weightsJson(row),
    EnableTagOverride: foreign['EnableTagOverride'] ?? false,
    ...localityJson(row),
    Proxy: proxyJson(foreign),
    Connect: foreign['Connect'] ?? {},
    PeerName: '',
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}

/** An entry of `agent/services`. */
export function agentServiceJson(row: RowOf<'instance'>, datacenter: string): JsonMap {
  const foreign = kept(row);
  return {
    ...pick(foreign, 'Kind'),
    ID: row.id,
    Service: row.service,
    Tags: row.tags,
    Meta: row.meta,
    Port: row.port,
    Address: row.address,
    ...pick(foreign, 'SocketPath'),
    ...instanceAddresses(row, foreign, 'TaggedAddresses'),
    Weights: weightsJson(row),
    EnableTagOverride: foreign['EnableTagOverride'] ?? false,
    ...pick(foreign, 'Proxy', 'Connect'),
    ...localityJson(row),
    Datacenter: datacenter,
  };
}

/** An entry of `catalog/service`: the node and the instance in one flat object. */
export function catalogServiceJson(row: RowOf<'instance'>, node: RowOf<'node'>, datacenter: string): JsonMap {
  const foreign = kept(row);
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: datacenter,
    TaggedAddresses: taggedAddresses(node),
    NodeMeta: node.meta,
    ServiceKind: foreign['Kind'] ?? '',
    ServiceID: row.id,
    ServiceName: row.service,
    ServiceTags: row.tags,
    ServiceAddress: row.address,
    ...instanceAddresses(row, foreign, 'ServiceTaggedAddresses'),
    ServiceWeights: weightsJson(row),
    ServiceMeta: row.meta,
    ServicePort: row.port,
    ServiceSocketPath: foreign['SocketPath'] ?? '',
    ServiceEnableTagOverride: foreign['EnableTagOverride'] ?? false,
    ServiceProxy: proxyJson(foreign),
    ServiceConnect: foreign['Connect'] ?? {},
    ServiceLocality: localityJson(row)['Locality'] ?? null,
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}

/**
 * @param instance the one that the check belongs to, if any
 * @param output newer than the row's, if there is one
 */
export function checkJson(
  row: RowOf<'check'>,
  instance: RowOf<'instance'> | undefined,
  output?: string,
): JsonMap {
  const foreign = kept(row);
  return {
    Node: row.node === '' && instance !== undefined ? standInNode(instance).name : row.node,
    CheckID: row.id,
    Name: row.name,
    Status: row.status,
    Notes: row.notes,
    Output: output ?? row.output,
    ServiceID: row.instance,
    ServiceName: instance?.service ?? foreign['ServiceName'] ?? '',
    ServiceTags: instance?.tags ?? foreign['ServiceTags'] ?? [],
    Type: foreign['Type'] ?? (row.type === 'none' ? '' : row.type),
    Interval: foreign['Interval'] ?? durationText(row.definition.intervalMs),
    Timeout: foreign['Timeout'] ?? durationText(row.definition.timeoutMs),
    ExposedPort: 0,
    Definition: foreign['Definition'] ?? {},
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}
