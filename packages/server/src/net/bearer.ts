/** Reads the token of a request on Rollcall's own routes: `Authorization: Bearer TOKEN` (RFC 6750 §2.1). It is never part of a URL. */

import type { IncomingMessage } from 'node:http';

/** @returns the secret; undefined without the header, or with another scheme of authorization */
export function bearerToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  return /^Bearer +(.+?) *$/i.exec(headers.authorization ?? '')?.[1];
}
