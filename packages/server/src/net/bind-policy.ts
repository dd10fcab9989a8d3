/**
 * Which addresses the server may listen on. Loopback is always allowed. Any other address is allowed only when clients
 * need a token for what they do and their tokens travel encrypted, or when the operator's options say that the address may
 * be open without that. DNS has no tokens and no TLS: with access control it tells only what the anonymous token may
 * read, and that is enough.
 *
 * Pure: nothing is resolved or opened here. A name other than `localhost` could resolve to any
 * address, so it counts as public.
 */

import { BlockList, isIP } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { ListenAddress } from './listen-address.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface BindPolicy {
  /** What callers without a token may do: `allow` gives them all that no rule forbids, and so protects nothing. */
  readonly accessControl: 'off' | 'allow' | 'deny';
  /** The operator confirms that a public listener without access control is intended. */
  readonly unsafeAllowUnauthenticated: boolean;
  /** The operator confirms that tokens may travel unencrypted, for example behind a proxy with TLS. */
  readonly unsafeAllowPlaintext: boolean;
}

/**
 * True for 127.0.0.0/8 (RFC 1122 §3.2.1.3), `::1` (RFC 4291 §2.5.3), IPv4 loopback mapped into IPv6,
 * and the name `localhost` (RFC 6761 §6.3). False for the unspecified addresses `0.0.0.0` and `::`,
 * which listen on every interface.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const family = isIP(bare);
  if (family === 0) return /^localhost\.?$/i.test(bare);
  // BlockList compares an IPv4-mapped IPv6 address with the IPv4 rules.
  return loopback.check(bare.replace(/%.*$/, ''), family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * A Unix socket is always allowed: the permissions of its file protect it.
 * @throws RegistryError `failed_precondition` that names what is missing, if other machines can reach the address
 */
export function assertBindAllowed({ name, at, tls, tokens }: ListenAddress, policy: BindPolicy): void {
  if (!('host' in at) || isLoopbackHost(at.host) || policy.unsafeAllowUnauthenticated) return;
  const missing: string[] = [];
  if (policy.accessControl === 'off') {
    missing.push('there is no access control, so every machine there could read and change everything: switch it on with --acl (acl)');
  } else if (policy.accessControl === 'allow') {
    missing.push('access control allows what no rule forbids: set --acl-default-policy deny (aclDefaultPolicy)');
  }
  const plaintext = tokens && tls === undefined && !policy.unsafeAllowPlaintext;
  if (plaintext) {
    missing.push(
      'there is no TLS, so tokens could be read on their way: serve it over TLS (for HTTP: --https with --tls-cert-file and --tls-key-file)',
    );
  }
  if (missing.length === 0) return;
  const where = at.host === '' ? 'every interface' : at.host;
  const unsafe =
    plaintext && missing.length === 1
      ? '--unsafe-allow-plaintext (unsafeAllowPlaintext)'
      : '--unsafe-allow-unauthenticated (unsafeAllowUnauthenticated)';
  throw new RegistryError(
    'failed_precondition',
    `refusing to listen on ${where} (${name}, port ${at.port}): other machines can reach it; ` +
      `${missing.join('; ')}; or listen on 127.0.0.1, or add ${unsafe} if that is intended`,
  );
}
