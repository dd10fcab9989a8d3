/**
 * The gRPC listener: TCP connections, over TLS when the address has certificates, that go to a server of `@grpc/grpc-js`. The sockets are
 * ours, so the limits of connections, new certificates and workers work as for every other listener. It knows no message.
 *
 * Each TCP connection is a `Link`: Nacos ties the calls of a client to its stream by the connection on which they come.
 */

import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import {
  Server,
  ServerCredentials,
  type ConnectionInjector,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { peerAddress, plainAddress } from '../../../net/agent-node.ts';
import { CannotListen } from '../../../net/cannot-listen.ts';
import type { Certificates } from '../../../net/certificates.ts';
import type { Context, Listener, Opening } from '../../../net/frontend.ts';
import type { ListenAddress, TcpAddress } from '../../../net/listen-address.ts';
import { paths } from './wire.ts';

/** Calls of one connection that may be under way: HTTP/2 makes the client wait with more. */
export const callsMax = 32;

/** Longest message of a client: the default of gRPC. A configuration of the largest size fits, each of its characters escaped. */
export const messageBytesMax = 4_194_304;

/** When the server closes, connections that have not ended after this time are cut. */
const closeGraceMs = 1_000;

/** One TCP connection of a client. */
export interface Link {
  /** As Nacos writes it: milliseconds of its begin, address and port of the client. */
  readonly id: string;
  /** Address of the client. */
  readonly address: string;
  /** Address at which the client has reached this server. */
  readonly localAddress: string;
  /** Ends the TCP connection. */
  cut(): void;
}

export type Bytes = Buffer;
export type Stream = ServerDuplexStream<Bytes, Bytes>;

/** Answers calls. */
export interface Calls {
  /** Must not reject. */
  unary(link: Link, bytes: Bytes): Promise<Bytes>;
  bidi(link: Link, stream: Stream): void;
}

export type ListenOptions = Pick<Context, 'limits' | 'clock'> & { readonly address: ListenAddress; readonly opening: Opening; readonly calls: Calls };

/** @throws CannotListen */
export async function listenGrpc({ address, opening, calls, limits, clock }: ListenOptions): Promise<Listener> {
  const links = new Map<string, Link>();
  const grpc = grpcServer(calls, links);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    sockets.add(socket);
    const remote = peerAddress(socket);
    const key = `${socket.remoteAddress}:${socket.remotePort}`;
    if (remote === undefined) {
      socket.destroy();
      return;
    }
    const [address, port] = [plainAddress(remote), socket.remotePort];
    const localAddress = plainAddress(socket.localAddress ?? '');
    links.set(key, { id: `${clock.now()}_${address}_${port}`, address, localAddress, cut: () => socket.destroy() });
    socket.on('close', () => {
      sockets.delete(socket);
      links.delete(key);
    });
    // The HTTP/2 session reports it as well; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
    injector.injectConnection(socket);
  };
  const server = socketServer(opening, accept, limits.headersMsMax);
  const stopFollowing = opening.certificates?.onChange((context) => (server as TlsServer).setSecureContext(context));
  const at = address.at as TcpAddress;
  await listenAt(server, at);
  return {
    port: (server.address() as AddressInfo).port,
    async close(answerWaiting) {
      stopFollowing?.();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await answerWaiting();
      await endAll(grpc, injector, sockets, clock);
      await closed;
    },
  };
}

function grpcServer(calls: Calls, links: ReadonlyMap<string, Link>): Server {
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    // The server sends no more than it was given, and lists may be longer than requests.
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': callsMax,
    'grpc.enable_channelz': 0,
  });
  const unary: handleUnaryCall<Bytes, Bytes> = (call: ServerUnaryCall<Bytes, Bytes>, done) => {
    const link = links.get(call.getPeer());
    // The connection has ended meanwhile: no client reads an answer.
    if (link === undefined) call.emit('cancelled');
    else void calls.unary(link, call.request).then((answer) => done(null, answer));
  };
  const bidi: handleBidiStreamingCall<Bytes, Bytes> = (stream) => {
    const link = links.get(stream.getPeer());
    if (link === undefined) stream.end();
    else calls.bidi(link, stream);
  };
  // The bytes of a Payload go through as they are: one push is encoded once for all its subscribers.
  const [serialize, deserialize] = [(bytes: Bytes) => bytes, (bytes: Bytes) => bytes];
  if (!server.register(paths.unary, unary, serialize, deserialize, 'unary') || !server.register(paths.bidi, bidi, serialize, deserialize, 'bidi')) {
    throw new Error('a method of gRPC is registered twice');
  }
  return server;
}

function socketServer({ guard, certificates }: Opening, accept: (socket: Socket) => void, handshakeMs: number): TcpServer {
  if (certificates === undefined) {
    return createServer({ noDelay: true }, (socket) => {
      if (guard.admit(socket)) accept(socket);
    });
  }
  return tlsServer(certificates, { guard, accept, handshakeMs });
}

interface TlsParts {
  readonly guard: Opening['guard'];
  readonly accept: (socket: Socket) => void;
  readonly handshakeMs: number;
}

function tlsServer(certificates: Certificates, { guard, accept, handshakeMs }: TlsParts): TcpServer {
  const server = createTlsServer({
    ...certificates.context,
    ALPNProtocols: ['h2'],
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

function listenAt(server: TcpServer, { host, port, exclusive = false }: TcpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'another program listens there; stop it or choose another port' : cause.message;
      reject(new CannotListen(`cannot serve Nacos' gRPC on ${host}:${port}: ${reason}`, { cause }));
    });
    server.listen({ host, port, exclusive, backlog: 4_096 }, resolve);
  });
}

/** Tells clients that nothing more is accepted, and cuts the connections that are open after a while. */
async function endAll(grpc: Server, injector: ConnectionInjector, sockets: ReadonlySet<Socket>, clock: Context['clock']): Promise<void> {
  const cancel = clock.timer(closeGraceMs, () => {
    for (const socket of sockets) socket.destroy();
  });
  injector.destroy();
  await Promise.all([...sockets].map((socket) => new Promise<void>((closed) => socket.once('close', () => closed()))));
  cancel();
  grpc.forceShutdown();
}
