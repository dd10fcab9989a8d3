/** Nacos' gRPC as a part of its front end: created when its listener is opened, since `@grpc/grpc-js` takes a while to load. */

import type { Context, Listener, Opening } from '../../../net/frontend.ts';
import { listenGrpc } from '../../../net/grpc/listener.ts';
import type { GrpcMethod } from '../../../net/grpc/method.ts';
import type { ListenAddress } from '../../../net/listen-address.ts';
import { assertAccessDeclared } from '../../../security/access.ts';
import type { Subscriber } from '../naming/subscribers.ts';
import { Clients } from './clients.ts';
import { messageTypes } from './messages.ts';
import { paths } from './wire.ts';

/** Calls of one connection that may be under way. */
export const callsMax = 32;

/** Longest message of a client: the default of gRPC. A configuration of the largest size fits, each of its characters escaped. */
export const messageBytesMax = 4_194_304;

export interface Grpc {
  /** @throws RegistryError `failed_precondition` when another program has the address */
  listen(address: ListenAddress, opening: Opening): Promise<Listener>;
  /** The clients that subscribe to a service. @param service its name in the registry */
  subscribers(namespace: string, service: string): Iterable<Subscriber>;
  /** Sends clients to other servers; resolves when they are gone. */
  drain(): Promise<void>;
  /** Sends clients that are still connected to other servers, or back here after a restart. */
  close(): void;
}

export function grpc(context: Context): Grpc {
  assertAccessDeclared('nacos', Object.entries(messageTypes).map(([name, { access }]) => ({ name, access })));
  const clients = new Clients(context);
  const methods: readonly GrpcMethod[] = [
    { kind: 'unary', path: paths.unary, call: (link, bytes) => clients.unary(link, bytes) },
    { kind: 'bidi', path: paths.bidi, call: (link, stream) => clients.bidi(link, stream) },
  ];
  const { limits, clock } = context;
  return {
    listen: (address, opening) => listenGrpc({ address, opening, methods, what: "Nacos' gRPC", callsMax, messageBytesMax, limits, clock }),
    subscribers: (namespace, service) => clients.subscribers(namespace, service),
    drain: () => clients.drain(),
    close: () => clients.close(),
  };
}
