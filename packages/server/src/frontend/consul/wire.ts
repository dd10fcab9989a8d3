/**
 * Answers on the wire. Headers go out as flat arrays, in the case in which Consul sends them: Go
 * canonicalises names (`X-Consul-Knownleader`), and some clients compare bytes. Every answer has a
 * Content-Length, so that HTTP/1.0 clients get no chunks.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { toRegistryError } from '@rollcall/protocol';
import { BodyTooLarge } from '../../net/body.ts';
import type { Shaped } from './call.ts';
import { statusOf } from './errors.ts';
import type { Consistency } from './params.ts';

export const trueBody = Buffer.from('true');
export const falseBody = Buffer.from('false');

const vary = ['Vary', 'Accept-Encoding', 'X-Consul-Default-Acl-Policy', 'allow'] as const;

/** Headers of an answer that comes from a view. */
export function queryHead(options: {
  /** The view's revision; Consul's index is never 0, since `?index=0` would not wait. */
  readonly revision: number;
  readonly consistency: Consistency;
  readonly bytes: number;
  readonly type: 'json' | 'raw' | 'none';
  readonly gzipped: boolean;
  /** A header instead of the index of a view. */
  readonly token?: readonly [name: string, value: string];
}): readonly string[] {
  const { revision, consistency, bytes, type, gzipped, token } = options;
  const content = [...contentHeaders[type], ...(gzipped ? ['Content-Encoding', 'gzip'] : []), ...vary];
  const length = ['Content-Length', String(bytes)];
  if (token !== undefined) return [...content, ...token, ...length];
  return [
    ...content,
    'X-Consul-Effective-Consistency',
    consistency,
    'X-Consul-Index',
    String(Math.max(revision, 1)),
    'X-Consul-Knownleader',
    'true',
    'X-Consul-Lastcontact',
    '0',
    ...length,
  ];
}

/** What somebody stored is never to be shown as a page (`agent/kvs_endpoint.go`). */
const contentHeaders = {
  json: ['Content-Type', 'application/json'],
  text: ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
  bytes: ['Content-Type', 'application/octet-stream', 'X-Content-Type-Options', 'nosniff'],
  raw: [
    ...['Content-Type', 'text/plain'],
    ...['X-Content-Type-Options', 'nosniff'],
    ...['Content-Security-Policy', 'sandbox'],
  ],
  none: [],
} as const;

const emptyHead = [...vary, 'Content-Length', '0'];

/** What agent writes answer. */
export function sendEmpty(response: ServerResponse, headers?: readonly string[]): void {
  response.writeHead(200, headers === undefined ? emptyHead : [...headers, ...emptyHead]);
  response.end();
}

export function sendJson(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, [...contentHeaders.json, ...vary, 'Content-Length', String(body.length)]);
  response.end(body);
}

/** Answers with a status and headers of its own. */
export function sendShaped(response: ServerResponse, { status, body, type, headers = [] }: Shaped): void {
  const length = ['Content-Length', String(body.length)];
  response.writeHead(status, [...contentHeaders[type], ...vary, ...headers, ...length]);
  response.end(body);
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: readonly string[] = [],
): void {
  const body = Buffer.from(text);
  response.writeHead(status, [
    ...['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
    ...vary,
    ...headers,
    ...['Content-Length', String(body.length)],
  ]);
  response.end(body);
}

/** Answers an error in Consul's manner. @returns the status */
export function sendError(response: ServerResponse, thrown: unknown): number {
  const error = toRegistryError(thrown);
  if (thrown instanceof BodyTooLarge) {
    // The rest of the body is still on its way; nothing after it could be understood.
    response.shouldKeepAlive = false;
    const { bytes, limit } = thrown;
    sendText(response, 413, `Request body(${bytes} bytes) too large, max size: ${limit} bytes.`);
    return 413;
  }
  const status = statusOf(error.code);
  sendText(response, status, error.message);
  return status;
}

/** Smaller bodies gain nothing (Consul's `gziphandler.DefaultMinSize`). */
export const gzipBytesMin = 1_400;

export function gzip(body: Buffer): Buffer {
  // The fastest level: it is done once per revision, but on the one thread that everybody shares.
  return gzipSync(body, { level: 1 });
}

export function acceptsGzip(request: IncomingMessage): boolean {
  const accepted = headerOf(request, 'accept-encoding');
  return accepted !== undefined && /(^|[\s,])(gzip|\*)(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted);
}

/**
 * A request header without building the object of all of them, which would cost more than the rest
 * of a heartbeat.
 * @param name in lower case
 */
export function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) return rawHeaders[at + 1];
  }
  return undefined;
}
