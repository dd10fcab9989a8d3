/**
 * Where the server is reached over HTTP, plain and over TLS: which listeners it may open, opening them, and
 * closing them together. What is served there is the front ends' business.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { assertBindAllowed, type Bind } from './net/bind-policy.ts';
import { Certificates } from './net/certificates.ts';
import { ConnectionGuard } from './net/connection-guard.ts';
import type { Frontend } from './net/frontend.ts';
import { listen, type Listener, type ListenerOptions, type TcpAddress } from './net/listener.ts';
import type { Origins } from './net/own-origin.ts';
import type { UnixSocket } from './net/unix-socket.ts';
import type { Limits } from './options.ts';
import type { HttpsOptions, ServerOptions, TcpOptions } from './server-options.ts';
import type { Metrics } from './telemetry/metrics.ts';

export interface Listeners {
  /** `http://127.0.0.1:8500`; that of TLS when there is no other, `unix:///path` when there is nothing else. */
  readonly url: string;
  /** 0 when plain HTTP is not served, or on a Unix socket. */
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
  /** @returns whether what the certificate files hold now is in use */
  reloadCertificates(): Promise<boolean>;
  close(): Promise<void>;
}

export interface ListenersOptions {
  readonly server: ServerOptions;
  readonly frontends: readonly Frontend[];
  readonly origins: Origins;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What is listened on, with the defaults filled in. */
export interface Places {
  readonly http: TcpAddress | UnixSocket | undefined;
  readonly https: (TcpAddress & HttpsOptions) | undefined;
  readonly dns: TcpAddress | undefined;
}

const tcp = ({ host = '127.0.0.1', port = 0 }: TcpOptions): TcpAddress => ({ host, port });

export function placesOf({ http = {}, https, dns }: ServerOptions): Places {
  return {
    http: http === false ? undefined : 'path' in http ? { mode: 0o600, ...http } : tcp(http),
    https: https && { ...https, ...tcp(https) },
    dns: dns && tcp(dns),
  };
}

/**
 * Pure: says whether a server with these options may listen where it is told to.
 * @throws RegistryError `failed_precondition` when an address is reached by other machines and what protects
 *   it there is missing; `invalid_argument` when HTTP is not served at all, or without what it needs
 */
export function assertListenersAllowed(options: ServerOptions): void {
  const { http, https, dns } = placesOf(options);
  if (http === undefined && https === undefined) {
    throw new RegistryError('invalid_argument', 'neither http nor https is served; a registry that nobody can reach is of no use');
  }
  if (https?.verifyIncoming === true && https.caFile === undefined) {
    throw new RegistryError('invalid_argument', 'client certificates are to be verified, but nothing says by what; caFile (--tls-ca-file) is missing');
  }
  const policy = {
    accessControl: options.acl === undefined ? 'off' : (options.acl.defaultPolicy ?? 'deny'),
    unsafeAllowUnauthenticated: options.unsafeAllowUnauthenticated === true,
    unsafeAllowPlaintext: options.unsafeAllowPlaintext === true,
  } as const;
  const check = (protocol: Bind['protocol'], at: TcpAddress | UnixSocket | undefined) => {
    // Who may open a Unix socket, its file says.
    if (at !== undefined && 'host' in at) assertBindAllowed({ protocol, host: at.host, port: at.port, ...policy });
  };
  check('http', http);
  check('https', https);
  check('dns', dns);
}

/**
 * @throws RegistryError `failed_precondition` when an address is taken, `invalid_argument` when a certificate cannot be used;
 *   nothing listens then
 */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { frontends, origins, limits, clock, log, metrics } = options;
  const { http, https } = placesOf(options.server);
  const guard = new ConnectionGuard({
    ...{ limits, clock, log },
    onRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
  });
  metrics.observe('rollcall_connections', 'Open connections to the HTTP listeners', () => guard.open);
  const certificates = https && (await openCertificates(https, options));
  const shared: Omit<ListenerOptions, 'at'> = { frontends, guard, origins, limits, clock, log };
  const open: Listener[] = [];
  const close = async () => {
    certificates?.close();
    let answered: Promise<unknown> | undefined;
    const answerWaiting = () => (answered ??= Promise.all(frontends.map((frontend) => frontend.close())));
    await Promise.all(open.map((listener) => listener.close(answerWaiting)));
  };
  try {
    if (http !== undefined) open.push(await listen({ ...shared, at: http }));
    const httpPort = open[0]?.port ?? 0;
    const secure = https && (await listen({ ...shared, at: https, certificates }));
    if (secure !== undefined) open.push(secure);
    return {
      url: urlOf(http, httpPort) ?? urlOf(https, secure?.port ?? 0, 's') ?? `unix://${http !== undefined && 'path' in http ? http.path : ''}`,
      httpPort,
      httpsPort: secure?.port,
      reloadCertificates: () => certificates?.reload() ?? Promise.resolve(true),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openCertificates(https: HttpsOptions, { clock, log, metrics }: ListenersOptions): Promise<Certificates> {
  const { certFile, keyFile, caFile, verifyIncoming = false, minVersion = 'TLSv1.2' } = https;
  return Certificates.open({
    ...{ certFile, keyFile, caFile, verifyIncoming, minVersion, clock, log },
    onHandshakeFailed: () => metrics.tlsHandshakesFailed.inc(),
  }).then((certificates) => {
    const help = 'When the certificate of the TLS listener ends, since the Unix epoch';
    metrics.observe('rollcall_tls_certificate_expiry_timestamp_seconds', help, () => certificates.notAfterMs / 1_000);
    return certificates;
  });
}

function urlOf(at: TcpAddress | UnixSocket | undefined, port: number, secure = ''): string | undefined {
  if (at === undefined || 'path' in at) return undefined;
  return `http${secure}://${at.host.includes(':') ? `[${at.host}]` : at.host}:${port}`;
}
