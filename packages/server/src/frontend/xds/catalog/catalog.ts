/** The feeds of all streams: a service or namespace that several streams ask for is watched, read and encoded once. */

import { FanOut } from '../../../net/fan-out.ts';
import type { Context } from '../../../net/frontend.ts';
import type { Member } from './feed.ts';
import { NamespaceFeed } from './namespace-feed.ts';
import { Reads } from './reads.ts';
import { ServiceFeed } from './service-feed.ts';

export class Catalog {
  readonly #context: Pick<Context, 'registry' | 'clock' | 'wheel'>;
  readonly #reads = new Reads();
  readonly #services = new Map<string, ServiceFeed>();
  readonly #namespaces = new Map<string, NamespaceFeed>();
  /** Spreads the pushes of all streams over turns. */
  readonly fanOut = new FanOut();

  constructor(context: Pick<Context, 'registry' | 'clock' | 'wheel'>) {
    this.#context = context;
  }

  /** Services that streams ask for. */
  get services(): Iterable<ServiceFeed> {
    return this.#services.values();
  }

  /** Joins the feed of a service; the member must leave it. */
  service(namespace: string, service: string, member: Member): ServiceFeed {
    const key = `${namespace}\0${service}`;
    let feed = this.#services.get(key);
    if (feed === undefined) {
      feed = new ServiceFeed({ context: this.#context, reads: this.#reads, onIdle: () => this.#services.delete(key) }, namespace, service);
      this.#services.set(key, feed);
    }
    feed.join(member);
    return feed;
  }

  /** Joins the feed of all clusters of a namespace; the member must leave it. */
  namespace(namespace: string, member: Member): NamespaceFeed {
    let feed = this.#namespaces.get(namespace);
    if (feed === undefined) {
      feed = new NamespaceFeed({ context: this.#context, reads: this.#reads, onIdle: () => this.#namespaces.delete(namespace) }, namespace);
      this.#namespaces.set(namespace, feed);
    }
    feed.join(member);
    return feed;
  }
}
