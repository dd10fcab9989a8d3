/**
 * Writes instances and lists as JSON, field by field as Eureka's server does (`LegacyJacksonJson`; compact: `JacksonJsonMini`). Spring's
 * mapper refuses fields that it does not know, a data center without `@class`, and a list without `application`, so nothing else
 * is written and nothing of these left out.
 */

import { textFields, type DataCenterInfo, type InstanceInfo, type PortInfo } from './instance-info.ts';

const own = 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo';
const amazon = 'com.netflix.appinfo.AmazonInfo';
const emptyMap = { '@class': 'java.util.Collections$EmptyMap' };

/** The `@class` by which Java clients read the data center. */
export function dataCenterClass({ name }: DataCenterInfo): string {
  return name === 'Amazon' ? amazon : own;
}

export function instanceJson(info: InstanceInfo): string {
  return JSON.stringify(instanceFields(info));
}

/** An instance as fields, for messages that hold more than it. */
export function instanceFields(info: InstanceInfo): Record<string, unknown> {
  const { instanceId, hostName, app, ipAddr, status, overriddenStatus, countryId, leaseInfo, actionType } = info;
  const fields: Record<string, unknown> = {
    instanceId,
    hostName,
    app,
    ipAddr,
    status,
    overriddenStatus,
    port: portFields(info.port),
    securePort: portFields(info.securePort),
    countryId,
    dataCenterInfo: dataCenterFields(info.dataCenterInfo),
    leaseInfo,
    metadata: isEmpty(info.metadata) ? emptyMap : info.metadata,
  };
  for (const name of textFields) {
    const text = info[name];
    if (text !== undefined) fields[name] = text;
  }
  // These are texts on the wire.
  fields['isCoordinatingDiscoveryServer'] = String(info.isCoordinatingDiscoveryServer);
  fields['lastUpdatedTimestamp'] = String(info.lastUpdatedTimestamp);
  fields['lastDirtyTimestamp'] = String(info.lastDirtyTimestamp);
  if (actionType !== undefined) fields['actionType'] = actionType;
  return fields;
}

/** `X-Eureka-Accept: compact`: without metadata, lease, override, pages and the client's timestamp. */
export function compactInstanceJson(info: InstanceInfo): string {
  const { instanceId, app, ipAddr, vipAddress, secureVipAddress, hostName, status, lastUpdatedTimestamp, actionType } = info;
  return JSON.stringify({
    ...{ instanceId, app, ipAddr, vipAddress, secureVipAddress },
    dataCenterInfo: dataCenterFields(info.dataCenterInfo),
    ...{ hostName, status, lastUpdatedTimestamp, actionType },
    ...{ port: portFields(info.port), securePort: portFields(info.securePort) },
  });
}

function portFields({ port, enabled }: PortInfo): object {
  return { $: port, '@enabled': String(enabled) };
}

function dataCenterFields(info: DataCenterInfo): object {
  const { name, metadata } = info;
  return { '@class': dataCenterClass(info), name, ...(metadata === undefined ? {} : { metadata }) };
}

export function isEmpty(metadata: Readonly<Record<string, string>>): boolean {
  for (const _key in metadata) return false;
  return true;
}
