/**
 * Finds the token in an HTTP request, for every front end but that of Consul, which has an order of its own (`consul/wire/request-head.ts`). A protocol
 * with a further place for it asks here as well. Some clients send HTTP Basic, when their URL has a user and a password:
 * `http://any-name:TOKEN@host:8500/eureka/`. The name means nothing; the password is the token.
 */

import type { IncomingMessage } from 'node:http';
import { bearerIn } from './bearer.ts';
import { pageToken } from './page-token.ts';

/**
 * @returns the secret from `X-Consul-Token`, `Authorization: Bearer` (RFC 6750) or `Authorization: Basic` (RFC 7617), the first that
 *   is there; without a header that of a page of the console; undefined without one
 */
export function requestToken(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization, 'x-consul-token': header } = request.headers;
  if (header !== undefined && header !== '') return typeof header === 'string' ? header : header[0];
  return authorization === undefined ? pageToken(request) : (bearerIn(authorization) ?? basicPassword(authorization));
}

/** @returns the password; undefined for another scheme, or what is not name and password */
function basicPassword(authorization: string): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
