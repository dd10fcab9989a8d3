/**
 * How to connect to the instances of a service: with TLS or without, with which certificates, and for how long idle
 * connections stay open. Reads the options only; it opens no connection.
 */

import { isIP } from 'node:net';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { type Instance, RegistryError } from '@rollcall/protocol';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';

/** One PEM text or several. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** TLS to the instances of a service. */
export interface TlsOptions {
  /**
   * Which instances to reach by TLS. `all` (the default when TLS options are given): every instance, whatever its
   * metadata says. `marked` (the default without them): instances whose scheme is `https`; an instance without a scheme
   * may have the metadata `scheme: https`, or `secure: true` as Spring Cloud and Steeltoe write it. `none`: no instance.
   */
  readonly instances?: 'all' | 'marked' | 'none';
  /** Certificates of the authorities that sign the instances' certificates, in place of Node's list. */
  readonly ca?: Pem;
  /** This client's certificate, followed by its chain, for instances that require one. */
  readonly cert?: Pem;
  /** The key of `cert`. */
  readonly key?: Pem;
  /** The pass phrase of `key`. */
  readonly passphrase?: string;
  /**
   * The name for which the instances' certificates must be valid; it is also sent to them (SNI). By default the address
   * of each instance: a certificate for an IP address must list it.
   */
  readonly serverName?: string;
  /** `false` accepts any certificate, so any machine on the path can read and change all data: for experiments only. */
  readonly verify?: boolean;
}

/** Connections to each instance. */
export interface ConnectionOptions {
  /**
   * Most connections that are open to one instance; 1 or more. No limit by default: `requestsMax` limits all requests.
   * With `http2`, the same number again for requests that cannot share a connection.
   */
  readonly max?: number;
  /**
   * How long an idle connection stays open, in milliseconds, more than 0. 4,000 by default, less than the 5 s
   * after which servers of Node close it; a server's own `Keep-Alive: timeout` overrides it.
   */
  readonly idleMs?: number;
  /**
   * Longest silence within the body of an answer, in milliseconds, more than 0. No limit by default, so that event
   * streams may be silent for any time.
   */
  readonly silenceMs?: number;
  /**
   * Whether to use HTTP/2 when an instance chooses it (ALPN), which requires TLS. Requests that may be sent twice and
   * have no body share a connection; every other request has a connection to itself. `false` by default.
   */
  readonly http2?: boolean;
}

const tlsOptions: OptionNames<TlsOptions> = {
  ...{ instances: true, ca: true, cert: true, key: true, passphrase: true, serverName: true, verify: true },
};
const connectionOptions: OptionNames<ConnectionOptions> = { max: true, idleMs: true, silenceMs: true, http2: true };

/** The options with their defaults. */
export interface Connecting {
  readonly connectTimeoutMs: number;
  readonly tls: TlsOptions;
  readonly connections: ConnectionOptions;
}

/**
 * @param tls the option `tls` of the service
 * @throws RegistryError `invalid_argument` when an option is out of its range
 */
export function connectingOf(connectTimeoutMs: number, tls: TlsOptions = { instances: 'marked' }, connections: ConnectionOptions = {}): Connecting {
  checkKnown(tls, tlsOptions, 'tls');
  checkKnown(connections, connectionOptions, 'connections');
  const { max, idleMs, silenceMs } = connections;
  if (max !== undefined) checkRange(Number.isInteger(max) && max >= 1, 'connections.max', max, 'a whole number, 1 or more');
  if (idleMs !== undefined) checkRange(idleMs > 0 && Number.isFinite(idleMs), 'connections.idleMs', idleMs, 'more than 0');
  if (silenceMs !== undefined) checkRange(silenceMs > 0 && Number.isFinite(silenceMs), 'connections.silenceMs', silenceMs, 'more than 0');
  const { instances = 'all', cert, key } = tls;
  if (!['all', 'marked', 'none'].includes(instances)) {
    throw new RegistryError('invalid_argument', `tls.instances is "${instances}"; it must be all, marked or none`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new RegistryError('invalid_argument', 'tls.cert and tls.key belong together; give both or neither');
  }
  return { connectTimeoutMs, tls, connections };
}

/** Whether all instances are reached by TLS. */
export function requiresTls({ instances = 'all' }: TlsOptions): boolean {
  return instances === 'all';
}

/** Whether this instance is reached by TLS. */
export function isSecure({ scheme, meta }: Instance, { instances = 'all' }: TlsOptions): boolean {
  if (instances !== 'marked') return instances === 'all';
  if (scheme !== undefined) return scheme === 'https';
  return meta['scheme'] === undefined ? meta['secure'] === 'true' : meta['scheme'] === 'https';
}

/** Options for `tls.connect`, and for functions that pass them on to it. */
export type TlsSettings = Pick<TlsConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'rejectUnauthorized'>;

export function tlsConnectionOptions({ ca, cert, key, passphrase, serverName, verify = true }: TlsOptions): TlsSettings {
  return {
    ...(ca !== undefined && { ca: ca as NonNullable<TlsConnectionOptions['ca']> }),
    ...(cert !== undefined && { cert: cert as NonNullable<TlsConnectionOptions['cert']> }),
    ...(key !== undefined && { key: key as NonNullable<TlsConnectionOptions['key']> }),
    ...(passphrase !== undefined && { passphrase }),
    ...(serverName !== undefined && { servername: serverName }),
    rejectUnauthorized: verify,
  };
}

/**
 * TLS options of a connection to one instance, as undici sets them in its pools; for connections made without
 * undici.
 * @param address of the instance: TLS does not send IP addresses as names (RFC 6066 §3)
 */
export function handshakeOf(address: string, settings: TlsSettings, http2 = false): TlsConnectionOptions {
  const ALPNProtocols = http2 ? ['http/1.1', 'h2'] : ['http/1.1'];
  return { ALPNProtocols, servername: isIP(address) === 0 ? address : '', ...settings };
}
