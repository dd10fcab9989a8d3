/**
 * Converts catalog registrations to the registry's `register` command. Checks of the catalog
 * are stored as they are and never run (type `none`), as in Consul. Pure.
 */

import type { CheckInput, InstanceInput, NodeInput, Register } from '../../../registry/kind/catalog/commands.ts';
import { findInstance } from '../../../registry/kind/catalog/find.ts';
import type { Foreign, Json } from '../../../registry/row.ts';
import { State } from '../../../registry/state.ts';
import { namespaceIn, type Scope } from '../request/scope.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import { isStatus, vetMeta, vetName, vetPort, vetServiceAddress, vetTags, vetWeights } from '../wire/vetting.ts';
import type { CatalogCheckFields, CatalogRegistrationFields, CatalogServiceFields } from './schema.ts';

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @throws RegistryError `invalid_argument` */
export function registration(scope: Scope, fields: CatalogRegistrationFields): Register {
  const node = nodeInput(fields);
  const namespace = namespaceOfAll(scope, fields);
  const instances = fields.Service === undefined ? [] : [catalogInstance(fields.Service)];
  const given = [...(fields.Checks ?? []), ...(fields.Check === undefined ? [] : [fields.Check])];
  const checks = given.map((check) => catalogCheck(check, node.name));
  const nodeMode = fields.SkipNodeUpdate === true ? 'ensure' : 'update';
  return { kind: 'register', namespace, node, nodeMode, instances, checks };
}

/**
 * Checks that the instance of each check exists: in the same registration, or registered before.
 * @throws RegistryError `invalid_argument`
 */
export function requireInstances(state: State, { namespace, node, instances = [], checks = [] }: Register): void {
  for (const { id, instance } of checks) {
    if (instance === undefined || instances.some((own) => own.id === instance)) continue;
    if (findInstance(state, namespace, node.name, instance) !== undefined) continue;
    throw invalid(`Unknown service ID '${instance}' for check ID '${id}'`);
  }
}

/** The one namespace of a registration; its parts may name it. @throws RegistryError `invalid_argument` */
function namespaceOfAll(scope: Scope, { Service, Check, Checks = [] }: CatalogRegistrationFields): string {
  const given = [Service?.Namespace, Check?.Namespace, ...Checks.map((check) => check.Namespace)].find(Boolean);
  const namespace = namespaceIn(scope, given);
  for (const part of [Service, Check, ...Checks]) namespaceIn({ namespace, chosen: true }, part?.Namespace);
  return namespace;
}

function nodeInput(fields: CatalogRegistrationFields): NodeInput {
  const { Node: name = '', Address: address = '', ID: id = '' } = fields;
  if (fields.PeerName) throw invalid('cannot register requests with PeerName in them');
  if (name === '') throw invalid('Must provide node');
  const uuid = vetNodeId(id);
  if (address === '' && fields.SkipNodeUpdate !== true) {
    throw invalid('Must provide address if SkipNodeUpdate is not set');
  }
  return {
    name: vetName(name, 'node name'),
    ...(uuid === '' ? {} : { id: uuid }),
    address: vetName(address, 'node address'),
    meta: vetMeta(fields.NodeMeta ?? {}, 'Node Meta', 'allowed'),
    // Null is stored, too: such a node shows none, while an agent's node shows its own address.
    ...keep({ TaggedAddresses: fields.TaggedAddresses ?? null, Locality: fields.Locality }),
  };
}

/** @throws RegistryError `invalid_argument` */
export function vetNodeId(id: string): string {
  if (id === '' || uuidForm.test(id)) return id.toLowerCase();
  throw invalid(`Bad node ID: ${quoted(id)} is not a UUID`);
}

export function catalogInstance(fields: CatalogServiceFields): InstanceInput {
  const { Service: service = '', ID: id = '' } = fields;
  if (service === '') {
    throw invalid('Must provide service name (Service.Service) when service ID is provided');
  }
  const { Weights } = fields;
  return {
    id: vetName(id || service, 'service ID'),
    service: vetName(service, 'service name'),
    address: vetServiceAddress(fields.Address ?? ''),
    port: vetPort(fields.Port ?? 0),
    tags: vetTags(fields.Tags ?? []),
    meta: vetMeta(fields.Meta ?? {}, 'Service Meta', 'allowed'),
    // As in Consul, weights of 0 from the catalog mean the default.
    ...(Weights === undefined || (Weights.Passing ?? 0) === 0 ? {} : vetWeights(Weights)),
    ...placeOf(fields.Locality),
    ...serviceForeign(fields),
  };
}

export function catalogCheck(fields: CatalogCheckFields, node: string): CheckInput {
  const id = vetName(fields.CheckID || fields.Name || '', 'check ID');
  if (id === '') throw invalid('Must provide a check ID or a check name');
  if (fields.Node && fields.Node !== node) {
    const other = fields.Node.slice(0, 80);
    throw invalid(`Node '${other}' for check '${id}' doesn't match register request node '${node}'`);
  }
  const status = fields.Status || 'critical';
  if (!isStatus(status)) {
    throw invalid(`Bad check status ${quoted(status)}: use passing, warning or critical`);
  }
  const instance = vetName(fields.ServiceID ?? '', 'service ID');
  return {
    id,
    name: fields.Name ?? '',
    status,
    output: fields.Output ?? '',
    notes: fields.Notes ?? '',
    type: 'none',
    ...(instance === '' ? {} : { instance }),
    ...keep({
      Type: fields.Type || typeOf(fields.Definition),
      Interval: fields.Interval || undefined,
      Timeout: fields.Timeout || undefined,
      Definition: fields.Definition,
      ServiceName: instance === '' ? fields.ServiceName || undefined : undefined,
      ServiceTags: instance === '' ? fields.ServiceTags : undefined,
    }),
  };
}

/** Consul derives the type from the definition. */
function typeOf(definition: Json | undefined): string | undefined {
  if (typeof definition !== 'object' || definition === null) return undefined;
  const names = Object.entries(definition).filter(([, value]) => value !== '');
  return ['grpc', 'http', 'tcp', 'udp'].find((type) => names.some(([name]) => name.toLowerCase() === type));
}

/** Region and zone of an instance, from Consul's `Locality`. */
export function placeOf({ Region = '', Zone = '' }: { readonly Region?: string; readonly Zone?: string } = {}) {
  return { ...(Region === '' ? {} : { region: Region }), ...(Zone === '' ? {} : { zone: Zone }) };
}

/** The fields that Rollcall has no field for. */
export function serviceForeign(fields: Omit<CatalogServiceFields, 'CreateIndex' | 'ModifyIndex'>): { foreign?: Foreign } {
  return keep({
    Kind: fields.Kind || undefined,
    TaggedAddresses: fields.TaggedAddresses,
    SocketPath: fields.SocketPath || undefined,
    EnableTagOverride: fields.EnableTagOverride === true ? true : undefined,
    Proxy: fields.Proxy,
    Connect: fields.Connect,
  });
}
