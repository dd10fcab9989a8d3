/**
 * Lets pages of the listed origins read answers and send what is more than a form could (CORS,
 * https://fetch.spec.whatwg.org/#http-cors-protocol). Browsers ask; nothing here protects anything: what
 * keeps other pages out is `own-origin.ts`. Credentials of browsers are never allowed: tokens are headers.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Origins } from './own-origin.ts';

const methods = 'GET, HEAD, PUT, POST, DELETE';
/** How long a browser may keep the permission, in seconds: Chromium keeps none for longer. */
const keptSeconds = '7200';

/** @returns whether the request was a browser's question for permission, and is answered */
export function answerCrossOrigin(origins: Origins, request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !origins.allows(origin)) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Vary', 'Origin');
  response.setHeader('Access-Control-Expose-Headers', '*');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  const wanted = request.headers['access-control-request-headers'];
  if (wanted !== undefined) response.setHeader('Access-Control-Allow-Headers', wanted);
  response.setHeader('Access-Control-Allow-Methods', methods);
  response.setHeader('Access-Control-Max-Age', keptSeconds);
  response.writeHead(204);
  response.end();
  return true;
}
