/**
 * One stream of a client: requests to subscriptions, changed feeds to subscriptions, news to the client.
 *
 *   request, changed feed, answered response, socket that drains ─► pump: clusters ─► endpoints ─► listeners ─► routes ─► clusters that are gone
 *
 * One response of each type is on its way at a time. What changes meanwhile is sent with the next one, once, so a slow client costs no memory.
 */

import { type ClientPicks, RegistryError } from '@rollcall/protocol';
import type { ConnectedClient } from '../../../clients/client.ts';
import type { Pass } from '../../../net/fan-out.ts';
import type { Context } from '../../../net/frontend.ts';
import type { BidiStream, Link } from '../../../net/grpc/method.ts';
import type { Movable } from '../../../net/moving.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Feed, Member } from '../catalog/feed.ts';
import type { NamespaceFeed } from '../catalog/namespace-feed.ts';
import { nothing, resourceFor } from '../resources/for-service.ts';
import type { Target } from '../resources/names.ts';
import { readerOf, type Reader } from '../resources/reader.ts';
import { resourceTypes, typeOf, type ResourceType } from '../wire/any.ts';
import type { NodeInfo } from '../wire/messages.ts';
import { adsClient } from './ads-client.ts';
import type { Entrance } from './entrance.ts';
import { Interests } from './interests.ts';
import type { Found, Shelf } from './shelf.ts';
import type { Subscription } from './subscription.ts';
import type { Asked, Variant } from './variant.ts';
import { storeOf, Vouching } from './vouching.ts';
import { Warming } from './warming.ts';

/** Longest name of a resource, in characters: that of a service and of its namespace. */
const nameMax = 1_024;

/** Budget of a turn (`net/fan-out.ts`) that one response takes, and its bytes, which are joined and copied: turns of some 10 ms. */
const costPerResponse = 40;
const bytesPerCost = 2_500;
/** Names whose feeds a stream joins in one turn: some 7 ms. */
const joinsPerTurn = 1_000;
/** Endpoints that are put in order in the time of one part of the budget, some 12 µs. */
const comparedPerCost = 40;

export interface StreamParts {
  readonly context: Context;
  readonly catalog: Catalog;
  readonly variant: Variant;
  readonly link: Link;
  readonly stream: BidiStream;
  /** Finds the caller when the first request has come, since clients of gRPC can only write their token there. */
  readonly entrance: Entrance;
  /** What the client has reported on its load. */
  readonly picks: () => Iterable<ClientPicks>;
  readonly onEnd: (stream: AdsStream) => void;
}

/** What the client is, from its first request. */
interface Client {
  readonly node: NodeInfo;
  /** The namespace of names without one. */
  readonly home: string;
  readonly reader: Reader;
  readonly sinceMs: number;
  caller: Caller;
  /** Stops following the rights of the caller. */
  readonly stop: () => void;
}

export class AdsStream implements Member, Movable, Pass {
  /** No instance lives as long as the stream. */
  readonly vouches = false;
  readonly #parts: StreamParts;
  readonly #subscriptions = new Map<ResourceType, Subscription>();
  readonly #interests: Interests;
  #all: NamespaceFeed | undefined;
  #client: Client | undefined;
  #vouching: Vouching | undefined;
  readonly #warming: Warming;
  #ended = false;
  /** Endpoints that were put in order for its subsets, and have not been charged to a turn. */
  #compared = 0;

  constructor(parts: StreamParts) {
    const { stream } = parts;
    this.#parts = parts;
    this.#interests = new Interests(parts.catalog, this);
    this.#warming = new Warming(parts.context.wheel, () => this.#schedule());
    stream.on('data', (bytes: Buffer) => this.#guarded(() => this.#hear(bytes)));
    stream.on('drain', () => this.#schedule());
    stream.on('end', () => this.dismiss());
    for (const event of ['cancelled', 'error', 'close'] as const) stream.on(event, () => this.#over());
  }

  /** For lists of clients; undefined before the first request. */
  get connected(): ConnectedClient | undefined {
    const { link: { address }, picks } = this.#parts;
    const targets = (): Iterable<Target> => this.#interests.targets;
    return this.#client && adsClient({ key: this, ...this.#client, address, targets, wantsAll: this.#all !== undefined, picks });
  }

  changed(feed: Feed): void {
    if (feed === this.#all) this.#subscriptions.get('cluster')?.touch('*');
    for (const name of this.#interests.namesOf(feed)) this.#touch(name);
    this.#schedule();
  }

  advance(budget: number): number {
    if (this.#ended || this.#client === undefined) return budget;
    // Nothing is told before all names are known: a proxy must get what belongs together in order. The rest of them waits for the next turn.
    if (!this.#interests.join(this.#client.home, joinsPerTurn)) return -1;
    return budget - this.#pump();
  }

  /** Ends it without an error: the client connects again, here or elsewhere. */
  dismiss(): void {
    if (this.#ended) return;
    this.#over();
    this.#parts.stream.end();
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#over();
    this.#parts.entrance.refuse(this.#parts.stream, error);
  }

  #guarded(work: () => void): void {
    if (this.#ended) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @throws RegistryError `invalid_argument`, `resource_exhausted`, `unauthenticated` */
  #hear(bytes: Buffer): void {
    const { variant, context } = this.#parts;
    const asked = read(variant, bytes);
    const client = (this.#client ??= this.#enter(asked));
    this.#vouching ??= new Vouching(context, () => this.#touchAll());
    const type = typeOf(asked.typeUrl);
    // A client may ask for types that another server has; it gets none of them here.
    if (type === undefined) return;
    if (asked.longest > nameMax) throw new RegistryError('invalid_argument', `a name of a resource has ${asked.longest} characters, the limit is ${nameMax}`);
    let subscription = this.#subscriptions.get(type);
    if (subscription === undefined) {
      if (asked.hasHistory) this.#vouching.heardOf(asked.before);
      this.#subscriptions.set(type, (subscription = variant.subscribe(type)));
    }
    const verdict = asked.apply(subscription);
    if (type === 'endpoints' && (verdict === 'ack' || verdict === 'nack')) this.#warming.answered();
    if (verdict === 'nack') this.#refused(type, asked.error ?? '', client);
    this.#follow(type, subscription, client);
    this.#schedule();
  }

  /** @throws RegistryError `invalid_argument`, `unauthenticated` */
  #enter({ node }: Asked): Client {
    if (node === undefined) throw new RegistryError('invalid_argument', 'the first request of the stream has no node');
    const { context, entrance } = this.#parts;
    const reader = readerOf(node);
    const caller = entrance.enter(node);
    const stop = entrance.follow(caller, (refreshed) => this.#rightsChanged(refreshed), (error) => this.fail(error));
    return { node, home: entrance.homeOf(caller, node), reader, sinceMs: context.clock.now(), caller, stop };
  }

  #rightsChanged(caller: Caller): void {
    if (this.#client === undefined) return;
    this.#client.caller = caller;
    this.#touchAll();
  }

  /** The client may see another part of everything. */
  #touchAll(): void {
    for (const name of this.#interests.names) this.#touch(name);
    this.#subscriptions.get('cluster')?.touch('*');
    this.#schedule();
  }

  #refused(type: ResourceType, error: string, { node }: Client): void {
    const { metrics, log } = this.#parts.context;
    metrics.xdsRefused.inc({ type });
    log.warn({ client: node.id, agent: node.agent, type, error: error.slice(0, 2_000) }, 'a client of xDS refused resources');
  }

  /** Takes note of the names that are asked for. @throws RegistryError `resource_exhausted` */
  #follow(type: ResourceType, subscription: Subscription, { home }: Client): void {
    const { context, catalog } = this.#parts;
    const max = context.limits.watchesPerStreamMax;
    if (subscription.names.size > max) {
      throw new RegistryError('resource_exhausted', `the stream asks for ${subscription.names.size} names of one type, the limit is ${max} (watchesPerStreamMax)`);
    }
    this.#interests.follow(type, subscription.names);
    if (type !== 'cluster') return;
    if (subscription.wildcard) this.#all ??= catalog.namespace(home, this);
    else if (this.#all !== undefined) {
      this.#all.leave(this);
      this.#all = undefined;
    }
  }

  #touch(name: string): void {
    for (const type of this.#interests.get(name)?.types ?? []) this.#subscriptions.get(type)?.touch(name);
  }

  #schedule(): void {
    if (!this.#ended) this.#parts.catalog.fanOut.schedule(this);
  }

  /** @returns how much of the budget of a turn it has used */
  #pump(): number {
    let cost = 0;
    for (const type of resourceTypes) if (type !== 'route' || this.#mayRoute()) cost += this.#tell(type, type !== 'cluster');
    if (this.#mayRemoveClusters()) cost += this.#tell('cluster', true);
    cost += Math.ceil(this.#compared / comparedPerCost);
    this.#compared = 0;
    return cost;
  }

  /** A proxy must have the clusters that a route names, and their endpoints, before the route. */
  #mayRoute(): boolean {
    const routes = this.#subscriptions.get('route');
    if (routes === undefined || this.#all === undefined) return true;
    if (this.#all.awaitsReading() || this.#isWaiting('cluster')) return false;
    for (const name of routes.names) if (this.#warming.has(this.#interests.get(name)?.target.base ?? name)) return false;
    return true;
  }

  /** A route must not name a cluster that is gone: first the routes, and the client has taken them over. */
  #mayRemoveClusters(): boolean {
    if (this.#isWaiting('listener') || this.#isWaiting('route') || !this.#mayRoute()) return false;
    for (const name of this.#subscriptions.get('route')?.names ?? []) if (this.#interests.get(name)?.feed.awaitsReading() === true) return false;
    return true;
  }

  #isWaiting(type: ResourceType): boolean {
    return this.#subscriptions.get(type)?.outstanding === true;
  }

  #tell(type: ResourceType, removals: boolean): number {
    const { stream, variant, context } = this.#parts;
    const subscription = this.#subscriptions.get(type);
    if (subscription === undefined || stream.writableNeedDrain) return 0;
    const news = subscription.next(this.#shelf(type), removals && this.#vouching?.vouches === true);
    if (news === undefined) return 0;
    // Envoy uses a cluster that is new to it, or has changed, only when its endpoints come after it, even if they have not changed.
    if (type === 'cluster') {
      for (const name of news.changed) this.#subscriptions.get('endpoints')?.resend(name);
      if (subscription.wildcard) this.#warming.begin(news.changed);
    }
    if (type === 'endpoints') this.#warming.sent(news.resources);
    const { identity, registry, metrics } = context;
    const bytes = variant.write(type, news, `${storeOf(identity.registryId)}.${registry.state.revision}`, identity.nodeName);
    stream.write(bytes);
    metrics.xdsResponses.inc({ type });
    return costPerResponse + Math.ceil(bytes.length / bytesPerCost);
  }

  #shelf(type: ResourceType): Shelf {
    return {
      get: (name) => this.#find(type, name),
      all: () => this.#everything(type),
    };
  }

  /**
   * What the client may not read looks as if it did not exist: as a service without instances. A client is told that there are none only while
   * this node can vouch for it, since it sends no request to such a service.
   */
  #find(type: ResourceType, name: string): Found {
    const interest = this.#interests.get(name);
    const client = this.#client;
    if (interest === undefined || client === undefined) return undefined;
    const { target, feed } = interest;
    const isAllowed = client.caller.authorizer.allows(target.namespace, 'service', 'read', target.service);
    const saysNone = type === 'endpoints' && !(isAllowed && feed.hasEndpoints(target));
    if (saysNone && this.#vouching?.vouches !== true) return undefined;
    if (!isAllowed) return resourceFor(type, name, nothing, client.reader.place);
    const before = feed.compared;
    const found = feed.find(type, name, target, client.reader);
    this.#compared += feed.compared - before;
    return found;
  }

  /** There are no listeners for a proxy: its operator defines them. */
  #everything(type: ResourceType): ReturnType<Shelf['all']> {
    if (type === 'listener') return noListeners;
    const client = this.#client;
    if (client === undefined || this.#vouching?.mayTellAll !== true) return undefined;
    return this.#all?.clusters(client.caller.authorizer);
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client?.stop();
    this.#vouching?.end();
    this.#warming.end();
    this.#all?.leave(this);
    this.#interests.leaveAll();
    this.#parts.catalog.fanOut.cancel(this);
    this.#parts.onEnd(this);
  }
}

const noListeners: ReturnType<Shelf['all']> = new Map();

function read(variant: Variant, bytes: Buffer): Asked {
  try {
    return variant.read(bytes);
  } catch (cause) {
    throw new RegistryError('invalid_argument', `the message of ${bytes.length} bytes is no discovery request: ${(cause as Error).message}`, { cause });
  }
}
