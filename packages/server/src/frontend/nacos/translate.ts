/**
 * Translates instances between Nacos and the registry. Pure.
 *
 * An instance of Nacos has no node, so its id has its service (`names.ts`). What the registry has no field for is in
 * `foreign.nacos`: the `instanceId` of the client, metadata `preserved.*`, and the metadata that an operator set on the instance,
 * which survives a new registration as it does in Nacos. The operator's weight is that of every protocol (`weightOverride` of the row).
 */

import { getsTraffic, type CheckDefinition, type InstanceStatus } from '@rollcall/protocol';
import type { CheckInput, InstanceInput, Register } from '../../registry/kind/catalog/commands.ts';
import { weightOf } from '../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { hostPort, keep, kept, type JsonMap } from './foreign.ts';
import { beatTimes, divide, idGenerator, readMetadata, type Metadata } from './metadata.ts';
import { defaultCluster, grouped, instanceId, invalid, readCluster, readIp, readPort, toService, type ServiceName } from './names.ts';

/** An instance as a client registers it. */
export interface NacosInstance {
  /** An id of the client's own; absent: the registry's. */
  readonly instanceId?: string;
  readonly ip: string;
  readonly port: number;
  /** 0 to 10,000. */
  readonly weight: number;
  /** Counts for a persistent instance only: heartbeats and connections say it of the others. */
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly clusterName: string;
  readonly metadata: Metadata;
}

const weightMax = 10_000;
const idLengthMax = 512;

/**
 * Checks the fields of an instance, as JSON has them (gRPC) or a form (HTTP: texts).
 * @throws RegistryError `invalid_argument`
 */
export function readInstance(given: { readonly [field: string]: unknown }): NacosInstance {
  const text = (field: string) => {
    const value = given[field];
    return value === undefined || value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
  };
  const flag = (field: string, usual: boolean) => {
    const value = text(field);
    return value === undefined || value === '' ? usual : value === 'true' || value === 'on' || value === '1';
  };
  const id = text('instanceId');
  if (id !== undefined && id.length > idLengthMax) throw invalid(`Param 'instanceId' is illegal: it has ${id.length} characters, the limit is ${idLengthMax}.`);
  const metadata = readMetadata(given['metadata']);
  const { intervalMs, timeoutMs, removalMs } = beatTimes(metadata);
  if (timeoutMs < intervalMs || removalMs < intervalMs) {
    // As `NamingUtils.checkInstanceIsLegal`.
    throw invalid("Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'.");
  }
  return {
    ...(id === undefined || id === '' ? {} : { instanceId: id }),
    ip: readIp(text('ip')),
    port: readPort(text('port')),
    weight: readWeight(text('weight')),
    healthy: flag('healthy', true),
    enabled: flag('enabled', true),
    ephemeral: flag('ephemeral', true),
    clusterName: readCluster(text('clusterName')),
    metadata,
  };
}

/** @throws RegistryError `invalid_argument` */
export function readWeight(text: string | undefined): number {
  if (text === undefined || text === '') return 1;
  const weight = Number(text);
  if (!(weight >= 0 && weight <= weightMax)) {
    throw invalid(`instance format invalid: The weights range from 0 to ${weightMax}, and it is '${text.slice(0, 40)}'.`);
  }
  return weight;
}

/** What says that the instance lives. */
export type Liveness =
  | { readonly by: 'heartbeats' }
  /** A stream session of the same namespace: its end is the end of the instance. */
  | { readonly by: 'session'; readonly session: string }
  /** Probes by the server, or with `none` an operator. @see probeOf */
  | { readonly by: 'probes'; readonly probe: Probe };

export type Probe = { readonly type: 'tcp' | 'http' | 'none'; readonly definition: CheckDefinition };

/** Id of the check of an instance. Ids of checks without a node are unique in their namespace, as its id is. */
export const checkIds = {
  heartbeats: (id: string) => `nacos:${id}`,
  session: (id: string) => `stream:${id}`,
  probes: (id: string) => `nacos:${id}`,
} as const;

/**
 * The command that registers an instance.
 * @param before the instance as it is registered now, whose operator's settings stay
 */
export function registration(namespace: string, service: ServiceName, instance: NacosInstance, liveness: Liveness, before?: InstanceRow): Register {
  const input = toInput(service, instance, liveness, before);
  return {
    kind: 'register',
    namespace,
    node: { name: '', address: '' },
    nodeMode: 'none',
    instances: [input],
    checks: [toCheck(input.id, instance, liveness)],
    replaceChecks: true,
  };
}

function toInput(service: ServiceName, instance: NacosInstance, liveness: Liveness, before: InstanceRow | undefined): InstanceInput {
  const { ip, port, clusterName: cluster, ephemeral, instanceId: given } = instance;
  const id = instanceId(service, { ip, port, cluster });
  const { operator } = readKept(before);
  const metadata = { ...instance.metadata, ...operator?.metadata };
  const { preserved, meta } = divide(metadata);
  return {
    id,
    service: toService(service),
    address: ip,
    port,
    cluster,
    meta,
    ...fieldsIn(meta),
    weight: instance.weight,
    ...(operator?.weight === undefined ? {} : { weightOverride: operator.weight }),
    enabled: instance.enabled,
    ...(ephemeral ? {} : { persistent: true }),
    ...(liveness.by === 'session' ? { session: liveness.session } : {}),
    ...keep({
      instanceId: given === undefined || given === id ? undefined : given,
      preserved: Object.keys(preserved).length === 0 ? undefined : preserved,
      operator: operator?.metadata === undefined ? undefined : { metadata: operator.metadata },
    }),
  };
}

/** The fields that Nacos' clients write into metadata; tags are joined by commas, as Eureka's clients have them. */
export function fieldsIn({ zone, region, tags }: Metadata): Pick<InstanceInput, 'zone' | 'region' | 'tags'> {
  const all = new Set((tags ?? '').split(',').flatMap((tag) => tag.trim() || []));
  return { ...(zone ? { zone } : {}), ...(region ? { region } : {}), ...(all.size === 0 ? {} : { tags: [...all] }) };
}

function toCheck(id: string, { metadata, healthy }: NacosInstance, liveness: Liveness): CheckInput {
  const of = (check: Omit<CheckInput, 'instance'>): CheckInput => ({ ...check, instance: id });
  switch (liveness.by) {
    case 'heartbeats': {
      const { timeoutMs, removalMs } = beatTimes(metadata);
      const definition = { ttlMs: timeoutMs, deregisterCriticalAfterMs: Math.max(1, removalMs - timeoutMs) };
      return of({ id: checkIds.heartbeats(id), name: 'Nacos heartbeat', type: 'ttl', status: 'passing', definition });
    }
    case 'session':
      return of({ id: checkIds.session(id), name: 'Nacos connection', type: 'stream', status: 'passing', output: 'stream open' });
    case 'probes': {
      const { type, definition } = liveness.probe;
      return of({ id: checkIds.probes(id), name: 'Nacos health check', type, status: healthy ? 'passing' : 'critical', definition });
    }
  }
}

/** How often Nacos probes, how long one may take, and after how many failures an instance is unhealthy (`HealthCheckTask`, `checkTimes`). */
const probing = { intervalMs: 5_000, timeoutMs: 3_000, failuresBeforeCritical: 3 } as const;

/** The health checker of a cluster, as Nacos' API has it. */
export interface HealthChecker {
  readonly type: string;
  readonly path?: string;
  readonly headers?: string;
}

/** The probe of a persistent instance. MySQL is probed by a connection. @param port to probe instead of the instance's */
export function probeOf({ ip, port: own }: Pick<NacosInstance, 'ip' | 'port'>, checker: HealthChecker = { type: 'TCP' }, port = own): Probe {
  const type = checker.type.toUpperCase();
  const at = hostPort(ip, port);
  if (type === 'NONE') return { type: 'none', definition: {} };
  if (type !== 'HTTP') return { type: 'tcp', definition: { ...probing, tcp: at } };
  const { path = '/', headers = '' } = checker;
  const header: Record<string, readonly string[]> = {};
  for (const pair of headers.split('|')) {
    const colon = pair.indexOf(':');
    if (colon > 0) header[pair.slice(0, colon).trim()] = [pair.slice(colon + 1).trim()];
  }
  const definition = { ...probing, http: `http://${at}${path.startsWith('/') ? path : `/${path}`}` };
  return { type: 'http', definition: Object.keys(header).length === 0 ? definition : { ...definition, header } };
}

/** What an operator set on an instance; absent fields are the client's. */
export interface OperatorSettings {
  /** In rows of former versions, which did not have `weightOverride`; it moves there with the next change. */
  readonly weight?: number;
  readonly metadata?: Metadata;
}

interface Kept {
  readonly instanceId?: string;
  readonly preserved: Metadata;
  readonly operator?: OperatorSettings;
}

/** What the registry keeps for this protocol only. */
export function readKept(row: InstanceRow | undefined): Kept {
  const own: JsonMap = row === undefined ? {} : kept(row);
  const { instanceId: given, preserved, operator } = own;
  return {
    ...(typeof given === 'string' ? { instanceId: given } : {}),
    preserved: (preserved as Metadata | undefined) ?? {},
    ...(operator === undefined ? {} : { operator: operator as OperatorSettings }),
  };
}

/** Whether the instance was registered through Nacos. Its id has its address, cluster and service. */
export function isOwn(row: Pick<InstanceRow, 'node' | 'id' | 'address' | 'port' | 'cluster'>, service: ServiceName): boolean {
  return row.node === '' && row.id === instanceId(service, { ip: row.address, port: row.port, cluster: row.cluster ?? defaultCluster });
}

/** An instance as Nacos shows it. */
export interface InstanceView {
  readonly instanceId: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly clusterName: string;
  readonly serviceName: string;
  readonly metadata: Metadata;
  readonly instanceHeartBeatInterval: number;
  readonly instanceHeartBeatTimeOut: number;
  readonly ipDeleteTimeout: number;
  readonly instanceIdGenerator?: string;
}

/** Statuses in which an instance takes no requests on purpose. */
const disabled: ReadonlySet<InstanceStatus> = new Set(['maintenance', 'draining', 'starting']);

export function toInstanceView(row: InstanceRow, node: NodeRow | undefined, status: InstanceStatus, service: ServiceName): InstanceView {
  const own = readKept(row);
  const metadata = metadataOf(row, own.preserved);
  const { intervalMs, timeoutMs, removalMs } = beatTimes(metadata);
  const generator = idGenerator(metadata);
  return {
    instanceId: own.instanceId ?? (isOwn(row, service) ? row.id : `${row.node}#${row.id}`),
    ip: row.address === '' ? (node?.address ?? '') : row.address,
    port: row.port,
    weight: weightOf(row, status),
    healthy: getsTraffic(status),
    enabled: !disabled.has(status),
    ephemeral: row.persistent !== true,
    clusterName: row.cluster ?? defaultCluster,
    serviceName: grouped(service),
    metadata,
    instanceHeartBeatInterval: intervalMs,
    instanceHeartBeatTimeOut: timeoutMs,
    ipDeleteTimeout: removalMs,
    ...(generator === undefined ? {} : { instanceIdGenerator: generator }),
  };
}

/** The metadata of the instance, with fields of other protocols that Nacos has no field for. Its own keys win. */
function metadataOf({ meta, zone, region, scheme, tags, ports }: InstanceRow, preserved: Metadata): Metadata {
  const added: Record<string, string> = {};
  if (zone !== undefined) added['zone'] = zone;
  if (region !== undefined) added['region'] = region;
  if (scheme !== undefined) added['scheme'] = scheme;
  if (tags.length > 0) added['tags'] = tags.join(',');
  for (const [name, { port }] of Object.entries(ports ?? {})) added[`port.${name}`] = String(port);
  return { ...added, ...meta, ...preserved };
}
