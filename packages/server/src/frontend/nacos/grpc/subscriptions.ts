/** The lists of instances to which clients subscribe, one feed for each list that its readers see alike. Rights are checked before every push. */

import { type ClientWatch, RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import { FanOut } from '../../../net/fan-out.ts';
import type { Caller } from '../../../security/acl.ts';
import { unrestricted, type Authorizer } from '../../../security/authorizer.ts';
import { toService } from '../names.ts';
import type { Selection } from '../service-info.ts';
import type { Connection } from './connection.ts';
import { ServiceFeed, type Subscription } from './service-feed.ts';

/** The rights of those who see the same; undefined for a caller who may not read the service. */
export function audienceOf({ authorizer }: Pick<Caller, 'authorizer'>, { namespace, service }: Selection): Authorizer | undefined {
  if (authorizer === unrestricted) return unrestricted;
  if (!authorizer.allows(namespace, 'service', 'read', toService(service))) return undefined;
  return authorizer.allowsAll(namespace, 'node', 'read') ? unrestricted : authorizer;
}

export type SubscriptionsOptions = Pick<Context, 'registry' | 'clock' | 'wheel' | 'log' | 'security' | 'limits'> & { readonly nextId: () => string };

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #fanOut = new FanOut();
  readonly #feeds = new Map<Authorizer, Map<string, ServiceFeed>>();
  readonly #ofConnections = new Map<Connection, Map<string, Subscription>>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Lists to which at least one client subscribes. */
  get size(): number {
    let size = 0;
    for (const feeds of this.#feeds.values()) size += feeds.size;
    return size;
  }

  /**
   * Subscribes, from the list on that is returned.
   * @param caller who may read the service
   * @returns the JSON of the `ServiceInfo`
   * @throws RegistryError `resource_exhausted` over the limit, or for a list that is too large
   */
  subscribe(connection: Connection, caller: Caller, selection: Selection): Promise<string> {
    return this.#subscribe(connection, caller, selection, true);
  }

  /** @param knows whether the client gets the list that is returned; otherwise it is pushed */
  async #subscribe(connection: Connection, caller: Caller, selection: Selection, knows: boolean): Promise<string> {
    const audience = audienceOf(caller, selection) ?? caller.authorizer;
    const own = this.#of(connection);
    const key = keyOf(selection);
    const limit = this.#options.limits.watchesPerStreamMax;
    if (!own.has(key) && own.size >= limit) {
      throw new RegistryError('resource_exhausted', `the connection would subscribe to ${own.size + 1} services, the limit is ${limit}`);
    }
    const mayRead = () => this.#mayRead(connection, caller, selection, audience);
    const { subscription, info } = await this.#feed(selection, audience).add({ connection, mayRead, knows });
    own.get(key)?.cancel();
    // It has ended while a large list was read.
    if (!connection.isOpen) subscription.cancel();
    else own.set(key, subscription);
    return info;
  }

  /** The clients that subscribe to any part of a service. @param service its name in the registry */
  *of(namespace: string, service: string): Generator<{ readonly connection: Connection; readonly clusters: string }, void, undefined> {
    const prefix = `${namespace}\0${service}\0`;
    for (const feeds of this.#feeds.values()) {
      for (const [key, feed] of feeds) {
        if (!key.startsWith(prefix)) continue;
        for (const connection of feed.connections()) yield { connection, clusters: key.slice(prefix.length) };
      }
    }
  }

  /** The services to which a client subscribes. */
  *watches(connection: Connection): Generator<ClientWatch, void, undefined> {
    for (const key of this.#ofConnections.get(connection)?.keys() ?? []) {
      const [namespace = '', name = ''] = key.split('\0');
      yield { kind: 'service', namespace, name };
    }
  }

  unsubscribe(connection: Connection, selection: Selection): void {
    const own = this.#ofConnections.get(connection);
    const key = keyOf(selection);
    own?.get(key)?.cancel();
    own?.delete(key);
  }

  #of(connection: Connection): Map<string, Subscription> {
    const known = this.#ofConnections.get(connection);
    if (known !== undefined) return known;
    const own = new Map<string, Subscription>();
    this.#ofConnections.set(connection, own);
    connection.onDrain(() => {
      for (const subscription of own.values()) subscription.catchUp();
    });
    connection.onEnd(() => {
      this.#ofConnections.delete(connection);
      for (const subscription of own.values()) subscription.cancel();
      own.clear();
    });
    return own;
  }

  #feed(selection: Selection, authorizer: Authorizer): ServiceFeed {
    const feeds = this.#feeds.get(authorizer) ?? new Map<string, ServiceFeed>();
    const key = keyOf(selection);
    const known = feeds.get(key);
    if (known !== undefined) return known;
    const { nextId, ...context } = this.#options;
    const onIdle = () => {
      if (feeds.get(key) === feed) feeds.delete(key);
      if (feeds.size === 0 && this.#feeds.get(authorizer) === feeds) this.#feeds.delete(authorizer);
    };
    const feed: ServiceFeed = new ServiceFeed({ context, fanOut: this.#fanOut, selection, authorizer, nextId, onIdle });
    this.#feeds.set(authorizer, feeds);
    feeds.set(key, feed);
    return feed;
  }

  /** A client that sees another part from now on gets that one. */
  #mayRead(connection: Connection, caller: Caller, selection: Selection, audience: Authorizer): boolean {
    const now = this.#refreshed(caller);
    const seen = now === undefined ? undefined : audienceOf(now, selection);
    if (seen === audience) return true;
    this.unsubscribe(connection, selection);
    if (now !== undefined && seen !== undefined) {
      this.#subscribe(connection, now, selection, false).catch((err: unknown) => {
        this.#options.log.warn({ err, connection: connection.link.id }, 'a subscription ended, since its list could not be read with the new rights');
      });
    }
    return false;
  }

  #refreshed(caller: Caller): Caller | undefined {
    try {
      return this.#options.security.acl.refresh(caller);
    } catch {
      // The token is gone; the connection's end follows.
      return undefined;
    }
  }
}

function keyOf({ namespace, service, clusters }: Selection): string {
  return `${namespace}\0${toService(service)}\0${clusters}`;
}
