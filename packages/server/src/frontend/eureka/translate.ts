/** Translates between Eureka's instances and the registry's rows, both ways. Pure. What has no field is kept in `foreign.eureka`. */

import { getsTraffic, type AdministrativeStatus, type InstanceStatus } from '@rollcall/protocol';
import type { CheckInput, InstanceInput, Register } from '../../registry/kind/catalog/commands.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import type { Json } from '../../registry/row.ts';
import { appOf, instanceIdOf, leaseId, namespace, rowId, serviceOf } from './names.ts';
import {
  dataCenters,
  defaults,
  textFields,
  type DataCenterInfo,
  type EurekaStatus,
  type InstanceInfo,
  type LeaseInfo,
  type PortInfo,
  type TextField,
} from './wire/instance-info.ts';

/** A lapsed instance is removed after this time at least; a heartbeat before that brings it back. */
const removalMsMin = 60_000;

export interface LeaseRule {
  /** By how much a lease is longer than the client asked: 1, and 2 as in Eureka's own server, whose leases last twice as long. */
  readonly factor: 1 | 2;
}

const administrative: Readonly<Record<EurekaStatus, AdministrativeStatus>> = {
  UP: 'up',
  DOWN: 'down',
  STARTING: 'starting',
  OUT_OF_SERVICE: 'out_of_service',
  UNKNOWN: 'up',
};

/** `UNKNOWN` is up to the registry; the row keeps that it is unknown. */
export function administrativeOf(status: EurekaStatus): AdministrativeStatus {
  return administrative[status];
}

const reported: Readonly<Record<AdministrativeStatus, EurekaStatus>> = {
  up: 'UP',
  starting: 'STARTING',
  draining: 'OUT_OF_SERVICE',
  out_of_service: 'OUT_OF_SERVICE',
  down: 'DOWN',
};

/** The override of a row in Eureka's words. */
export function overriddenOf(override: AdministrativeStatus | undefined): EurekaStatus {
  return override === undefined ? 'UNKNOWN' : reported[override];
}

/** The effective status in Eureka's words. */
export function statusOf(status: InstanceStatus, isUnknown = false): EurekaStatus {
  if (getsTraffic(status)) return isUnknown ? 'UNKNOWN' : 'UP';
  if (status === 'starting') return 'STARTING';
  return status === 'critical' ? 'DOWN' : 'OUT_OF_SERVICE';
}

/** How a row came to be as it is, as far as other Eureka servers are concerned. */
export interface Origin {
  /** Its client talks to another server, which passes on what it hears. Such a row is not sent back. */
  readonly replicated: boolean;
  /** When the override last came from another server, by the clock of the node that took it. */
  readonly overrideMs?: number | undefined;
}

/**
 * The command of a registration: the instance and its lease.
 * @param status decided by the rules of `status-rules.ts`
 */
export function registration(info: InstanceInfo, status: EurekaStatus, rule: LeaseRule, origin: Origin = { replicated: false }): Register {
  const service = serviceOf(info.app);
  const id = rowId(service, info.instanceId);
  return {
    kind: 'register',
    namespace,
    node: { name: '', address: '' },
    nodeMode: 'none',
    instances: [instanceInput(info, status, origin)],
    checks: [leaseCheck(id, info.leaseInfo, rule)],
  };
}

function leaseCheck(id: string, { durationInSecs }: LeaseInfo, { factor }: LeaseRule): CheckInput {
  const ttlMs = durationInSecs * 1_000 * factor;
  return {
    id: leaseId(id),
    name: 'Eureka lease',
    type: 'ttl',
    status: 'passing',
    output: '',
    instance: id,
    definition: { ttlMs, deregisterCriticalAfterMs: Math.max(removalMsMin, ttlMs) },
  };
}

function instanceInput(info: InstanceInfo, status: EurekaStatus, origin: Origin): InstanceInput {
  const { metadata, port, securePort, dataCenterInfo } = info;
  const service = serviceOf(info.app);
  const zone = metadata['zone'] || dataCenterInfo.metadata?.['availability-zone'];
  const region = metadata['region'];
  const onlySecure = securePort.enabled && !port.enabled;
  return {
    id: rowId(service, info.instanceId),
    service,
    address: info.ipAddr,
    port: onlySecure ? securePort.port : port.enabled ? port.port : 0,
    ...(onlySecure ? { scheme: 'https' } : {}),
    ...(securePort.enabled && port.enabled && securePort.port > 0 ? { ports: { secure: { port: securePort.port, scheme: 'https' } } } : {}),
    ...(zone === undefined || zone === '' ? {} : { zone }),
    ...(region === undefined || region === '' ? {} : { region }),
    tags: tagsIn(metadata['tags']),
    meta: metadata,
    weight: weightIn(metadata['weight']),
    status: administrativeOf(status),
    foreign: { eureka: { ...foreignOf(info, status), ...keptOrigin(origin) } },
  };
}

/** A row as it would be registered, with other metadata. A Eureka client says zone, region, weight and tags by it. */
export function inputOf(row: InstanceRow, meta: Readonly<Record<string, string>>): InstanceInput {
  const { kind: _kind, namespace: _namespace, node: _node, created: _created, modified: _modified, ...input } = row;
  const { registeredMs: _registered, changedMs: _changed, override: _override, overridden: _overridden, ...said } = input;
  if (keptIn(row) === undefined) return { ...said, meta };
  const { zone, region } = meta;
  return {
    ...said,
    meta,
    ...(zone === undefined || zone === '' ? {} : { zone }),
    ...(region === undefined || region === '' ? {} : { region }),
    tags: tagsIn(meta['tags']),
    weight: weightIn(meta['weight']),
  };
}

/** The row of a Eureka client as it would be registered, with another origin. */
export function movedInput(row: InstanceRow, origin: Origin): InstanceInput {
  const { replicated: _replicated, overrideMs: _override, ...kept } = keptIn(row) ?? {};
  return { ...inputOf(row, row.meta), foreign: { ...row.foreign, eureka: { ...kept, ...keptOrigin(origin) } } };
}

function keptOrigin({ replicated, overrideMs }: Origin): Kept {
  return { ...(replicated ? { replicated } : {}), ...(overrideMs === undefined ? {} : { overrideMs }) };
}

/** Tags of the other protocols, as a metadata entry `tags`: `blue,canary`. */
function tagsIn(text = ''): string[] {
  return [...new Set(text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''))];
}

/** A metadata entry `weight`, as Spring Cloud LoadBalancer reads it. */
function weightIn(text = ''): number {
  const weight = Number(text);
  return text.trim() !== '' && weight >= 0 && weight <= 65_535 ? weight : 1;
}

/** What a row keeps for Eureka's clients alone. Usual values are left out, so that a row stays small. */
interface Kept {
  readonly [name: string]: Json;
}

function foreignOf(info: InstanceInfo, status: EurekaStatus): Kept {
  const kept: Record<string, Json> = {};
  const { leaseInfo, port, securePort, dataCenterInfo } = info;
  if (info.hostName !== info.ipAddr) kept['hostName'] = info.hostName;
  if (status === 'UNKNOWN') kept['unknown'] = true;
  if (!port.enabled) kept['port'] = port.port;
  if (!securePort.enabled && securePort.port !== defaults.securePort) kept['securePort'] = securePort.port;
  if (info.countryId !== defaults.countryId) kept['countryId'] = info.countryId;
  if (dataCenterInfo.name !== 'MyOwn') kept['dataCenter'] = { name: dataCenterInfo.name, ...(dataCenterInfo.metadata === undefined ? {} : { metadata: dataCenterInfo.metadata }) };
  if (leaseInfo.renewalIntervalInSecs !== defaults.renewalIntervalInSecs) kept['renewalSecs'] = leaseInfo.renewalIntervalInSecs;
  if (leaseInfo.durationInSecs !== defaults.durationInSecs) kept['durationSecs'] = leaseInfo.durationInSecs;
  if (info.isCoordinatingDiscoveryServer) kept['coordinating'] = true;
  if (info.lastDirtyTimestamp > 0) kept['dirtyMs'] = info.lastDirtyTimestamp;
  for (const name of textFields) {
    const text = info[name];
    if (text !== undefined) kept[name] = text;
  }
  return kept;
}

function keptIn({ foreign }: Pick<InstanceRow, 'foreign'>): Kept | undefined {
  const own = foreign?.['eureka'];
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as Kept) : undefined;
}

/** When the instance last changed, by its own clock; undefined when its client did not say. */
export function dirtyMsOf(row: InstanceRow): number | undefined {
  const dirty = keptIn(row)?.['dirtyMs'];
  return typeof dirty === 'number' ? dirty : undefined;
}

/** Whether its client talks to another Eureka server, which passes on what it hears. */
export function isReplicated(row: Pick<InstanceRow, 'foreign'>): boolean {
  return keptIn(row)?.['replicated'] === true;
}

/** `Origin.overrideMs` of a row. */
export function overrideMsOf(row: Pick<InstanceRow, 'foreign'>): number | undefined {
  const stamp = keptIn(row)?.['overrideMs'];
  return typeof stamp === 'number' ? stamp : undefined;
}

/** Whether the client registered it with the status `UNKNOWN`. */
export function isUnknown(row: InstanceRow): boolean {
  return keptIn(row)?.['unknown'] === true;
}

/** The names under which clients find the instance by `vips` or `svips`. */
export function vipsOf(row: InstanceRow, field: 'vipAddress' | 'secureVipAddress'): readonly string[] {
  const kept = keptIn(row);
  // Instances of other protocols are found by their service.
  if (kept === undefined) return field === 'vipAddress' ? [row.service] : [];
  const names = kept[field];
  return typeof names === 'string' ? names.split(',').map((name) => name.trim()) : [];
}

/**
 * An instance as Eureka's clients see it, of any protocol.
 * @param status effective
 * @param nodeAddress the address of its node; used when the instance has none
 */
export function infoOf(row: InstanceRow, status: InstanceStatus, nodeAddress: string): InstanceInfo {
  const kept = keptIn(row) ?? {};
  const number = (name: string, absent: number): number => (typeof kept[name] === 'number' ? kept[name] : absent);
  const address = row.address || nodeAddress;
  const updatedMs = row.changedMs ?? row.registeredMs;
  const shown = statusOf(status, kept['unknown'] === true);
  const texts: Partial<Record<TextField, string>> = {};
  for (const name of textFields) {
    const text = kept[name];
    if (typeof text === 'string') texts[name] = text;
  }
  if (keptIn(row) === undefined) texts.vipAddress = row.service;
  return {
    instanceId: instanceIdOf(row),
    hostName: typeof kept['hostName'] === 'string' ? kept['hostName'] : address,
    app: appOf(row.service),
    ipAddr: address,
    status: shown,
    overriddenStatus: overriddenOf(row.override),
    ...portsOf(row, kept),
    countryId: number('countryId', defaults.countryId),
    dataCenterInfo: dataCenterIn(kept['dataCenter']),
    leaseInfo: {
      renewalIntervalInSecs: number('renewalSecs', defaults.renewalIntervalInSecs),
      durationInSecs: number('durationSecs', defaults.durationInSecs),
      registrationTimestamp: row.registeredMs,
      lastRenewalTimestamp: updatedMs,
      evictionTimestamp: 0,
      serviceUpTimestamp: shown === 'UP' ? row.registeredMs : 0,
    },
    metadata: keptIn(row) === undefined ? metadataOf(row) : row.meta,
    ...texts,
    isCoordinatingDiscoveryServer: kept['coordinating'] === true,
    lastUpdatedTimestamp: updatedMs,
    lastDirtyTimestamp: number('dirtyMs', updatedMs),
    actionType: row.changedMs === undefined ? 'ADDED' : 'MODIFIED',
  };
}

function portsOf(row: InstanceRow, kept: Kept): { readonly port: PortInfo; readonly securePort: PortInfo } {
  const keptPort = kept['port'];
  const keptSecure = kept['securePort'];
  const disabled = { port: typeof keptPort === 'number' ? keptPort : row.scheme === 'https' ? defaults.port : row.port, enabled: false };
  if (row.scheme === 'https') return { port: disabled, securePort: { port: row.port, enabled: true } };
  const secure = row.ports?.['secure'] ?? Object.values(row.ports ?? {}).find(({ scheme }) => scheme === 'https');
  const isDisabled = typeof keptPort === 'number' || row.port === 0;
  return {
    port: isDisabled ? disabled : { port: row.port, enabled: true },
    securePort: secure === undefined ? { port: typeof keptSecure === 'number' ? keptSecure : defaults.securePort, enabled: false } : { port: secure.port, enabled: true },
  };
}

function dataCenterIn(value: Json | undefined): DataCenterInfo {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { name: 'MyOwn' };
  const { name, metadata } = value as { readonly name?: Json; readonly metadata?: Readonly<Record<string, string>> };
  const known = dataCenters.find((each) => each === name) ?? 'MyOwn';
  return metadata === undefined ? { name: known } : { name: known, metadata };
}

/** Fields that Eureka does not have are entries of its metadata, unless the instance has such an entry. */
function metadataOf({ meta, zone, region, weight, weightOverride, tags }: InstanceRow): Readonly<Record<string, string>> {
  return {
    ...(zone === undefined ? {} : { zone }),
    ...(region === undefined ? {} : { region }),
    ...(weight === 1 ? {} : { weight: String(weight) }),
    ...(tags.length === 0 ? {} : { tags: tags.join(',') }),
    ...meta,
    ...(weightOverride === undefined ? {} : { weight: String(weightOverride) }),
  };
}
