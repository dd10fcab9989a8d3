/**
 * The configurations to which clients listen. A client says which content it has, by its md5; when it would get another one, it is told
 * that the configuration has changed, and asks for it.
 */

import { type ClientWatch, RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import { FanOut, type Pass } from '../../../net/fan-out.ts';
import type { ConfigReader } from '../../../registry/kind/config/given.ts';
import { configView } from '../../../registry/kind/config/views.ts';
import { md5For, refOf, type ConfigName } from '../config/translate.ts';
import type { Connection, Push } from './connection.ts';
import { Delivery } from './delivery.ts';
import { encodePayload } from './wire.ts';

/** A configuration as a client names it. */
export interface WrittenName extends ConfigName {
  /** The namespace id as the client has written it, which it gets back. */
  readonly tenant: string;
}

export interface ConfigListen {
  readonly name: WrittenName;
  /** Of the content that the client has; empty for none. */
  readonly md5: string;
  /** What is known of the client, which may get the release of a rollout. */
  readonly client: ConfigReader;
  /** Whether the client may still read it. */
  readonly mayRead: () => boolean;
}

interface Listener {
  readonly connection: Connection;
  readonly listen: ConfigListen;
  readonly delivery: Delivery;
  /** Of the content that the client has, or was told of. */
  known: string;
}

/** One configuration and all clients that listen to it. */
class Watched implements Pass {
  readonly listeners = new Set<Listener>();
  readonly stop: () => void;
  #turn: Iterator<Listener> | undefined;
  #push: { readonly tenant: string; readonly push: Push } | undefined;

  constructor(watch: (changed: () => void) => () => void, onChange: (pass: Pass) => void) {
    this.stop = watch(() => {
      this.#push = undefined;
      this.#turn = this.listeners.values();
      onChange(this);
    });
  }

  advance(budget: number): number {
    for (let left = budget; left > 0; left--) {
      const next = this.#turn?.next();
      if (next?.done !== false) return left;
      next.value.delivery.serve();
    }
    return 0;
  }

  /** The same bytes for all clients that write the namespace alike. */
  push({ tenant, group, id }: WrittenName, nextId: () => string): Push {
    if (this.#push?.tenant === tenant) return this.#push.push;
    const requestId = nextId();
    const body = JSON.stringify({ headers: {}, requestId, dataId: id, group, tenant, module: 'config' });
    this.#push = { tenant, push: { requestId, bytes: encodePayload('ConfigChangeNotifyRequest', body) } };
    return this.#push.push;
  }
}

export type ConfigListensOptions = Pick<Context, 'registry' | 'wheel' | 'limits'> & { readonly nextId: () => string };

export class ConfigListens {
  readonly #options: ConfigListensOptions;
  readonly #fanOut = new FanOut();
  readonly #watched = new Map<string, Watched>();
  readonly #ofConnections = new Map<Connection, Map<string, Listener>>();

  constructor(options: ConfigListensOptions) {
    this.#options = options;
  }

  /** Configurations to which at least one client listens. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Listens, or says what the client has now.
   * @returns whether the client would get another content
   * @throws RegistryError `resource_exhausted` over the limit
   */
  listen(connection: Connection, listen: ConfigListen): boolean {
    const own = this.#of(connection);
    const key = keyOf(listen.name);
    const limit = this.#options.limits.watchesPerStreamMax;
    if (!own.has(key) && own.size >= limit) {
      throw new RegistryError('resource_exhausted', `the connection would listen to ${own.size + 1} configurations, the limit is ${limit}`);
    }
    this.#end(own, key);
    const delivery: Delivery = new Delivery({
      ...{ connection, wheel: this.#options.wheel },
      next: () => this.#newsFor(listener),
      onUnanswered: () => (listener.known = listen.md5),
    });
    const listener: Listener = { connection, listen, delivery, known: listen.md5 };
    own.set(key, listener);
    this.#watch(key, listen.name).listeners.add(listener);
    const now = this.#md5For(listen);
    // The client asks for what it was told of with this answer.
    listener.known = now;
    return now !== listen.md5;
  }

  /** The configurations to which a client listens. */
  *watches(connection: Connection): Generator<ClientWatch, void, undefined> {
    for (const { listen } of this.#ofConnections.get(connection)?.values() ?? []) {
      const { namespace, app, name } = refOf(listen.name);
      yield { kind: 'config', namespace, name: `${app}/${name}` };
    }
  }

  ignore(connection: Connection, name: ConfigName): void {
    const own = this.#ofConnections.get(connection);
    if (own !== undefined) this.#end(own, keyOf(name));
  }

  #md5For({ name, client }: ConfigListen): string {
    return md5For(this.#options.registry.state, name, client);
  }

  #newsFor(listener: Listener): Push | undefined {
    const { connection, listen } = listener;
    const now = this.#md5For(listen);
    if (now === listener.known) return undefined;
    if (!listen.mayRead()) {
      this.ignore(connection, listen.name);
      return undefined;
    }
    listener.known = now;
    return this.#watched.get(keyOf(listen.name))?.push(listen.name, this.#options.nextId);
  }

  #of(connection: Connection): Map<string, Listener> {
    const known = this.#ofConnections.get(connection);
    if (known !== undefined) return known;
    const own = new Map<string, Listener>();
    this.#ofConnections.set(connection, own);
    connection.onDrain(() => {
      for (const { delivery } of own.values()) delivery.serve();
    });
    connection.onEnd(() => {
      this.#ofConnections.delete(connection);
      for (const key of [...own.keys()]) this.#end(own, key);
    });
    return own;
  }

  #watch(key: string, name: ConfigName): Watched {
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const { views } = this.#options.registry;
    const watched = new Watched((changed) => views.watch(configView(refOf(name)), changed), (pass) => this.#fanOut.schedule(pass));
    this.#watched.set(key, watched);
    return watched;
  }

  #end(own: Map<string, Listener>, key: string): void {
    const listener = own.get(key);
    if (listener === undefined) return;
    own.delete(key);
    listener.delivery.end();
    const watched = this.#watched.get(key);
    watched?.listeners.delete(listener);
    if (watched === undefined || watched.listeners.size > 0) return;
    watched.stop();
    this.#fanOut.cancel(watched);
    this.#watched.delete(key);
  }
}

function keyOf({ namespace, group, id }: ConfigName): string {
  return `${namespace}\0${group}\0${id}`;
}
