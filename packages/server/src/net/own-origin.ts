/**
 * Keeps web pages out. A browser on this machine sends requests for any page that it shows, to loopback as well: cross-origin
 * without a preflight (simple POST, WebSocket), and same-origin when the name of the page resolves to this
 * address (DNS rebinding). Other programs are not affected, unless they call the server by a name that is not in the
 * operator's list.
 *
 * Pure, apart from a cache. It does not authenticate clients.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { isLoopbackHost } from './bind-policy.ts';

/** Front ends ask this about every request that reads or changes the registry. */
export interface Origins {
  /**
   * @param isPage whether the answer is a page without data of the registry, to which links of other sites may lead
   * @returns why the request is refused as one of another page; undefined when it is not refused
   */
  refusal(request: IncomingMessage, isPage?: boolean): string | undefined;
  /** Whether the operator has listed an origin. If not, CORS headers are ignored. */
  readonly allowsOthers: boolean;
  /** Whether the operator's list has the origin. */
  allows(origin: string): boolean;
}

export interface OriginLists {
  /**
   * Names, without ports, by which clients may call the server, besides addresses and the names of loopback. If empty, a
   * listener beyond loopback accepts every name.
   */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may send requests: `https://console.example`. */
  readonly allowedOrigins?: readonly string[];
}

export interface OriginHeaders {
  /** The `Host` header. */
  readonly host: string | undefined;
  /** The `Origin` header (RFC 6454 §7); `null` for a page without one. */
  readonly origin: string | undefined;
  /** The `Sec-Fetch-Site` header (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). */
  readonly fetchSite: string | undefined;
  /** The local address of the connection; undefined on a Unix socket, which no browser reaches. */
  readonly localAddress: () => string | undefined;
}

/** Cached `Host` headers: most clients send one of a few. */
const rememberedMax = 1_000;

export class OriginPolicy implements Origins {
  readonly allowsOthers: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  /** For each `Host` header: whether it is an address, a name of loopback or a listed name. */
  readonly #known = new LRUCache<string, boolean>({ max: rememberedMax });

  constructor({ allowedHosts = [], allowedOrigins = [] }: OriginLists = {}) {
    this.#hosts = new Set(allowedHosts.map((name) => name.toLowerCase()));
    this.#origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
    this.allowsOthers = this.#origins.size > 0;
  }

  refusal({ headers, socket }: IncomingMessage, isPage = false): string | undefined {
    const { host, origin } = headers;
    // The browser opens it as a document of its own, which the other site cannot read.
    const isOpened = isPage && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    const fetchSite = isOpened ? undefined : single(headers['sec-fetch-site']);
    return this.judge({ host, origin, fetchSite, localAddress: () => socket.localAddress });
  }

  allows(origin: string): boolean {
    return this.#origins.has(origin.toLowerCase());
  }

  judge({ host, origin, fetchSite, localAddress }: OriginHeaders): string | undefined {
    if (host !== undefined) {
      const refused = this.#refuseHost(host, localAddress);
      if (refused !== undefined) return refused;
    }
    if (origin !== undefined) {
      if (this.allows(origin)) return undefined;
      if (origin.replace(/^https?:\/\//i, '').toLowerCase() !== host?.toLowerCase()) {
        return `origin ${quoted(origin)} is not this server's own; pages of other origins may not do this, unless allowedOrigins lists them`;
      }
    }
    if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') {
      return `a page of another origin (sec-fetch-site ${quoted(fetchSite.slice(0, 20))}) may not do this`;
    }
    return undefined;
  }

  /** With DNS rebinding, `Host` is the name of the page. An address cannot be rebound. */
  #refuseHost(host: string, localAddress: () => string | undefined): string | undefined {
    if (this.#isKnown(host)) return undefined;
    const local = localAddress();
    if (local === undefined) return undefined;
    if (isLoopbackHost(local)) {
      return `host ${quoted(host)} is not a name of this machine's loopback; use 127.0.0.1 or localhost, or list it in allowedHosts`;
    }
    if (this.#hosts.size === 0) return undefined;
    return `host ${quoted(host)} is not in allowedHosts; use one of its names, or an address`;
  }

  #isKnown(host: string): boolean {
    const before = this.#known.get(host);
    if (before !== undefined) return before;
    const name = hostName(host).toLowerCase();
    const known = isIP(name) !== 0 || isLoopbackHost(name) || this.#hosts.has(name);
    this.#known.set(host, known);
    return known;
  }
}

/** The name or address in `name:port`, `[address]:port`. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
