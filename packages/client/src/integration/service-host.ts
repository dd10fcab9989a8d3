/** How services are named where programs write hosts: `http://orders.rollcall/…` is the service `orders`. */

const suffix = '.rollcall';

/**
 * The service of a host name.
 * @param hostname without a port; hosts are not case-sensitive, so only services in lower case can be named
 * @returns undefined for hosts that are not services
 */
export function serviceOfHost(hostname: string): string | undefined {
  const host = hostname.toLowerCase();
  return host.endsWith(suffix) && host.length > suffix.length ? host.slice(0, -suffix.length) : undefined;
}

/** Of a URL in `https:`, which promises more than a service does whose instances may be asked without TLS. */
export const noTls = 'not all instances are asked over TLS; give the service the option tls, or write http://';

/** Why a URL of a service cannot be asked; undefined when it can. */
export function refusalOf({ protocol, port, host }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return `${protocol}//${host}: services are asked over http or https`;
  if (port !== '') return `${protocol}//${host}: a service has no port, each of its instances has one; leave it out`;
  return undefined;
}
