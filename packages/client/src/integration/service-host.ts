/**
 * Names of services in the host of a URL: `http://orders.rollcall/…` is the service `orders` in the
 * client's own namespace, `http://orders.team-a.ns.rollcall/…` that of the namespace `team-a`, as in DNS
 * (`orders.service.team-a.ns.consul`). Hosts are not case-sensitive, so only names in lower case can be
 * written.
 */

const suffix = '.rollcall';

export interface NamedService {
  readonly name: string;
  /** Undefined: the client's own namespace. */
  readonly namespace: string | undefined;
}

/**
 * The service of a host name.
 * @param hostname without a port
 * @returns undefined for hosts that are not services
 */
export function serviceOfHost(hostname: string): NamedService | undefined {
  const host = hostname.toLowerCase();
  if (!host.endsWith(suffix) || host.length === suffix.length) return undefined;
  const full = host.slice(0, -suffix.length);
  const [, name, namespace] = /^(.+)\.([a-z0-9-]+)\.ns$/.exec(full) ?? [];
  return name === undefined ? { name: full, namespace: undefined } : { name, namespace };
}

/**
 * The hosts that name a service, the preferred one first; characters that are not allowed in a host become dashes.
 * @param namespace undefined for a source without namespaces
 * @param own the client's own namespace, whose services have a short name
 */
export function hostsOf(service: string, namespace: string | undefined, own: string | undefined): readonly string[] {
  const label = service.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-');
  const short = `${label}${suffix}`;
  const full = namespace === undefined ? [] : [`${label}.${namespace.toLowerCase()}.ns${suffix}`];
  const hosts = namespace === own ? [short, ...full] : full;
  return hosts.every((host) => URL.canParse(`http://${host}`)) ? hosts : [`service${suffix}`];
}

/** The error for an `https:` URL of a service whose instances may be used without TLS. */
export const noTls = 'not all instances are asked over TLS; give the service the option tls, or write http://';

/** The reason why a URL of a service cannot be used; undefined when it can. */
export function refusalOf({ protocol, port, host }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return `${protocol}//${host}: services are asked over http or https`;
  if (port !== '') return `${protocol}//${host}: a service has no port, each of its instances has one; leave it out`;
  return undefined;
}
