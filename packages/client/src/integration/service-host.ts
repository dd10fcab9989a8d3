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

/** Why a URL of a service cannot be asked; undefined when it can. */
export function refusalOf({ protocol, port, host }: URL): string | undefined {
  if (protocol !== 'http:') return `${protocol}//${host}: services are asked over http; their instances have no certificate for this name`;
  if (port !== '') return `http://${host}: a service has no port, each of its instances has one; leave it out`;
  return undefined;
}
