/** Reads the token in `Authorization: Bearer TOKEN` (RFC 6750 §2.1), for every protocol; without the header, that of a page of the console. */

import type { IncomingMessage } from 'node:http';
import { pageToken } from './page-token.ts';

/** @returns the secret; undefined without one, or with another scheme of authorization */
export function bearerToken(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization } = request.headers;
  return authorization === undefined ? pageToken(request) : bearerIn(authorization);
}

/**
 * @param authorization the value of the header
 * @returns all after `Bearer`, without spaces at its ends: a secret that an operator has chosen may have some inside. Undefined for another scheme
 */
export function bearerIn(authorization: string): string | undefined {
  return /^\s*bearer\s+(\S.*?)\s*$/i.exec(authorization)?.[1];
}
