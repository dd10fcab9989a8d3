/** The clusters of all services of a namespace, for streams that ask for all: listed once for each change, in turns of the event loop. */

import type { Route } from '@rollcall/protocol';
import type { Frozen } from '../../../registry/frozen.ts';
import { serviceRecords } from '../../../registry/kind/catalog/find.ts';
import { servicesAt } from '../../../registry/kind/catalog/services-at.ts';
import { serviceRecordsView, servicesView } from '../../../registry/kind/catalog/views.ts';
import { routesIn } from '../../../registry/kind/route/find.ts';
import { routesView } from '../../../registry/kind/route/views.ts';
import type { Authorizer } from '../../../security/authorizer.ts';
import { clusterOf } from '../resources/cluster.ts';
import { clusterName, groups, readName, type Group } from '../resources/names.ts';
import type { Resource } from '../resources/resource.ts';
import { Feed, type FeedOptions } from './feed.ts';

type Clusters = ReadonlyMap<string, Resource>;

export class NamespaceFeed extends Feed {
  readonly namespace: string;
  /** By the name of the cluster; undefined until it was read. */
  #clusters: Clusters | undefined;
  /** The routes of which the clusters are made, by service. */
  #routes: ReadonlyMap<string, Route | undefined> = new Map();
  /** What callers see who may not read all services: callers with the same rights share an authorizer. */
  #visible = new WeakMap<Authorizer, Clusters>();

  constructor(options: FeedOptions, namespace: string) {
    super(options, [servicesView(namespace), serviceRecordsView(namespace), routesView(namespace)]);
    this.namespace = namespace;
  }

  /** The clusters that a caller may see, the same map until they change; undefined while they were not read. */
  clusters(authorizer: Authorizer): Clusters | undefined {
    const all = this.#clusters;
    const { namespace } = this;
    if (all === undefined || authorizer.allowsAll(namespace, 'service', 'read')) return all;
    let visible = this.#visible.get(authorizer);
    if (visible === undefined) {
      visible = new Map([...all].filter(([name]) => authorizer.allows(namespace, 'service', 'read', readName(name, namespace).service)));
      this.#visible.set(authorizer, visible);
    }
    return visible;
  }

  protected *take(frozen: Frozen): Generator<undefined, boolean, undefined> {
    const clusters = yield* this.#listing(frozen);
    if (clusters === undefined) return false;
    this.#clusters = clusters;
    this.#visible = new WeakMap();
    return true;
  }

  /** Undefined when they are those that are known. */
  *#listing(frozen: Frozen): Generator<undefined, Clusters | undefined, undefined> {
    const { namespace } = this;
    const before = this.#clusters;
    const routes = new Map(Array.from(routesIn(frozen, namespace), ({ service, route }) => [service, route] as const));
    const names = new Set(servicesAt(frozen, namespace));
    for (const { name } of serviceRecords(frozen, namespace)) names.add(name);
    const clusters = new Map<string, Resource>();
    const made = new Map<string, Route | undefined>();
    let isSame = true;
    for (const service of names) {
      const route = routes.get(service);
      // A row is another object after each change.
      const isKnown = this.#routes.has(service) && this.#routes.get(service) === route;
      isSame &&= isKnown;
      made.set(service, route);
      for (const group of route?.canary === undefined ? justAll : groups) {
        const name = clusterName(service, group);
        clusters.set(name, (isKnown ? before?.get(name) : undefined) ?? clusterOf(name, route ?? {}));
      }
      yield;
    }
    const isOther = !isSame || before?.size !== clusters.size;
    this.#routes = made;
    return isOther ? clusters : undefined;
  }
}

const justAll: readonly Group[] = ['all'];
