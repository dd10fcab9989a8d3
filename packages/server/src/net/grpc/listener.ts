/**
 * A gRPC listener: TCP connections, over TLS when the address has certificates, that go to a server of `@grpc/grpc-js`. The sockets are
 * ours, so the limits of connections, new certificates and workers work as for every other listener
 * ([why](../../../../../docs/decisions/0088-sockets-of-nacos-clients-are-ours.md)). It knows no message.
 *
 * A handler gets the connection of its call as a `Link`: Nacos ties the calls of a client to its stream by it.
 */

import type { Socket } from 'node:net';
import { Server, ServerCredentials, type ConnectionInjector, type handleBidiStreamingCall, type handleServerStreamingCall, type handleUnaryCall, type Metadata } from '@grpc/grpc-js';
import { peerAddress, plainAddress } from '../agent-node.ts';
import type { Context, Listener, Opening } from '../frontend.ts';
import type { ListenAddress } from '../listen-address.ts';
import { listenTcp } from '../tcp-listener.ts';
import type { Bytes, GrpcMethod, Header, Link } from './method.ts';
import { refusal } from './status.ts';

/** When the server closes, connections that have not ended after this time are cut. */
const closeGraceMs = 1_000;

export interface ListenOptions extends Pick<Context, 'limits' | 'clock'> {
  readonly address: ListenAddress;
  readonly opening: Opening;
  /** Of all services, each path once. */
  readonly methods: readonly GrpcMethod[];
  /** For the error when another program has the address: `Nacos' gRPC`. */
  readonly what: string;
  /** Calls of one connection that may be under way: HTTP/2 makes the client wait with more. */
  readonly callsMax: number;
  /** Longest message of a client, in bytes; a call with a longer one ends with `RESOURCE_EXHAUSTED`. */
  readonly messageBytesMax: number;
  /** Silence after which a connection is asked for a sign of life, and cut without one; by default it is not asked. */
  readonly keepalive?: { readonly silenceMs: number; readonly answerMs: number };
}

/**
 * Of the listener that front ends share. A client has a call or two for each of its subscriptions, and no large messages. A client whose
 * machine has gone is found in half a minute, and what it watched is freed.
 */
export const sharedGrpc = { what: 'gRPC', callsMax: 100, messageBytesMax: 4_194_304, keepalive: { silenceMs: 20_000, answerMs: 10_000 } } as const;

/** @throws CannotListen */
export async function listenGrpc(options: ListenOptions): Promise<Listener> {
  const { address, opening, limits, clock } = options;
  const links = new Map<string, Link>();
  const grpc = grpcServer(options, links);
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
  const listener = await listenTcp({ address, opening, accept, what: options.what, handshakeMs: limits.headersMsMax, protocols: ['h2'] });
  return {
    port: listener.port,
    async close(answerWaiting) {
      const closed = listener.stop();
      await answerWaiting();
      await endAll(grpc, injector, sockets, clock);
      await closed;
    },
  };
}

function grpcServer({ methods, callsMax, messageBytesMax, keepalive }: ListenOptions, links: ReadonlyMap<string, Link>): Server {
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    // The server sends no more than it was given, and lists may be longer than requests.
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': callsMax,
    'grpc.enable_channelz': 0,
    ...(keepalive === undefined ? {} : { 'grpc.keepalive_time_ms': keepalive.silenceMs, 'grpc.keepalive_timeout_ms': keepalive.answerMs }),
  });
  for (const method of methods) {
    if (!server.register(method.path, handlerOf(method, links), same, same, kinds[method.kind])) throw new Error(`${method.path} is registered twice`);
  }
  return server;
}

/** Bytes go through as they are: a message is encoded once for all its receivers. */
const same = (bytes: Bytes) => bytes;

const kinds = { unary: 'unary', server: 'serverStream', bidi: 'bidi' } as const;

type Handler = handleUnaryCall<Bytes, Bytes> | handleServerStreamingCall<Bytes, Bytes> | handleBidiStreamingCall<Bytes, Bytes>;

/** Without a link the connection has ended meanwhile, and no client reads an answer. */
function handlerOf(method: GrpcMethod, links: ReadonlyMap<string, Link>): Handler {
  switch (method.kind) {
    case 'unary': {
      const unary: handleUnaryCall<Bytes, Bytes> = (call, done) => {
        const link = links.get(call.getPeer());
        if (link === undefined) call.emit('cancelled');
        else method.call(link, call.request, headerOf(call.metadata)).then((answer) => done(null, answer), (error: unknown) => done(refusal(error)));
      };
      return unary;
    }
    case 'server': {
      const streaming: handleServerStreamingCall<Bytes, Bytes> = (stream) => {
        const link = links.get(stream.getPeer());
        if (link === undefined) stream.end();
        else method.call(link, stream, headerOf(stream.metadata));
      };
      return streaming;
    }
    case 'bidi': {
      const bidi: handleBidiStreamingCall<Bytes, Bytes> = (stream) => {
        const link = links.get(stream.getPeer());
        if (link === undefined) stream.end();
        else method.call(link, stream, headerOf(stream.metadata));
      };
      return bidi;
    }
  }
}

function headerOf(metadata: Metadata): Header {
  return (name) => metadata.get(name)[0]?.toString();
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
