/**
 * Watches of the services that match a pattern. A client is told of all of them first, in batches, then of each that comes or goes.
 *
 *   watch ─► batches of those that exist ─► end of the beginning ─► ADD_SERVICE, DELETE_SERVICE …
 *
 * A service exists while it has an instance. One that comes and goes between two pushes is not mentioned.
 */

import { RegistryError } from '@rollcall/protocol';
import { inTurns } from '../../../in-turns.ts';
import type { Context } from '../../../net/frontend.ts';
import { FanOut, type Pass } from '../../../net/fan-out.ts';
import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import type { RowChange } from '../../../registry/kinds.ts';
import { fromService, toService, type ServiceName } from '../names.ts';
import type { Connection, Push } from './connection.ts';
import { Delivery } from './delivery.ts';
import { keyOf, matches, nameOf, type FuzzyPattern } from './fuzzy-pattern.ts';
import { encodePayload } from './wire.ts';

/** Patterns of one connection, as in Nacos. */
const patternsMax = 20;

/** Services that match one pattern. */
export const matchesMax = 10_000;

/** Services in one batch. */
export const batchMax = 500;

export interface FuzzyWatchRequest {
  readonly pattern: FuzzyPattern;
  /** Keys of the services that the client knows already. */
  readonly received: readonly string[];
  /** Whether the client waits for the end of the beginning. */
  readonly isInitializing: boolean;
  readonly mayRead: (service: string) => boolean;
}

export type FuzzyWatchesOptions = Pick<Context, 'registry' | 'wheel'> & { readonly nextId: () => string };

class Watch implements Pass {
  readonly pattern: FuzzyPattern;
  readonly delivery: Delivery;
  readonly #options: FuzzyWatchesOptions;
  readonly #request: FuzzyWatchRequest;
  /** Names in the registry of the services that the client knows. */
  readonly #known = new Set<string>();
  /** Services that may have come or gone. */
  readonly #pending = new Set<string>();
  /** The messages of the beginning that were not sent yet. */
  #beginning: Push[] = [];
  #unanswered: (() => void) | undefined;

  constructor(options: FuzzyWatchesOptions, connection: Connection, request: FuzzyWatchRequest) {
    this.#options = options;
    this.#request = request;
    this.pattern = request.pattern;
    this.delivery = new Delivery({ connection, wheel: options.wheel, next: () => this.#next(), onUnanswered: () => this.#unanswered?.() });
    for (const key of request.received) {
      const name = nameOf(this.pattern, key);
      if (name !== undefined) this.#known.add(toService(name));
    }
  }

  /** @throws RegistryError `resource_exhausted` when too many services match */
  async begin(): Promise<void> {
    const { registry } = this.#options;
    // Changes from now on are noted, so a name that comes or goes while the others are read is not missed.
    for (const service of this.#known) this.#pending.add(service);
    const found = await inTurns(this.#find([...servicesOf(registry.state).names(this.pattern.namespace)]));
    const added = found.filter((service) => !this.#known.has(service));
    const total = Math.ceil(added.length / batchMax);
    const kind = this.#request.isInitializing ? 'FUZZY_WATCH_INIT_NOTIFY' : 'FUZZY_WATCH_DIFF_SYNC_NOTIFY';
    for (let batch = 0; batch < total; batch++) {
      this.#beginning.push(this.#sync(kind, added.slice(batch * batchMax, (batch + 1) * batchMax), total, batch + 1));
    }
    if (this.#request.isInitializing) this.#beginning.push(this.#sync('FINISH_FUZZY_WATCH_INIT_NOTIFY', [], 1, 1));
    for (const service of added) {
      this.#known.add(service);
      // It may have gone meanwhile.
      this.#pending.add(service);
    }
  }

  /** A service may have come or gone. */
  touch(service: string): boolean {
    const name = fromService(service);
    if (name === undefined || !matches(this.pattern, name)) return false;
    this.#pending.add(service);
    return true;
  }

  /** All services may have come or gone. */
  *touchAll(): Generator<void, void, undefined> {
    for (const service of this.#known) this.#pending.add(service);
    for (const service of [...servicesOf(this.#options.registry.state).names(this.pattern.namespace)]) {
      this.touch(service);
      yield;
    }
  }

  advance(budget: number): number {
    this.delivery.serve();
    return budget - 1;
  }

  *#find(names: readonly string[]): Generator<undefined, string[], undefined> {
    const found: string[] = [];
    for (const service of names) {
      const name = fromService(service);
      if (name !== undefined && matches(this.pattern, name) && this.#request.mayRead(service)) found.push(service);
      if (found.length > matchesMax) {
        throw new RegistryError('resource_exhausted', `more than ${matchesMax} services match the pattern ${this.pattern.text}, which is the limit; watch a narrower one`);
      }
      yield;
    }
    return found;
  }

  #next(): Push | undefined {
    const first = this.#beginning[0];
    if (first !== undefined) {
      this.#beginning = this.#beginning.slice(1);
      this.#unanswered = () => this.#beginning.unshift(first);
      return first;
    }
    for (const service of this.#pending) {
      this.#pending.delete(service);
      const exists = servicesOf(this.#options.registry.state).has(this.pattern.namespace, service) && this.#request.mayRead(service);
      if (exists === this.#known.has(service) || (exists && this.#known.size >= matchesMax)) continue;
      if (exists) this.#known.add(service);
      else this.#known.delete(service);
      this.#unanswered = () => {
        if (exists) this.#known.delete(service);
        else this.#known.add(service);
        this.#pending.add(service);
      };
      return this.#change(service, exists ? 'ADD_SERVICE' : 'DELETE_SERVICE');
    }
    return undefined;
  }

  #sync(syncType: string, services: readonly string[], totalBatch: number, currentBatch: number): Push {
    const contexts = services.map((service) => ({ serviceKey: this.#key(service), changedType: 'ADD_SERVICE' }));
    return this.#push('NamingFuzzyWatchSyncRequest', { syncType, groupKeyPattern: this.pattern.text, contexts, totalBatch, currentBatch });
  }

  #change(service: string, changedType: string): Push {
    return this.#push('NamingFuzzyWatchChangeNotifyRequest', { syncType: 'FUZZY_WATCH_RESOURCE_CHANGED', serviceKey: this.#key(service), changedType });
  }

  #key(service: string): string {
    return keyOf(this.pattern, fromService(service) as ServiceName);
  }

  #push(type: string, fields: object): Push {
    const requestId = this.#options.nextId();
    return { requestId, bytes: encodePayload(type, JSON.stringify({ headers: {}, requestId, ...fields, module: 'naming' })) };
  }
}

export class FuzzyWatches {
  readonly #options: FuzzyWatchesOptions;
  readonly #fanOut = new FanOut();
  readonly #ofConnections = new Map<Connection, Map<string, Watch>>();
  readonly #inNamespaces = new Map<string, Set<Watch>>();
  #stopObserving: (() => void) | undefined;

  constructor(options: FuzzyWatchesOptions) {
    this.#options = options;
  }

  /**
   * Watches; a watch of the same pattern on the same connection is replaced.
   * @throws RegistryError `resource_exhausted` when the connection has too many patterns, or too many services match
   */
  async watch(connection: Connection, request: FuzzyWatchRequest): Promise<void> {
    const own = this.#of(connection);
    const { text } = request.pattern;
    if (!own.has(text) && own.size >= patternsMax) {
      throw new RegistryError('resource_exhausted', `the connection would watch ${own.size + 1} patterns, the limit is ${patternsMax}`);
    }
    this.#end(own, text);
    const watch = new Watch(this.#options, connection, request);
    own.set(text, watch);
    this.#follow(watch);
    try {
      await watch.begin();
    } catch (error) {
      if (own.get(text) === watch) this.#end(own, text);
      throw error;
    }
    if (own.get(text) === watch) this.#fanOut.schedule(watch);
  }

  cancel(connection: Connection, pattern: string): void {
    const own = this.#ofConnections.get(connection);
    if (own !== undefined) this.#end(own, pattern);
  }

  #of(connection: Connection): Map<string, Watch> {
    const known = this.#ofConnections.get(connection);
    if (known !== undefined) return known;
    const own = new Map<string, Watch>();
    this.#ofConnections.set(connection, own);
    connection.onDrain(() => {
      for (const { delivery } of own.values()) delivery.serve();
    });
    connection.onEnd(() => {
      this.#ofConnections.delete(connection);
      for (const pattern of [...own.keys()]) this.#end(own, pattern);
    });
    return own;
  }

  #follow(watch: Watch): void {
    const { namespace } = watch.pattern;
    const watches = this.#inNamespaces.get(namespace) ?? new Set<Watch>();
    watches.add(watch);
    this.#inNamespaces.set(namespace, watches);
    this.#stopObserving ??= this.#options.registry.observe({
      observe: (changes) => this.#observe(changes),
      replaced: () => this.#replaced(),
    });
  }

  #observe(changes: readonly RowChange[]): void {
    for (const { before, after } of changes) {
      if ((after ?? before)?.kind !== 'instance') continue;
      for (const row of [before, after]) {
        if (row?.kind !== 'instance' || (before?.kind === 'instance' && after?.kind === 'instance' && before.service === after.service)) continue;
        for (const watch of this.#inNamespaces.get(row.namespace) ?? []) if (watch.touch(row.service)) this.#fanOut.schedule(watch);
      }
    }
  }

  *#replaced(): Generator<void, void, undefined> {
    for (const watches of [...this.#inNamespaces.values()]) {
      for (const watch of [...watches]) {
        yield* watch.touchAll();
        this.#fanOut.schedule(watch);
      }
    }
  }

  #end(own: Map<string, Watch>, pattern: string): void {
    const watch = own.get(pattern);
    if (watch === undefined) return;
    own.delete(pattern);
    watch.delivery.end();
    this.#fanOut.cancel(watch);
    const { namespace } = watch.pattern;
    const watches = this.#inNamespaces.get(namespace);
    watches?.delete(watch);
    if (watches?.size === 0) this.#inNamespaces.delete(namespace);
    if (this.#inNamespaces.size > 0) return;
    this.#stopObserving?.();
    this.#stopObserving = undefined;
  }
}
