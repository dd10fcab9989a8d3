/**
 * Curator's `ServiceInstance` as JSON, to an instance of the registry and back. Pure. The data of the znode stays what its client wrote; here is only what other
 * protocols see of it.
 *
 * The payload is that of the writer: Spring Cloud and Dubbo put their own classes there, and a reader fails if it lacks the class. So data for readers
 * is made in one of three families (`docs/decisions/0107`).
 *
 * Source: `OldServiceInstance`, `ServiceInstance` and `UriSpec` of curator-x-discovery 5.9, `ZookeeperInstance` of spring-cloud-zookeeper-discovery 4
 * and of dubbo-registry-zookeeper 3.
 */

import { getsTraffic, type AdministrativeStatus, type InstanceStatus } from '@rollcall/protocol';
import type { InstanceInput } from '../catalog/commands.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import { fieldsOf, metaOf, objectIn, portOf, textOf, type Fields } from './json-fields.ts';

/** In whose words instances of other protocols are shown. */
export const znodeFamilies = ['curator', 'spring', 'dubbo'] as const;
export type ZnodeFamily = (typeof znodeFamilies)[number];

/** What the data of a znode says of an instance: the rest follows from the znode. */
export type SaidInstance = Omit<InstanceInput, 'id' | 'service' | 'session' | 'persistent'>;

/** @returns undefined for data that is no `ServiceInstance` */
export function instanceInData(data: Uint8Array): SaidInstance | undefined {
  const fields = objectIn(data);
  if (fields === undefined || textOf(fields, 'name') === '' || textOf(fields, 'id') === '') return undefined;
  const plain = portOf(fields['port']);
  const secure = portOf(fields['sslPort']);
  const scheme = plain === 0 && secure > 0 ? 'https' : schemeIn(fields['uriSpec']);
  const meta = payloadMeta(fields['payload']);
  return {
    address: textOf(fields, 'address'),
    port: plain || secure,
    ...(scheme === '' ? {} : { scheme }),
    ...(plain > 0 && secure > 0 ? { ports: { ssl: { port: secure, scheme: 'https' } } } : {}),
    ...said(meta),
    status: statuses[textOf(meta, 'instance_status')] ?? 'up',
    enabled: fields['enabled'] !== false,
  };
}

/** Statuses of Spring Cloud, in the metadata `instance_status`. */
const statuses: Readonly<Record<string, AdministrativeStatus>> = { OUT_OF_SERVICE: 'out_of_service', DOWN: 'down', STARTING: 'starting' };

/** Spring's and Dubbo's payload have metadata; of another one the simple fields count. */
function payloadMeta(payload: unknown): Readonly<Record<string, string>> {
  const fields = fieldsOf(payload);
  if (fields === undefined) return {};
  const metadata = fieldsOf(fields['metadata']);
  return metadata === undefined ? metaOf(fields, ['@class']) : metaOf(metadata);
}

/** What metadata says that the registry has fields for. */
export function said(meta: Readonly<Record<string, string>>): Pick<SaidInstance, 'meta' | 'zone' | 'region' | 'tags' | 'weight'> {
  const weight = textOf(meta, 'weight');
  const isWeight = weight.trim() !== '' && Number(weight) >= 0 && Number(weight) <= 65_535;
  return {
    meta,
    ...pick(meta, 'zone'),
    ...pick(meta, 'region'),
    tags: [...new Set(textOf(meta, 'tags').split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''))],
    ...(isWeight ? { weight: Number(weight) } : {}),
  };
}

function pick<Name extends 'zone' | 'region'>(meta: Readonly<Record<string, string>>, name: Name): { readonly [Field in Name]?: string } {
  const text = textOf(meta, name);
  return text === '' ? {} : ({ [name]: text } as { readonly [Field in Name]?: string });
}

/** The scheme of a URI that begins with one that is written out. */
function schemeIn(uriSpec: unknown): string {
  const parts = fieldsOf(uriSpec)?.['parts'];
  const first = Array.isArray(parts) ? fieldsOf(parts[0]) : undefined;
  if (first === undefined || first['variable'] === true) return '';
  return /^([a-z][a-z0-9+.-]*)(?::\/\/|$)/i.exec(textOf(first, 'value'))?.[1] ?? '';
}

/** An instance for readers of ZooKeeper. */
export interface ShownInstance {
  readonly row: InstanceRow;
  /** Its own address, or its node's. */
  readonly address: string;
  /** Effective. */
  readonly status: InstanceStatus;
}

/**
 * Whether clients of a family see an instance. An instance that does not answer would have no znode, and clients of Curator and Dubbo do not ask for a status:
 * only Spring is shown those that are out of service.
 */
export function isShownIn(family: ZnodeFamily, status: InstanceStatus): boolean {
  return getsTraffic(status) || (family === 'spring' && status === 'maintenance');
}

/** The data of the virtual znode of an instance that another protocol registered. @param id the name of the znode */
export function dataOf({ row, address, status }: ShownInstance, family: ZnodeFamily, id: string): Uint8Array {
  const isSecure = row.scheme === 'https';
  const secure = row.ports?.['ssl'] ?? row.ports?.['secure'];
  const fields = {
    name: row.service,
    id,
    address,
    port: isSecure ? null : row.port,
    sslPort: isSecure ? row.port : (secure?.port ?? null),
    payload: payloadOf(row, { status, family, id }),
    registrationTimeUTC: row.registeredMs,
    serviceType: 'DYNAMIC',
    uriSpec,
  };
  return Buffer.from(JSON.stringify(fields));
}

/** `{scheme}://{address}:{port}`, the default of Curator's clients. */
const uriSpec = {
  parts: [
    { value: 'scheme', variable: true },
    { value: '://', variable: false },
    { value: 'address', variable: true },
    { value: ':', variable: false },
    { value: 'port', variable: true },
  ],
};

interface Shape {
  readonly status: InstanceStatus;
  readonly family: ZnodeFamily;
  readonly id: string;
}

function payloadOf(row: InstanceRow, { status, family, id }: Shape): Fields | null {
  switch (family) {
    case 'curator':
      return null;
    case 'spring': {
      const metadata = { ...row.meta, instance_status: getsTraffic(status) ? 'UP' : 'OUT_OF_SERVICE' };
      return { '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance', id: row.service, name: row.service, metadata };
    }
    case 'dubbo':
      return { '@class': 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance', id, name: row.service, metadata: row.meta };
  }
}
