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
