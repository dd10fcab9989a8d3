/**
 * Counts over the instances, kept row by row: which services exist in each namespace, how many instances offer each
 * of their tags, and which services run on a node.
 *
 *   namespace → service → instances, tag → instances with the tag, tags in order
 *   node      → service → instances of the service on the node, over all namespaces
 *
 * A change of one instance costs its own tags, however many instances the service or the node has.
 */

import { OrderedKeys } from '../../ordered-keys.ts';
import type { Indexed, RoomIndex } from '../../room.ts';
import { OfferChanges } from './offer-changes.ts';
import { offersTheSame } from './offers.ts';
import type { InstanceRow } from './rows.ts';
import { serviceView } from './views.ts';

interface Offer {
  /** Name of the view that shows the service. */
  readonly view: string;
  instances: number;
  /** How many instances have the tag; none is 0. */
  readonly withTag: Map<string, number>;
  readonly tags: OrderedKeys;
}

/** The services of one namespace. */
interface Scope {
  readonly offers: Map<string, Offer>;
  readonly names: OrderedKeys;
}

export class ServiceIndex implements RoomIndex {
  readonly #scopes = new Map<string, Scope>();
  readonly #onNode = new Map<string, Map<Offer, number>>();
  #size = 0;

  /** How many services have an instance, over all namespaces. */
  get size(): number {
    return this.#size;
  }

  /** The namespaces that have an instance, in no particular order. */
  namespaces(): Iterable<string> {
    return this.#scopes.keys();
  }

  /** How many services of a namespace have an instance. */
  sizeOf(namespace: string): number {
    return this.#scopes.get(namespace)?.offers.size ?? 0;
  }

  has(namespace: string, service: string): boolean {
    return this.#offer(namespace, service) !== undefined;
  }

  /** The services' names, in order of UTF-16 code units. @param prefix of the names; all by default */
  names(namespace: string, prefix = ''): Iterable<string> {
    return this.#scopes.get(namespace)?.names.under(prefix) ?? [];
  }

  instancesOf(namespace: string, service: string): number {
    return this.#offer(namespace, service)?.instances ?? 0;
  }

  instancesWithTag(namespace: string, service: string, tag: string): number {
    return this.#offer(namespace, service)?.withTag.get(tag) ?? 0;
  }

  /** The tags of a service's instances, each once, in order of UTF-16 code units. */
  tagsOf(namespace: string, service: string): Iterable<string> {
    return this.#offer(namespace, service)?.tags.under('') ?? [];
  }

  /** Adds the views of the services that have an instance on the node, of every namespace. */
  addViewsOn(node: string, views: { add(view: string): unknown }): void {
    const offers = this.#onNode.get(node);
    if (offers !== undefined) for (const { view } of offers.keys()) views.add(view);
  }

  /** Follows one instance row; either side may be absent. */
  follow(before: InstanceRow | undefined, after: InstanceRow | undefined): void {
    if (before !== undefined && after !== undefined && offersTheSame(before, after)) return;
    if (after !== undefined) this.#add(after);
    if (before !== undefined) this.#remove(before);
  }

  notes(): OfferChanges {
    return new OfferChanges();
  }

  #offer(namespace: string, service: string): Offer | undefined {
    return this.#scopes.get(namespace)?.offers.get(service);
  }

  #add({ namespace, node, service, tags }: InstanceRow): void {
    let scope = this.#scopes.get(namespace);
    if (scope === undefined) this.#scopes.set(namespace, (scope = { offers: new Map(), names: new OrderedKeys() }));
    let offer = scope.offers.get(service);
    if (offer === undefined) {
      offer = { view: serviceView(namespace, service), instances: 0, withTag: new Map(), tags: new OrderedKeys() };
      scope.offers.set(service, offer);
      scope.names.add(service);
      this.#size++;
    }
    offer.instances++;
    for (const tag of distinct(tags)) {
      if (count(offer.withTag, tag, 1) === 1) offer.tags.add(tag);
    }
    if (node === '') return;
    let onNode = this.#onNode.get(node);
    if (onNode === undefined) this.#onNode.set(node, (onNode = new Map()));
    count(onNode, offer, 1);
  }

  #remove({ namespace, node, service, tags }: InstanceRow): void {
    const scope = this.#scopes.get(namespace);
    const offer = scope?.offers.get(service);
    if (scope === undefined || offer === undefined) return;
    offer.instances--;
    for (const tag of distinct(tags)) {
      if (count(offer.withTag, tag, -1) === 0) offer.tags.delete(tag);
    }
    if (offer.instances === 0) {
      scope.offers.delete(service);
      scope.names.delete(service);
      this.#size--;
      if (scope.offers.size === 0) this.#scopes.delete(namespace);
    }
    const onNode = this.#onNode.get(node);
    if (onNode !== undefined && count(onNode, offer, -1) === 0 && onNode.size === 0) this.#onNode.delete(node);
  }
}

/** The services of a state. */
export function servicesOf(indexed: Pick<Indexed, 'index'>): ServiceIndex {
  return indexed.index('catalog') as ServiceIndex;
}

/** Each tag once. Nearly every list of tags is short and has each of them once: then no other is made. */
function distinct(tags: readonly string[]): Iterable<string> {
  return tags.length < 2 || (tags.length === 2 && tags[0] !== tags[1]) ? tags : new Set(tags);
}

/** Adds to a count and forgets it at 0. */
function count<K>(counts: Map<K, number>, name: K, by: 1 | -1): number {
  const now = (counts.get(name) ?? 0) + by;
  if (now === 0) counts.delete(name);
  else counts.set(name, now);
  return now;
}
