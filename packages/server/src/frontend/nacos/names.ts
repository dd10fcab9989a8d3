/**
 * Names of Nacos and their names in the registry: namespace ids, groups and services, clusters, ids of instances. Pure, and
 * injective in both directions, so that nothing that Nacos tells apart becomes one thing here.
 *
 * | Nacos | registry |
 * |---|---|
 * | namespace `""`, absent, `public` | namespace `default` |
 * | any other namespace id | the namespace of that name; `default` is refused, since it would be a second name |
 * | `DEFAULT_GROUP@@orders` | service `orders` |
 * | `GROUP@@orders` | service `GROUP@@orders` |
 * | instance `10.0.0.1:8080` in cluster `DEFAULT` | id `10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@orders`, as Nacos' simple generator makes it |
 *
 * Source of the rules: `ParamCheckRule` in github.com/alibaba/nacos. Names that those rules refuse are refused here, too.
 */

import { defaultNamespace, isNamespaceName, namespaceLengthMax, RegistryError } from '@rollcall/protocol';

const publicNamespace = 'public';
export const defaultGroup = 'DEFAULT_GROUP';
export const defaultCluster = 'DEFAULT';
const splitter = '@@';

/** The registry's limit for the name of a service, which clients of the other protocols watch. */
const serviceLengthMax = 255;
const groupLengthMax = 128;
const clusterLengthMax = 64;
const ipLengthMax = 128;

/** A service as Nacos names it. */
export interface ServiceName {
  readonly group: string;
  readonly name: string;
}

export function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

/** @throws RegistryError `invalid_argument` for an id that no namespace can have */
export function toNamespace(id: string | undefined): string {
  if (id === undefined || id === '' || id === publicNamespace) return defaultNamespace;
  if (id === defaultNamespace) {
    throw invalid(`namespace id 'default' is not possible, since the namespace '${publicNamespace}' has that name in Rollcall; leave namespaceId out, or use '${publicNamespace}'`);
  }
  if (!isNamespaceName(id)) {
    throw invalid(`namespace id '${id.slice(0, 80)}' is not possible; use 1 to ${namespaceLengthMax} letters, digits and inner hyphens`);
  }
  return id;
}

export function fromNamespace(namespace: string): string {
  return namespace === defaultNamespace ? publicNamespace : namespace;
}

/**
 * The service that a request names.
 * @param serviceName `orders` or `GROUP@@orders`; the group in it wins
 * @param groupName `DEFAULT_GROUP` when absent or empty
 * @throws RegistryError `invalid_argument`
 */
export function readServiceName(serviceName: string, groupName = ''): ServiceName {
  const at = serviceName.indexOf(splitter);
  const group = (at < 0 ? groupName : serviceName.slice(0, at)) || defaultGroup;
  const name = at < 0 ? serviceName : serviceName.slice(at + splitter.length);
  if (name === '') throw invalid("Param 'serviceName' is required.");
  checkGroup(group);
  if (name.includes(splitter) || name.startsWith('@') || /[\s\p{Cc}]/u.test(name)) {
    throw invalid(`Param 'serviceName' is illegal: '${name.slice(0, 80)}' has spaces, control characters, '@@', or a leading '@'.`);
  }
  const { length } = toService({ group, name });
  if (length > serviceLengthMax) {
    throw invalid(`Param 'serviceName' is illegal, the name with its group has ${length} characters, the limit is ${serviceLengthMax}.`);
  }
  return { group, name };
}

/** @throws RegistryError `invalid_argument` */
function checkGroup(group: string): void {
  if (group.length > groupLengthMax || !/^[\w\-:.]+$/.test(group)) {
    throw invalid(`Param 'groupName' is illegal: use 1 to ${groupLengthMax} letters, digits and -_:. characters.`);
  }
}

/** Name of the service in the registry. */
export function toService({ group, name }: ServiceName): string {
  return group === defaultGroup ? name : grouped({ group, name });
}

/** What Nacos calls the service. A service of another protocol whose name begins `DEFAULT_GROUP@@` has no name here: undefined. */
export function fromService(service: string): ServiceName | undefined {
  const at = service.indexOf(splitter);
  if (at <= 0) return { group: defaultGroup, name: service };
  const group = service.slice(0, at);
  return group === defaultGroup ? undefined : { group, name: service.slice(at + splitter.length) };
}

export function grouped({ group, name }: ServiceName): string {
  return `${group}${splitter}${name}`;
}

/** @throws RegistryError `invalid_argument` */
export function readCluster(cluster: string | undefined): string {
  if (cluster === undefined || cluster === '') return defaultCluster;
  if (cluster.length > clusterLengthMax || !/^[\w-]+$/.test(cluster)) {
    throw invalid(`Param 'clusterName' is illegal: use 1 to ${clusterLengthMax} letters, digits and -_ characters.`);
  }
  return cluster;
}

/** @throws RegistryError `invalid_argument` */
export function readIp(ip: string | undefined): string {
  if (ip === undefined || ip === '') throw invalid("Param 'ip' is required.");
  if (ip.length > ipLengthMax || /[\s#\p{Cc}]/u.test(ip)) {
    throw invalid(`Param 'ip' is illegal: use an IP address or a host name of at most ${ipLengthMax} characters.`);
  }
  return ip;
}

/** @throws RegistryError `invalid_argument` */
export function readPort(port: string | number | undefined): number {
  if (port === undefined || port === '') throw invalid("Param 'port' is required.");
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw invalid(`Param 'port' is illegal: '${String(port).slice(0, 80)}' is not from 0 to 65535.`);
  }
  return number;
}

/** What tells instances of a service apart. */
export interface Spot {
  readonly ip: string;
  readonly port: number;
  readonly cluster: string;
}

/**
 * The id of an instance in the registry. It has the service, since ids of instances without a node are unique in their
 * namespace; neither address nor cluster may contain `#`.
 */
export function instanceId(service: ServiceName, { ip, port, cluster }: Spot): string {
  return `${ip}#${port}#${cluster}#${grouped(service)}`;
}
