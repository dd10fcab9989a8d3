/**
 * Reads an `InstanceInfo` that a client sent, from JSON or from XML as `xml-reader.ts` gives it. Lenient where clients differ:
 * numbers or strings, explicit nulls, a bare number as a port, a missing `@class`, `overriddenstatus` in both spellings. Fields that
 * it does not know are left out. Whether the instance fits its path is a question of the route.
 */

import { BareObject } from '../../../net/bare-object.ts';
import { dataCenters, defaults, statusIn, textFields, type DataCenterInfo, type InstanceInfo, type LeaseInfo, type PortInfo, type TextField } from './instance-info.ts';
import { keyOfElement } from './xml-reader.ts';

/** The client's body is no instance. The message is for the client. */
export class InstanceError extends Error {}

/** What a registration may hold; Eureka has no limits of its own. */
const metadataPairsMax = 512;
const metadataBytesMax = 65_536;
const textBytesMax = 4_096;
/** So that every name fits into a record key. */
const nameBytesMax = 512;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param value the instance, without the `{"instance": …}` around it
 * @param xml whether names of metadata are names of elements
 * @throws InstanceError with Eureka's text where Eureka has one (`ApplicationResource.addInstance`)
 */
export function readInstance(value: unknown, xml: boolean): InstanceInfo {
  if (!isFields(value)) throw new InstanceError('an instance is expected');
  const dataCenterInfo = readDataCenter(value['dataCenterInfo'], xml);
  const hostName = text(value, 'hostName', nameBytesMax);
  const instanceId = text(value, 'instanceId', nameBytesMax) || (dataCenterInfo?.metadata?.['instance-id'] ?? '') || hostName;
  if (instanceId.trim() === '') throw new InstanceError('Missing instanceId');
  if (hostName.trim() === '') throw new InstanceError('Missing hostname');
  const ipAddr = text(value, 'ipAddr', nameBytesMax);
  if (ipAddr.trim() === '') throw new InstanceError('Missing ip address');
  const app = text(value, 'app', nameBytesMax).toUpperCase();
  if (app.trim() === '') throw new InstanceError('Missing appName');
  if (dataCenterInfo === undefined) throw new InstanceError('Missing dataCenterInfo');
  const texts: Partial<Record<TextField, string>> = {};
  for (const field of textFields) {
    const found = text(value, field, textBytesMax);
    if (found !== '') texts[field] = found;
  }
  return {
    instanceId: named(instanceId, 'instanceId'),
    hostName: named(hostName, 'hostName'),
    app: named(app, 'app'),
    ipAddr: named(ipAddr, 'ipAddr'),
    // Without a status an instance is up (`InstanceInfo.status`).
    status: isAbsent(value['status']) ? 'UP' : statusIn(text(value, 'status', textBytesMax)),
    overriddenStatus: statusIn(text(value, 'overriddenstatus', textBytesMax) || text(value, 'overriddenStatus', textBytesMax)),
    port: readPort(value['port'], 'port', { port: defaults.port, enabled: true }),
    securePort: readPort(value['securePort'], 'securePort', { port: defaults.securePort, enabled: false }),
    countryId: whole(value, 'countryId', defaults.countryId),
    dataCenterInfo,
    leaseInfo: readLease(value['leaseInfo']),
    metadata: readMetadata(value['metadata'], xml),
    ...texts,
    isCoordinatingDiscoveryServer: isTrue(value['isCoordinatingDiscoveryServer']),
    lastUpdatedTimestamp: whole(value, 'lastUpdatedTimestamp', 0),
    lastDirtyTimestamp: whole(value, 'lastDirtyTimestamp', 0),
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): value is null | undefined | '' {
  return value === undefined || value === null || value === '';
}

/** @returns '' when it is absent */
function text(fields: Fields, name: string, bytesMax: number): string {
  const value = own(fields, name);
  if (isAbsent(value)) return '';
  const found = scalar(value);
  if (found === undefined) throw new InstanceError(`${name} must be a text`);
  if (found.length * 3 > bytesMax && Buffer.byteLength(found) > bytesMax) {
    throw new InstanceError(`${name} has ${Buffer.byteLength(found)} bytes, the limit is ${bytesMax}`);
  }
  return found;
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // XML: an element with attributes.
  return isFields(value) && typeof value['$'] === 'string' ? value['$'] : undefined;
}

/** Names are parts of record keys, in which NUL separates; other control characters are mistakes. */
function named(name: string, field: string): string {
  if (/\p{Cc}/u.test(name)) throw new InstanceError(`${field} ${JSON.stringify(name.slice(0, 80))} has control characters`);
  return name;
}

function whole(fields: Fields, name: string, absent: number): number {
  const found = text(fields, name, textBytesMax);
  if (found === '') return absent;
  const number = Number(found.trim());
  if (!Number.isSafeInteger(number) || number < 0) throw new InstanceError(`${name} is ${JSON.stringify(found.slice(0, 80))}, it must be a whole number, 0 or more`);
  return number;
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.trim().toLowerCase() === 'true');
}

/** `{"$": 80, "@enabled": "true"}`, a bare number or text, or absent. */
function readPort(value: unknown, name: string, absent: PortInfo): PortInfo {
  if (isAbsent(value)) return absent;
  const fields: Fields = isFields(value) ? value : { $: value };
  const port = isAbsent(fields['$']) ? absent.port : whole(fields, '$', absent.port);
  if (port > 65_535) throw new InstanceError(`${name} is ${port}, it must be from 0 to 65535`);
  const enabled = isAbsent(fields['@enabled']) ? true : isTrue(fields['@enabled']);
  return { port, enabled };
}

/** The class is not read: it follows from the name, and clients load the class that a server names. */
function readDataCenter(value: unknown, xml: boolean): DataCenterInfo | undefined {
  if (isAbsent(value)) return undefined;
  if (!isFields(value)) throw new InstanceError('dataCenterInfo must be an object with a name');
  const given = text(value, 'name', textBytesMax);
  if (given === '') throw new InstanceError('Missing dataCenterInfo Name');
  const name = dataCenters.find((known) => known === given);
  if (name === undefined) throw new InstanceError(`dataCenterInfo has the name ${JSON.stringify(given.slice(0, 80))}; it must be one of ${dataCenters.join(', ')}`);
  return name === 'Amazon' ? { name, metadata: readMetadata(value['metadata'], xml) } : { name };
}

function readLease(value: unknown): LeaseInfo {
  const fields = isFields(value) ? value : {};
  const seconds = (name: string, absent: number) => Math.min(whole(fields, name, absent) || absent, 86_400);
  return {
    renewalIntervalInSecs: seconds('renewalIntervalInSecs', defaults.renewalIntervalInSecs),
    durationInSecs: seconds('durationInSecs', defaults.durationInSecs),
    registrationTimestamp: whole(fields, 'registrationTimestamp', 0),
    // Old clients write `renewalTimestamp`.
    lastRenewalTimestamp: whole(fields, 'lastRenewalTimestamp', 0) || whole(fields, 'renewalTimestamp', 0),
    evictionTimestamp: whole(fields, 'evictionTimestamp', 0),
    serviceUpTimestamp: whole(fields, 'serviceUpTimestamp', 0),
  };
}

function readMetadata(value: unknown, xml: boolean): Readonly<Record<string, string>> {
  const metadata = new BareObject() as Record<string, string>;
  if (isAbsent(value)) return metadata;
  if (!isFields(value)) throw new InstanceError('metadata must be an object of texts');
  const pairs: [string, unknown][] = [];
  for (const [name, each] of Object.entries(value)) {
    // The class of the map, as Java writes it: no entry.
    if (name === '@class' || (xml && (name.startsWith('@') || name === '$'))) continue;
    pairs.push([xml ? keyOfElement(name) : name, each]);
  }
  assertMetadata(pairs.map(([key, each]) => [key, metadataValue(key, each)]), metadata);
  return metadata;
}

function metadataValue(key: string, value: unknown): string {
  if (value === null) return '';
  const found = scalar(value);
  if (found !== undefined) return found;
  throw new InstanceError(`metadata ${JSON.stringify(key.slice(0, 80))} must be a text`);
}

/**
 * Adds the pairs if all of them together are within the limits.
 * @throws InstanceError
 */
export function assertMetadata(pairs: readonly (readonly [string, string])[], into: Record<string, string>): void {
  for (const [key, value] of pairs) {
    if (key === '') throw new InstanceError('metadata has an empty key');
    into[key] = value;
  }
  const all = Object.entries(into);
  if (all.length > metadataPairsMax) throw new InstanceError(`metadata has ${all.length} entries, the limit is ${metadataPairsMax}`);
  const bytes = all.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > metadataBytesMax) throw new InstanceError(`metadata has ${bytes} bytes, the limit is ${metadataBytesMax}`);
}
