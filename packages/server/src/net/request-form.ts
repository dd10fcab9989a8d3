/**
 * What HTTP/1.1 demands of a request's head beyond what Node's parser checks: one valid `Host`, a target of a known
 * form, and no transfer coding but `chunked` (RFC 9112 §3.2, §6.1). Knows no paths.
 */

import type { IncomingMessage } from 'node:http';

/** Why a request cannot be taken. */
export interface Misfit {
  readonly status: 400 | 404 | 405 | 417 | 431 | 501;
  readonly reason: string;
}

/** `uri-host [":" port]` (RFC 9110 §7.2), or nothing. */
const hostForm = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Also gives a request whose target is a whole URL the form that all others have: what stood in the URL is its `Host`,
 * whatever the header says (RFC 9112 §3.2.2).
 */
export function misfitOf(request: IncomingMessage): Misfit | undefined {
  const { rawHeaders, url = '' } = request;
  let hostAt = -1;
  let coding: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    // Most names differ in their length already.
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

function toOriginForm(request: IncomingMessage, hostAt: number): Misfit | undefined {
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
