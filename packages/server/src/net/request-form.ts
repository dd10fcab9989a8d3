/**
 * Checks the rules of HTTP/1.1 for the head of a request that Node's parser does not check: one valid `Host`, a target of a
 * known form, and no transfer coding except `chunked` (RFC 9112 §3.2, §6.1). It knows no paths.
 */

import type { IncomingMessage } from 'node:http';

/** Why a request is refused. */
export interface BadHead {
  readonly status: 400 | 404 | 405 | 417 | 431 | 501;
  readonly reason: string;
}

/** `uri-host [":" port]` (RFC 9110 §7.2), or empty. */
const hostForm = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Checks the head. It also rewrites a target that is a whole URL into path and query: the host in the URL replaces the `Host`
 * header (RFC 9112 §3.2.2).
 */
export function badHeadOf(request: IncomingMessage): BadHead | undefined {
  const { rawHeaders, url = '' } = request;
  let hostAt = -1;
  let coding: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    // Most names already differ in length.
    if (name.length === 4) {
      if (name.toLowerCase() !== 'host') continue;
      if (hostAt >= 0) return { status: 400, reason: 'there is more than one Host header; send one' };
      hostAt = at + 1;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      coding = coding === undefined ? rawHeaders[at + 1] : `${coding}, ${rawHeaders[at + 1]}`;
    }
  }
  if (hostAt >= 0 && !hostForm.test(rawHeaders[hostAt] as string)) {
    return { status: 400, reason: `the Host header ${quoted(rawHeaders[hostAt] as string)} is no host name or address with a port` };
  }
  if (hostAt < 0 && request.httpVersion === '1.1') {
    return { status: 400, reason: 'there is no Host header, which HTTP/1.1 demands' };
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return { status: 501, reason: `transfer encoding ${quoted(coding)} is not supported; use chunked alone` };
  }
  if (coding !== undefined && request.httpVersion === '1.0') {
    return { status: 400, reason: 'HTTP/1.0 has no Transfer-Encoding; send a Content-Length' };
  }
  return url.startsWith('/') || url === '*' ? undefined : toOriginForm(request, hostAt);
}

function toOriginForm(request: IncomingMessage, hostAt: number): BadHead | undefined {
  const { url = '', rawHeaders, headers } = request;
  const [, authority = '', rest = ''] = absoluteForm.exec(url) ?? [];
  if (authority === '' || !hostForm.test(authority)) {
    return { status: 400, reason: `the request target ${quoted(url)} is neither a path nor an http URL with a host` };
  }
  request.url = rest === '' && request.method === 'OPTIONS' ? '*' : pathOf(url);
  if (hostAt >= 0) rawHeaders[hostAt] = authority;
  else rawHeaders.push('Host', authority);
  headers.host = authority;
  return undefined;
}

/** The path and query of a target in any form. */
export function pathOf(url: string): string {
  if (url.startsWith('/')) return url;
  const rest = absoluteForm.exec(url)?.[2] ?? url;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
