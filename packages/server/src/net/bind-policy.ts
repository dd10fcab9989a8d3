/**
 * Which addresses the server may listen on: loopback always, anything else only with authentication
 * or when the operator says in so many words that it shall be open to everyone.
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
  /** Whether clients must prove who they are on this listener. */
  readonly authenticated: boolean;
  /** The operator's word that an open public listener is meant. */
  readonly unsafeAllowUnauthenticated: boolean;
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

/** @throws RegistryError `failed_precondition` when nobody but this machine should reach the listener */
export function assertBindAllowed(bind: Bind): void {
  if (isLoopbackHost(bind.host) || bind.authenticated || bind.unsafeAllowUnauthenticated) return;
  const where = bind.host === '' ? 'every interface' : bind.host;
  throw new RegistryError(
    'failed_precondition',
    `refusing to listen on ${where} (port ${bind.port}): it is not a loopback address and clients would need no ` +
      'authentication, so anyone who can reach it could read and change everything; listen on 127.0.0.1, or add ' +
      '--unsafe-allow-unauthenticated (unsafeAllowUnauthenticated) if that is what you want',
  );
}
