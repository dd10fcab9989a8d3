/**
 * Keeps web pages out. A browser on this machine will send requests for any page it shows: to
 * loopback as well, cross-origin without asking first (simple POST, WebSocket), and same-origin when
 * the page's own name is made to resolve to this address (DNS rebinding). Programs that are not
 * browsers are not touched by any of this.
 *
 * Pure; says nothing about who a client is.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopbackHost } from './bind-policy.ts';

export interface Origins {
  /** The `Host` header. */
  readonly host: string | undefined;
  /** The `Origin` header (RFC 6454 §7); `null` for a page that has none to show. */
  readonly origin: string | undefined;
  /** The `Sec-Fetch-Site` header (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). */
  readonly fetchSite: string | undefined;
  /** The address that the connection arrived at. */
  readonly localAddress: string | undefined;
}

export function originsOf(request: IncomingMessage): Origins {
  return {
    host: request.headers.host,
    origin: request.headers.origin,
    fetchSite: single(request.headers['sec-fetch-site']),
    localAddress: request.socket.localAddress,
  };
}

/** @returns why the request comes from a page of somebody else, or undefined when it does not */
export function foreignPage({ host, origin, fetchSite, localAddress }: Origins): string | undefined {
  // A rebound name reaches loopback under the name of its own page; an address cannot be rebound.
  if (host !== undefined && localAddress !== undefined && isLoopbackHost(localAddress)) {
    const name = hostName(host);
    if (isIP(name) === 0 && !isLoopbackHost(name)) {
      return `host ${JSON.stringify(host.slice(0, 80))} is not a name of this machine's loopback; use 127.0.0.1 or localhost`;
    }
  }
  if (origin !== undefined && origin.replace(/^https?:\/\//i, '').toLowerCase() !== host?.toLowerCase()) {
    return `origin ${JSON.stringify(origin.slice(0, 80))} is not this server's own; pages of other origins may not do this`;
  }
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') {
    return `a page of another origin (sec-fetch-site ${JSON.stringify(fetchSite.slice(0, 20))}) may not do this`;
  }
  return undefined;
}

/** The name or address in `name:port`, `[address]:port`. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
