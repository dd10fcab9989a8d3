/**
 * The session of a page of the console: a token, sealed in a cookie with a key that only the page has.
 *
 *   cookie, sent to every port of this host ──┐
 *                                             ├─► token
 *   key, in a header or subprotocol ──────────┘
 *   (localStorage: only pages of this scheme, host and port)
 *
 * Scripts cannot read the cookie, since it is `HttpOnly`. Browsers send cookies to all ports of a host, so another program there gets the cookie; without
 * the key it is of no use. A page of another origin has no key either, besides what `own-origin.ts` refuses. Nothing is kept on the server
 * ([why](../../../../docs/decisions/0131-a-page-has-half-of-its-session.md)).
 *
 * A browser cannot set headers on the handshake of a WebSocket, but it can name subprotocols, so no secret is ever in a URL.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pageKeyHeader, pageKeyProtocol, RegistryError } from '@rollcall/protocol';

type Headers = Pick<IncomingMessage, 'headers'>;

const name = 'rollcall-session';
/** Over TLS: browsers take such a cookie from this host only, and never replace it by one that came without TLS. */
const securedName = `__Host-${name}`;
/** The longest time between two sign-ins, in seconds. */
const ageMax = 43_200;
const ivBytes = 12;
const tagBytes = 16;

/** @returns undefined when there is no session, or its key is missing or another one's */
export function pageToken(request: Headers): string | undefined {
  const key = keyIn(request);
  if (key === undefined) return undefined;
  const sealed = cookieIn(request, securedName) ?? cookieIn(request, name);
  return sealed === undefined ? undefined : unsealed(sealed, key);
}

/** The value of a cookie; undefined without one. */
export function cookieIn({ headers: { cookie } }: Headers, wanted: string): string | undefined {
  for (const pair of cookie?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === wanted) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * The values of `Set-Cookie` that begin a session.
 * @param endsMs when the token ends, in milliseconds since the Unix epoch; Infinity for never
 * @throws RegistryError `invalid_argument` if the page has sent no key
 */
export function sessionCookie(request: Headers, token: string, { isEncrypted, endsMs, now }: { readonly isEncrypted: boolean; readonly endsMs: number; readonly now: number }): string {
  const key = keyIn(request);
  if (key === undefined) throw new RegistryError('invalid_argument', `the header ${pageKeyHeader} must have 32 random bytes in base64url, which the page keeps`);
  const age = Math.max(0, Math.min(ageMax, Math.floor((endsMs - now) / 1_000)));
  return cookie(sealed(token, key), age, isEncrypted);
}

/** The value of `Set-Cookie` that ends a session. */
export function endedCookie(isEncrypted: boolean): string {
  return cookie('', 0, isEncrypted);
}

function cookie(value: string, age: number, isEncrypted: boolean): string {
  return `${isEncrypted ? securedName : name}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${isEncrypted ? '; Secure' : ''}`;
}

function keyIn({ headers }: Headers): Buffer | undefined {
  const given = headers[pageKeyHeader] ?? headers['sec-websocket-protocol']?.split(',').map((each) => each.trim()).find((each) => each.startsWith(pageKeyProtocol))?.slice(pageKeyProtocol.length);
  if (typeof given !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(given)) return undefined;
  return Buffer.from(given, 'base64url');
}

function sealed(text: string, key: Buffer): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
}

function unsealed(text: string, key: Buffer): string | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length <= ivBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes));
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    // The key is another one's, or the cookie was changed.
    return undefined;
  }
}
