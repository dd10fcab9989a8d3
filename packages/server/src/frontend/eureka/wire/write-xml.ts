/** Writes instances as XML, as Eureka's server does (XStream: `eureka-client/.../converters/Converters.java`). */

import { textFields, type InstanceInfo, type LeaseInfo, type PortInfo } from './instance-info.ts';
import { dataCenterClass, isEmpty } from './write-json.ts';
import { elementNameOf } from './xml-reader.ts';

/** Fields of a lease in the order of the wire. */
const leaseFields = [
  'renewalIntervalInSecs',
  'durationInSecs',
  'registrationTimestamp',
  'lastRenewalTimestamp',
  'evictionTimestamp',
  'serviceUpTimestamp',
] as const satisfies readonly (keyof LeaseInfo)[];

/**
 * @param indent white space before each line
 * @param name of the element: `responseEntity` in answers to other servers
 */
export function instanceXml(info: InstanceInfo, indent: string, name = 'instance'): string {
  return `${indent}<${name}>\n${instanceLines(info, `${indent}  `)}${indent}</${name}>\n`;
}

function instanceLines(info: InstanceInfo, indent: string): string {
  const { instanceId, hostName, app, ipAddr, status, overriddenStatus, countryId, dataCenterInfo, leaseInfo, metadata, actionType } = info;
  const inner = `${indent}  `;
  let xml =
    element(indent, 'instanceId', instanceId) +
    element(indent, 'hostName', hostName) +
    element(indent, 'app', app) +
    element(indent, 'ipAddr', ipAddr) +
    element(indent, 'status', status) +
    element(indent, 'overriddenstatus', overriddenStatus) +
    portElement(indent, 'port', info.port) +
    portElement(indent, 'securePort', info.securePort) +
    element(indent, 'countryId', countryId) +
    `${indent}<dataCenterInfo class="${dataCenterClass(dataCenterInfo)}">\n` +
    element(inner, 'name', dataCenterInfo.name) +
    (dataCenterInfo.metadata === undefined ? '' : mapElement(inner, dataCenterInfo.metadata)) +
    `${indent}</dataCenterInfo>\n${indent}<leaseInfo>\n`;
  for (const name of leaseFields) xml += element(inner, name, leaseInfo[name]);
  xml += `${indent}</leaseInfo>\n${mapElement(indent, metadata)}`;
  for (const name of textFields) {
    const text = info[name];
    if (text !== undefined) xml += element(indent, name, text);
  }
  xml +=
    element(indent, 'isCoordinatingDiscoveryServer', String(info.isCoordinatingDiscoveryServer)) +
    element(indent, 'lastUpdatedTimestamp', info.lastUpdatedTimestamp) +
    element(indent, 'lastDirtyTimestamp', info.lastDirtyTimestamp);
  return actionType === undefined ? xml : xml + element(indent, 'actionType', actionType);
}

/** `X-Eureka-Accept: compact`. */
export function compactInstanceXml(info: InstanceInfo, indent: string): string {
  const inner = `${indent}  `;
  const { dataCenterInfo, actionType, vipAddress, secureVipAddress } = info;
  return (
    `${indent}<instance>\n` +
    element(inner, 'instanceId', info.instanceId) +
    element(inner, 'app', info.app) +
    element(inner, 'ipAddr', info.ipAddr) +
    (vipAddress === undefined ? '' : element(inner, 'vipAddress', vipAddress)) +
    (secureVipAddress === undefined ? '' : element(inner, 'secureVipAddress', secureVipAddress)) +
    `${inner}<dataCenterInfo class="${dataCenterClass(dataCenterInfo)}">\n${element(`${inner}  `, 'name', dataCenterInfo.name)}${inner}</dataCenterInfo>\n` +
    element(inner, 'hostName', info.hostName) +
    element(inner, 'status', info.status) +
    element(inner, 'lastUpdatedTimestamp', info.lastUpdatedTimestamp) +
    (actionType === undefined ? '' : element(inner, 'actionType', actionType)) +
    portElement(inner, 'port', info.port) +
    portElement(inner, 'securePort', info.securePort) +
    `${indent}</instance>\n`
  );
}

export function element(indent: string, name: string, text: string | number): string {
  return `${indent}<${name}>${typeof text === 'number' ? text : xmlText(text)}</${name}>\n`;
}

function portElement(indent: string, name: string, { port, enabled }: PortInfo): string {
  return `${indent}<${name} enabled="${enabled}">${port}</${name}>\n`;
}

function mapElement(indent: string, map: Readonly<Record<string, string>>): string {
  if (isEmpty(map)) return `${indent}<metadata class="java.util.Collections$EmptyMap"/>\n`;
  let xml = `${indent}<metadata>\n`;
  for (const key in map) xml += element(`${indent}  `, elementNameOf(key), map[key] as string);
  return `${xml}${indent}</metadata>\n`;
}

const special = /[&<>"'\r]|[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\r': '&#xd;' };

/** Characters that XML 1.0 cannot hold become U+FFFD: one of them would make the whole list unreadable. */
function xmlText(text: string): string {
  return text.replace(special, (char) => escapes[char] ?? '\uFFFD');
}
