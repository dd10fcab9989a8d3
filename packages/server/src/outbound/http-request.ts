/**
 * Sends an HTTP request to a URL that a client of this server has named, over a new connection to an address that the policy allows.
 * Redirects are not followed, since their targets would not pass the policy.
 *
 * Uses `node:http` rather than undici: such a request needs no pool and no interceptor, but separate control of
 * lookup, SNI and Host.
 */

import { request as requestHttp, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { RegistryError } from '@rollcall/protocol';
import { pinned, type Resolve } from './address-policy.ts';

/** User agent of these requests. */
export const userAgent = 'Rollcall-Health-Check';

export interface OutboundRequest {
  readonly url: URL;
  readonly method: string;
  /** Names in lower case. `Host` is that of the URL, unless it is given. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | undefined;
  readonly tlsSkipVerify?: boolean | undefined;
  /** The name in the URL by default; none for an address (RFC 6066, section 3). */
  readonly tlsServerName?: string | undefined;
}

/** A response whose head has arrived. The caller reads as much of the body as it needs, and then destroys the request. */
export interface OutboundResponse {
  readonly response: IncomingMessage;
  readonly request: ClientRequest;
}

/** @throws Error when there is no connection or no answer; RegistryError `permission_denied` for an address that is not allowed */
export type Send = (asked: OutboundRequest, signal: AbortSignal) => Promise<OutboundResponse>;

/** @param trust certificate authorities; the well-known ones by default */
export function httpSender(resolve: Resolve, trust?: SecureContext): Send {
  return async ({ url, method, headers, body, tlsSkipVerify, tlsServerName }, signal) => {
    const addresses = await resolve(url.hostname);
    signal.throwIfAborted();
    const options = {
      method,
      headers: { host: url.host, 'user-agent': userAgent, ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      lookup: pinned(addresses),
      // A new agent, so that the connection is not kept.
      agent: false as const,
      signal,
    };
    const tls = {
      ...(trust === undefined ? {} : { secureContext: trust }),
      rejectUnauthorized: tlsSkipVerify !== true,
      // The name in the URL, not in a Host header that was given.
      servername: tlsServerName ?? (isIP(bare(url.hostname)) === 0 ? url.hostname : ''),
    };
    return new Promise((resolved, reject) => {
      const request = url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
      // There may be more than one: the first counts.
      request.on('error', reject);
      request.once('response', (response) => resolved({ response, request }));
      request.end(body);
    });
  };
}

/** @throws Error when the body has more bytes */
export async function readAll(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`its answer has more than ${bytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}

/** @throws RegistryError `invalid_argument` for another scheme, and for a text that is no URL */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new RegistryError('invalid_argument', `${JSON.stringify(shownUrl(text))} is not an http or https URL`);
}

/** A URL without its user name and password, as it may be shown. */
export function shownUrl(text: string): string {
  if (!text.includes('@')) return text;
  if (!URL.canParse(text)) return text.replace(/[^/]*@/, '');
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}

/** IPv6 without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
