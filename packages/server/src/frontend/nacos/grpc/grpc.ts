/** Nacos' gRPC as a part of its front end: created when its listener is opened, since `@grpc/grpc-js` takes a while to load. */

import type { Context, Listener, Opening } from '../../../net/frontend.ts';
import type { ListenAddress } from '../../../net/listen-address.ts';
import { assertAccessDeclared } from '../../../security/access.ts';
import type { Subscriber } from '../naming/subscribers.ts';
import { Clients } from './clients.ts';
import { listenGrpc } from './listener.ts';
import { messageTypes } from './messages.ts';

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
  return {
    listen: (address, opening) => listenGrpc({ address, opening, calls: clients, limits: context.limits, clock: context.clock }),
    subscribers: (namespace, service) => clients.subscribers(namespace, service),
    drain: () => clients.drain(),
    close: () => clients.close(),
  };
}
