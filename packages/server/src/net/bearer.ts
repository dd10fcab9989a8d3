/** The token of a request on Rollcall's own routes: `Authorization: Bearer TOKEN` (RFC 6750 §2.1), never part of the URL. */

import type { IncomingMessage } from 'node:http';

/** @returns the secret as it was sent; undefined when there is none, or another scheme of authorization */
export function bearerToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  return /^Bearer +(.+?) *$/i.exec(headers.authorization ?? '')?.[1];
}
