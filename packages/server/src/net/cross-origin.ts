/**
 * Answers the CORS requests of browsers (https://fetch.spec.whatwg.org/#http-cors-protocol), so that pages of the listed origins
 * may read answers and send more than a form can. This protects nothing; `own-origin.ts` keeps other pages out. Browsers
 * may not send cookies: tokens are in headers.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Origins } from './own-origin.ts';

const methods = 'GET, HEAD, PUT, POST, DELETE';
/** Seconds that a browser may keep the permission: the longest that Chromium accepts. */
const keptSeconds = '7200';

/** @returns whether the request was a preflight request of a browser, which is answered now */
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
