/**
 * Requests of operators about one instance or one service: the override of an administrative status, and the record of a
 * service. Decodes, asks for permission, and submits; everything else about services belongs to the other front ends.
 */

import {
  RegistryError,
  administrativeStatuses,
  defaultNamespace,
  frameLimits as limits,
  type AdministrativeStatus,
} from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import { parseObject } from '../../net/json-body.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { findInstance, findService, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';

/** A service, and the namespace that it is in. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** Throws when the caller lacks the permission on a service. */
export type Demand = (verb: 'read' | 'write', service: ServiceName) => void;

const bodyBytesMax = 65_536;

/**
 * `PUT /rollcall/v1/instance/status`
 * @throws RegistryError `invalid_argument`, `not_found`, `failed_precondition`, or as `demand` and the commit
 */
export async function setInstanceStatus({ registry }: Context, { request }: Exchange, demand: Demand): Promise<object> {
  const body = fieldsOf(await readBody(request, bodyBytesMax), ['namespace', 'service', 'id', 'node', 'override', 'enabled']);
  const namespace = body['namespace'] === undefined ? defaultNamespace : text(body, 'namespace');
  const service = text(body, 'service');
  const id = text(body, 'id');
  const node = body['node'] === undefined ? undefined : text(body, 'node');
  const override = overrideIn(body);
  const enabled = flag(body, 'enabled');
  if (override === undefined && enabled === undefined) throw invalid('give override, enabled, or both');
  demand('write', { namespace, name: service });
  const row = theInstance([...instancesOfService(registry.state, namespace, service)], { service, id, node });
  await registry.submit({
    ...{ kind: 'instance-status', namespace, node: row.node, id },
    ...(override === undefined ? {} : { override }),
    ...(enabled === undefined ? {} : { enabled }),
  });
  const after = findInstance(registry.state, namespace, row.node, id);
  if (after === undefined) throw new RegistryError('not_found', `instance ${id} of ${service} was deregistered meanwhile`);
  return {
    ...{ namespace, service, node: after.node, id, status: after.status ?? 'up', override: after.override ?? null },
    ...{ enabled: after.enabled ?? true, effective: statuses(registry.state)(after) },
  };
}

/**
 * `GET`, `PUT` and `DELETE /rollcall/v1/service?name=&namespace=`
 * @throws RegistryError `invalid_argument`, `not_found`, or as `demand` and the commit
 */
export async function serviceRecord({ registry }: Context, { request, query }: Exchange, demand: Demand): Promise<object> {
  const { state } = registry;
  const asked = new URLSearchParams(query);
  const name = asked.get('name') ?? '';
  const namespace = asked.get('namespace') ?? defaultNamespace;
  if (name === '') throw invalid('name the service: ?name=SERVICE');
  const writes = request.method === 'PUT' || request.method === 'DELETE';
  demand(writes ? 'write' : 'read', { namespace, name });
  if (request.method === 'DELETE') return { deleted: await registry.submit({ kind: 'service-delete', namespace, name }) };
  if (request.method === 'PUT') {
    const body = fieldsOf(await readBody(request, bodyBytesMax), ['meta', 'protectThreshold']);
    const threshold = body['protectThreshold'] ?? 0;
    if (typeof threshold !== 'number') throw invalid('protectThreshold must be a number from 0 to 1');
    await registry.submit({ kind: 'service-put', namespace, name, meta: metaIn(body), protectThreshold: threshold });
  }
  const record = findService(state, namespace, name);
  const instances = servicesOf(state).instancesOf(namespace, name);
  if (record === undefined && instances === 0) throw new RegistryError('not_found', `there is no service ${name}`);
  return { namespace, name, meta: record?.meta ?? {}, protectThreshold: record?.protectThreshold ?? 0, instances };
}

interface Wanted {
  readonly service: string;
  readonly id: string;
  readonly node: string | undefined;
}

/** The only instance that is meant: ids are unique on their node only. */
function theInstance(all: readonly InstanceRow[], { service, id, node }: Wanted): InstanceRow {
  const found = all.filter((row) => row.id === id && (node === undefined || row.node === node));
  const [only] = found;
  if (only === undefined) {
    const where = node === undefined ? '' : ` on node ${node}`;
    throw new RegistryError('not_found', `service ${service} has no instance ${id}${where}`);
  }
  if (found.length > 1) {
    const nodes = found.slice(0, 10).map((row) => row.node);
    const message = `service ${service} has ${found.length} instances ${id}, on the nodes ${nodes.join(', ')}; name one node`;
    throw new RegistryError('failed_precondition', message);
  }
  return only;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(body: Buffer, known: readonly string[]): Fields {
  const value = parseObject(body);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`the body has the unknown field ${JSON.stringify(unknown.slice(0, 80))}; there are ${known.join(', ')}`);
  return value;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > limits.nameMax) throw invalid(`${name} must be a string of at most ${limits.nameMax} characters`);
  if (value === '' && name !== 'node') throw invalid(`${name} is empty`);
  return value;
}

function flag(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  if (value !== undefined && typeof value !== 'boolean') throw invalid(`${name} must be true or false`);
  return value;
}

function overrideIn({ override }: Fields): AdministrativeStatus | null | undefined {
  if (override === undefined || override === null) return override;
  const found = administrativeStatuses.find((word) => word === override);
  if (found === undefined) throw invalid(`override must be one of ${administrativeStatuses.join(', ')}, or null to clear it`);
  return found;
}

function metaIn({ meta = {} }: Fields): Record<string, string> {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) throw invalid('meta must be an object of strings');
  const entries = Object.entries(meta);
  if (entries.length > limits.metaMax) throw invalid(`meta has ${entries.length} entries, the limit is ${limits.metaMax}`);
  const copy: Record<string, string> = {};
  for (const [key, value] of entries) {
    const fits = typeof value === 'string' && value.length <= limits.metaValueMax && key.length <= limits.metaKeyMax;
    if (!fits || key === '__proto__') {
      const rule = `keys of at most ${limits.metaKeyMax} and values of at most ${limits.metaValueMax} characters`;
      throw invalid(`meta must have strings for values, ${rule}; ${JSON.stringify(key.slice(0, 80))} does not fit`);
    }
    copy[key] = value;
  }
  return copy;
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
