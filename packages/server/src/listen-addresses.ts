/** Where a server with these options listens, and whether that is allowed. Pure: `listeners.ts` opens these addresses. */

import { RegistryError } from '@rollcall/protocol';
import { assertBindAllowed, type BindPolicy } from './net/bind-policy.ts';
import type { ListenAddress, TcpAddress } from './net/listen-address.ts';
import type { ServerOptions, TcpOptions } from './server-options.ts';

export function tcpAddress({ host = '127.0.0.1', port = 0 }: TcpOptions): TcpAddress {
  return { host, port };
}

/** The HTTP listeners that all front ends share, with the defaults filled in: `http` first, then `https`. */
export function httpAddresses({ http = {}, https }: ServerOptions): ListenAddress[] {
  const addresses: ListenAddress[] = [];
  if (http !== false) {
    addresses.push({ name: 'http', at: 'path' in http ? { mode: 0o600, ...http } : tcpAddress(http), tokens: true });
  }
  if (https !== undefined) addresses.push({ name: 'https', at: tcpAddress(https), tls: https, tokens: true });
  return addresses;
}

/** The gRPC listener that front ends share; undefined when there is none. */
export function grpcAddress({ grpc }: ServerOptions): ListenAddress | undefined {
  if (grpc === undefined) return undefined;
  const { tls, optional = false, ...tcp } = grpc;
  return { name: 'grpc', at: tcpAddress(tcp), tokens: true, optional, ...(tls === undefined ? {} : { tls }) };
}

/** The listener that serves only other nodes; workers do not share it. */
export function nodesAddress({ nodes }: ServerOptions): ListenAddress | undefined {
  return nodes && { name: 'nodes', at: { ...tcpAddress(nodes), exclusive: true }, tokens: true };
}

/**
 * @param asked addresses that front ends ask for: their own listeners, and further ones of HTTP
 * @throws RegistryError `failed_precondition` when other machines reach an address that lacks the protection it needs;
 *   `invalid_argument` when HTTP is not served, or TLS lacks a file
 */
export function assertAddressesAllowed(options: ServerOptions, asked: readonly ListenAddress[]): void {
  const shared = httpAddresses(options);
  const forNodes = nodesAddress(options);
  const grpc = grpcAddress(options);
  if (shared.length === 0 && forNodes === undefined) {
    throw new RegistryError('invalid_argument', 'neither http nor https is served, so no client could reach the registry; give it one of them');
  }
  const policy: BindPolicy = {
    accessControl: options.acl === undefined ? 'off' : (options.acl.defaultPolicy ?? 'deny'),
    unsafeAllowUnauthenticated: options.unsafeAllowUnauthenticated === true,
    unsafeAllowPlaintext: options.unsafeAllowPlaintext === true,
  };
  for (const address of [...shared, ...(forNodes ? [forNodes] : []), ...(grpc ? [grpc] : []), ...asked]) {
    if (address.tls?.verifyIncoming === true && address.tls.caFile === undefined) {
      throw new RegistryError(
        'invalid_argument',
        'client certificates are to be verified, but no authority is given to verify them with; caFile (--tls-ca-file) is missing',
      );
    }
    assertBindAllowed(address, policy);
  }
}

/** `http://127.0.0.1:8500`, or the URL of TLS when there is no other, or `unix:///path`. */
export function urlOf(addresses: readonly ListenAddress[], portOf: (name: string) => number): string {
  for (const { name, at } of addresses) {
    if ('host' in at) return `${name === 'https' ? name : 'http'}://${at.host.includes(':') ? `[${at.host}]` : at.host}:${portOf(name)}`;
  }
  const [path] = addresses.flatMap(({ at }) => ('path' in at ? [at.path] : []));
  return `unix://${path}`;
}

/** The address with which the server's own node is registered: where clients reach it, if that is one address. */
export function nodeAddress(addresses: readonly ListenAddress[]): string {
  const overTcp = addresses.map(({ at }) => at).find((at) => 'host' in at);
  const host = overTcp?.host ?? '127.0.0.1';
  return ['0.0.0.0', '::', '', 'localhost'].includes(host) ? '127.0.0.1' : host;
}
