/**
 * Answers which clients subscribe to a service: those that have a subscription over gRPC, and those that ask for its list over HTTP
 * with a port for pushes, which is how clients of the first version subscribe. They are the clients of this node, and are in no log.
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../clock.ts';
import { plainAddress } from '../../../net/agent-node.ts';
import { grouped, fromNamespace, toService, type ServiceName } from '../names.ts';
import type { Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import type { Handler } from '../request/route.ts';
import { onPage, paged, readPage } from './pages.ts';

export interface Subscriber {
  readonly ip: string;
  /** For pushes over UDP; 0 of a client over gRPC. */
  readonly port: number;
  /** Name and version of the client. */
  readonly agent: string;
  readonly app: string;
  /** The clusters that it asks for, with commas; empty for all. */
  readonly clusters: string;
}

/** Name of an application that its client does not say, as in Nacos. */
export const unknownApp = 'unknown';

/** Clients poll every 10 s (`cacheMillis`). */
const pollerMs = 30_000;

/** Beyond this many the one that has not polled for longest is no longer known. */
const pollersMax = 10_000;

const textMax = 128;

/** Those over gRPC. */
type Connected = (namespace: string, service: string) => Iterable<Subscriber>;

export class Subscribers {
  readonly #clock: Clock;
  readonly #connected: Connected;
  readonly #pollers = new LRUCache<string, { readonly subscriber: Subscriber; readonly atMs: number }>({ maxSize: pollersMax, sizeCalculation: () => 1 });

  constructor(clock: Clock, connected: Connected) {
    this.#clock = clock;
    this.#connected = connected;
  }

  /** A client has asked for a list; it subscribes if it has a port for pushes. */
  polled({ params, origin: { address }, exchange: { request } }: Call, namespace: string, service: ServiceName, clusters: string): void {
    if (params.get('udpPort') === undefined) return;
    const port = params.wholeNumber('udpPort', 0, 0, 65_535);
    if (port === 0) return;
    const text = (given: string) => given.slice(0, textMax);
    const subscriber = { ip: text(params.text('clientIP') || plainAddress(address)), port, agent: text(request.headers['user-agent'] ?? ''), app: text(params.text('app')) || unknownApp, clusters: text(clusters) };
    this.#pollers.set(`${keyOf(namespace, service)}${subscriber.ip}\0${port}\0${subscriber.clusters}`, { subscriber, atMs: this.#clock.monotonic() });
  }

  of(namespace: string, service: ServiceName): Subscriber[] {
    const found = [...this.#connected(namespace, toService(service))];
    const prefix = keyOf(namespace, service);
    const since = this.#clock.monotonic() - pollerMs;
    for (const [key, { subscriber, atMs }] of this.#pollers.entries()) if (atMs >= since && key.startsWith(prefix)) found.push(subscriber);
    return found;
  }
}

function keyOf(namespace: string, service: ServiceName): string {
  return `${namespace}\0${toService(service)}\0`;
}

/** `GET service/subscribers`. @param shape `page` in the third version of the API */
export function subscribersOf(subscribers: Subscribers, shape: 'list' | 'page'): Handler {
  return (call): Returned => {
    const namespace = call.namespace();
    const service = call.service();
    call.requireService(namespace, service, 'read');
    const page = readPage(call.params, shape === 'list' ? 1_000 : 100, 1_000);
    const all = subscribers.of(namespace, service);
    const namespaceId = fromNamespace(namespace);
    if (shape === 'page') {
      const item = ({ ip, port, agent, app }: Subscriber) => ({ namespaceId, groupName: service.group, serviceName: service.name, ip, port, agent, appName: app, address: `${ip}:${port}` });
      return paged(all.length, page, onPage(all, page).map(item));
    }
    const item = ({ ip, port, agent, app, clusters }: Subscriber) => ({ addrStr: port === 0 ? ip : `${ip}:${port}`, agent, app, ip, port, namespaceId, serviceName: grouped(service), cluster: clusters });
    return { subscribers: onPage(all, page).map(item), count: all.length };
  };
}
