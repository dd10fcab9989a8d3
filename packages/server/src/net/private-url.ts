/** Whether this node may send a key or token to another node: not where other machines could read it. Pure; it resolves no names. */

import { RegistryError } from '@rollcall/protocol';
import { isLoopbackHost } from './bind-policy.ts';

/**
 * Unix sockets, TLS and loopback are private.
 * @param unsafeAllowPlaintext the operator allows plain HTTP to other machines
 * @throws RegistryError `invalid_argument` when this is no URL of a node; `failed_precondition` when it is not private
 */
export function assertPrivate(url: string, unsafeAllowPlaintext: boolean): void {
  if (url.startsWith('unix:///')) return;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new RegistryError('invalid_argument', `${JSON.stringify(url)} is not the URL of a node; write https://HOST:8501, http:// or unix:///PATH`);
  }
  if (parsed.protocol === 'https:' || isLoopbackHost(parsed.hostname) || unsafeAllowPlaintext) return;
  const what = 'the key or token for it, and all that is sent, could be read on the way';
  const message = `refusing to connect to ${url}: ${what}; use https://, or add --unsafe-allow-plaintext (unsafeAllowPlaintext)`;
  throw new RegistryError('failed_precondition', message);
}
