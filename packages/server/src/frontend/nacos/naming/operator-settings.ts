/**
 * What an operator sets on an instance: weight, metadata and whether it takes requests. It stays when the client registers again,
 * as in Nacos, until the instance is gone.
 */

import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import type { InstanceInput } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import type { TxnOperation } from '../../../registry/kinds.ts';
import { RegistryError } from '@rollcall/protocol';
import { nacosCodes, NacosError } from '../errors.ts';
import { keep, kept, hostPort } from '../foreign.ts';
import { beatTimes, divide, parseMetadata, type Metadata } from '../metadata.ts';
import { defaultCluster, invalid, readServiceName, toService, type ServiceName, type Spot } from '../names.ts';
import type { Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import { checkIds, fieldsIn, isOwn, readKept, readWeight, toInstanceView, type OperatorSettings } from '../translate.ts';
import { instanceAt, readSpot } from './spot.ts';

interface Change {
  readonly enabled?: boolean;
  readonly weight?: number;
  /** Added to the metadata of the client. */
  readonly metadata?: Metadata;
  /** Keys that the operator has set and sets no longer. */
  readonly without?: readonly string[];
}

/** `PUT instance`, `PATCH instance`: what is given is set, the rest stays. */
export async function update(call: Call): Promise<Returned> {
  const { params } = call;
  const namespace = call.namespace();
  const service = call.service();
  const spot = readSpot(params);
  const [weight, metadata] = [params.text('weight'), params.text('metadata')];
  const change: Change = {
    ...(params.text(['enabled', 'enable']) === '' ? {} : { enabled: params.flag(['enabled', 'enable'], true) }),
    ...(weight === '' ? {} : { weight: readWeight(weight) }),
    ...(metadata === '' ? {} : { metadata: parseMetadata(metadata) }),
  };
  call.requireService(namespace, service, 'write');
  const row = instanceAt(call.context.registry.state, namespace, service, spot);
  if (row === undefined) throw new NacosError('not_found', 'no matched ip found!', nacosCodes.instanceNotFound);
  await set(call, service, row, change);
  return 'ok';
}

/** `PUT instance/metadata/batch`, and `DELETE` with the keys to forget. */
export function batch(mode: 'set' | 'forget') {
  return async (call: Call): Promise<Returned> => {
    const { params, context: { registry } } = call;
    const namespace = call.namespace();
    const service = readServiceName(params.required('serviceName'), params.text('groupName'));
    const metadata = parseMetadata(params.required('metadata'));
    const spots = readSpots(params.text('instances'));
    call.requireService(namespace, service, 'write');
    const rows = spots.length === 0 ? [...instancesOfService(registry.state, namespace, toService(service))] : spots.flatMap((spot) => instanceAt(registry.state, namespace, service, spot) ?? []);
    const own = rows.filter((row) => isOwn(row, service));
    const change = mode === 'set' ? { metadata } : { without: Object.keys(metadata) };
    await Promise.all(own.map((row) => set(call, service, row, change)));
    return { updated: own.map(({ address, port, cluster = defaultCluster, persistent }) => `${hostPort(address, port)}:unknown:${cluster}:${persistent === true ? 'persist' : 'ephemeral'}`) };
  };
}

/** Instances that one request may name. */
const spotsMax = 1_000;

/** @throws RegistryError `invalid_argument` */
function readSpots(text: string): Spot[] {
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("Param 'instances' is illegal: it is no JSON.");
  }
  if (!Array.isArray(value) || value.length > spotsMax) throw invalid(`Param 'instances' is illegal: it is no list of at most ${spotsMax} instances.`);
  return value.map((each: unknown) => {
    const { ip, port, clusterName } = (each ?? {}) as { readonly ip?: unknown; readonly port?: unknown; readonly clusterName?: unknown };
    if (typeof ip !== 'string' || typeof port !== 'number') throw invalid("Param 'instances' is illegal: each entry needs ip and port.");
    return { ip, port, cluster: typeof clusterName === 'string' && clusterName !== '' ? clusterName : defaultCluster };
  });
}

async function set(call: Call, service: ServiceName, row: InstanceRow, change: Change): Promise<void> {
  const { registry } = call.context;
  const { namespace, node, id } = row;
  const { enabled, weight, metadata, without } = change;
  const operations: TxnOperation[] = [];
  const isOld = weight !== undefined && readKept(row).operator?.weight !== undefined;
  if (isOld || metadata !== undefined || without !== undefined) {
    if (!isOwn(row, service)) {
      const message = `instance ${id} on node ${node} was registered through another protocol; change its metadata there`;
      throw new RegistryError('failed_precondition', message);
    }
    operations.push(settingsOn(call, service, row, change));
  }
  // Overrides, so that a client that registers again with its own weight and `enabled=true` does not undo them.
  const overrides = {
    ...(weight === undefined ? {} : { weightOverride: weight }),
    ...(enabled === undefined ? {} : { override: enabled ? null : ('out_of_service' as const), ...(enabled ? { enabled } : {}) }),
  };
  if (Object.keys(overrides).length > 0) {
    const note = { by: call.context.security.acl.nameOf(call.caller), reason: '' };
    operations.push({ change: { kind: 'instance-status', namespace, node, id, ...overrides, note } });
  }
  if (operations.length === 0) return;
  const result = await registry.submit({ kind: 'txn', operations });
  if ('failures' in result) throw result.failures[0]?.error ?? new RegistryError('aborted', `instance ${id} has changed meanwhile; try again`);
}

function settingsOn(call: Call, service: ServiceName, row: InstanceRow, { metadata, without = [] }: Change): TxnOperation {
  const { state } = call.context.registry;
  const { namespace, id } = row;
  const { operator = {} } = readKept(row);
  const merged = Object.fromEntries(Object.entries({ ...operator.metadata, ...metadata }).filter(([key]) => !without.includes(key)));
  const settings: OperatorSettings = { metadata: merged };
  const shown = toInstanceView(row, undefined, statuses(state)(row), service).metadata;
  const all = Object.fromEntries(Object.entries({ ...shown, ...merged }).filter(([key]) => !without.includes(key) || !(key in (operator.metadata ?? {}))));
  const { preserved, meta } = divide(all);
  const input: InstanceInput = {
    ...withoutRevisions(row),
    meta,
    ...fieldsIn(meta),
    ...(operator.weight === undefined ? {} : { weightOverride: operator.weight }),
    ...keep({ ...kept(row), preserved: Object.keys(preserved).length === 0 ? undefined : preserved, operator: { ...settings } }),
  };
  const check = checkIds.heartbeats(id);
  const beats = findCheck(state, namespace, '', check);
  const { timeoutMs, removalMs } = beatTimes(all);
  const definition = { ttlMs: timeoutMs, deregisterCriticalAfterMs: Math.max(1, removalMs - timeoutMs) };
  const checks = beats?.type === 'ttl' ? [{ id: check, name: beats.name, instance: id, type: 'ttl' as const, definition }] : [];
  return {
    require: { key: call.context.registry.state.kinds.keyOf(row), revision: row.modified },
    change: { kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', instances: [input], checks },
  };
}

/** The fields of a row that a registration names, and that do not follow from the metadata. */
function withoutRevisions(row: InstanceRow): InstanceInput {
  const { kind: _kind, namespace: _namespace, node: _node, created: _created, modified: _modified, registeredMs: _at, changedMs: _changed, override: _override, overridden: _overridden, foreign: _foreign, zone: _zone, region: _region, tags: _tags, ...input } = row;
  return input;
}
