/**
 * A TCP listener of a protocol that is not HTTP, over TLS when the address has certificates. The sockets are ours, so the limits of
 * connections, new certificates and workers work as for every other listener. It reads no byte of a connection.
 */

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { cannotListen } from './cannot-listen.ts';
import type { Certificates } from './certificates.ts';
import type { Opening } from './frontend.ts';
import type { ListenAddress, TcpAddress } from './listen-address.ts';

export interface TcpListenOptions {
  readonly address: ListenAddress;
  readonly opening: Opening;
  /** Gets each connection that was admitted, after its TLS handshake. */
  readonly accept: (socket: Socket) => void;
  /** For the error when another program has the address: `Nacos' gRPC`. */
  readonly what: string;
  /** Within which a TLS handshake must end. */
  readonly handshakeMs: number;
  /** Names for the TLS handshake (ALPN); none by default. */
  readonly protocols?: readonly string[];
}

export interface TcpListener {
  readonly port: number;
  /** Accepts nothing more; resolves when all connections have ended, which is the caller's part. */
  stop(): Promise<void>;
}

/** @throws CannotListen */
export async function listenTcp(options: TcpListenOptions): Promise<TcpListener> {
  const { address, opening, what } = options;
  const server = opening.certificates === undefined ? plainServer(options) : tlsServer(opening.certificates, options);
  const stopFollowing = opening.certificates?.onChange((context) => (server as TlsServer).setSecureContext(context));
  await listenAt(server, address.at as TcpAddress, what);
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      stopFollowing?.();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function plainServer({ opening: { guard }, accept }: TcpListenOptions): Server {
  return createServer({ noDelay: true }, (socket) => {
    if (guard.admit(socket)) accept(socket);
  });
}

function tlsServer(certificates: Certificates, { opening: { guard }, accept, handshakeMs, protocols }: TcpListenOptions): Server {
  const server = createTlsServer({
    ...certificates.context,
    ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    requestCert: certificates.verifyIncoming,
    rejectUnauthorized: certificates.verifyIncoming,
    handshakeTimeout: handshakeMs,
    noDelay: true,
  });
  const inner = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (guard.admit(socket)) for (const begin of inner) begin.call(server, socket);
  });
  server.on('secureConnection', accept);
  server.on('tlsClientError', (error) => certificates.handshakeFailed(error));
  return server;
}

function listenAt(server: Server, { host, port, exclusive = false }: TcpAddress, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(`cannot serve ${what}`, { host, port }, cause)));
    server.listen({ host, port, exclusive, backlog: 4_096 }, resolve);
  });
}
