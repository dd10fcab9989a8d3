/**
 * Which addresses the server may listen on: loopback always, anything else only where clients must say
 * who they are and nobody on the way can read along, or when the operator says in so many words that
 * it shall be so without. DNS knows neither tokens nor TLS: with access control it answers strangers
 * only what the anonymous token may read, and that is enough.
 *
 * Pure: nothing is resolved or opened here. A name other than `localhost` could resolve to any
 * address, so it counts as public.
 */

import { BlockList, isIP } from 'node:net';
import { RegistryError } from '@rollcall/protocol';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface Bind {
  /** As configured: an address, `[address]`, a name; empty means every interface. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'http' | 'https' | 'dns';
  /** What strangers may do: all that is not forbidden to them makes access control no protection. */
  readonly accessControl: 'off' | 'allow' | 'deny';
  /** The operator's word that an open public listener is meant. */
  readonly unsafeAllowUnauthenticated: boolean;
  /** The operator's word that tokens may travel there unencrypted, behind a proxy with TLS, say. */
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

/** @throws RegistryError `failed_precondition` that names what is missing, when only this machine should reach the listener */
export function assertBindAllowed(bind: Bind): void {
  if (isLoopbackHost(bind.host) || bind.unsafeAllowUnauthenticated) return;
  const missing: string[] = [];
  if (bind.accessControl === 'off') {
    missing.push('there is no access control, so anyone there could read and change everything: switch it on with --acl (acl)');
  } else if (bind.accessControl === 'allow') {
    missing.push('access control allows what no rule forbids: set --acl-default-policy deny (aclDefaultPolicy)');
  }
  const plaintext = bind.protocol === 'http' && !bind.unsafeAllowPlaintext;
  if (plaintext) {
    missing.push('there is no TLS, so tokens could be read on their way: use --https with --tls-cert-file and --tls-key-file instead');
  }
  if (missing.length === 0) return;
  const where = bind.host === '' ? 'every interface' : bind.host;
  const unsafe =
    plaintext && missing.length === 1
      ? '--unsafe-allow-plaintext (unsafeAllowPlaintext)'
      : '--unsafe-allow-unauthenticated (unsafeAllowUnauthenticated)';
  throw new RegistryError(
    'failed_precondition',
    `refusing to listen on ${where} (${bind.protocol}, port ${bind.port}): other machines can reach it; ` +
      `${missing.join('; ')}; or listen on 127.0.0.1, or add ${unsafe} if that is what you want`,
  );
}
