/**
 * Counts over the instances, kept row by row: which services exist, how many instances offer each of
 * their tags, and which services run on a node.
 *
 *   service → instances, tag → instances with the tag, tags in order
 *   node    → service → instances of the service on the node
 *
 * A change of one instance costs its own tags, however many instances the service or the node has.
 */

import { OrderedKeys } from './ordered-keys.ts';
import type { InstanceRow } from './rows.ts';

interface Offer {
  instances: number;
  /** How many instances have the tag; none is 0. */
  readonly withTag: Map<string, number>;
  readonly tags: OrderedKeys;
}

export class ServiceIndex {
  readonly #offers = new Map<string, Offer>();
  readonly #names = new OrderedKeys();
  readonly #onNode = new Map<string, Map<string, number>>();

  /** How many services have an instance. */
  get size(): number {
    return this.#offers.size;
  }

  has(service: string): boolean {
    return this.#offers.has(service);
  }

  /** The services' names, in order of UTF-16 code units. */
  names(): Iterable<string> {
    return this.#names.under('');
  }

  instancesOf(service: string): number {
    return this.#offers.get(service)?.instances ?? 0;
  }

  instancesWithTag(service: string, tag: string): number {
    return this.#offers.get(service)?.withTag.get(tag) ?? 0;
  }

  /** The tags of a service's instances, each once, in order of UTF-16 code units. */
  tagsOf(service: string): Iterable<string> {
    return this.#offers.get(service)?.tags.under('') ?? [];
  }

  /** The services that have an instance on the node, each once, in no particular order. */
  servicesOn(node: string): Iterable<string> {
    return this.#onNode.get(node)?.keys() ?? [];
  }

  /** Follows one instance row; either side may be absent. */
  follow(before: InstanceRow | undefined, after: InstanceRow | undefined): void {
    if (before !== undefined && after !== undefined && offersTheSame(before, after)) return;
    if (after !== undefined) this.#add(after);
    if (before !== undefined) this.#remove(before);
  }

  #add({ node, service, tags }: InstanceRow): void {
    let offer = this.#offers.get(service);
    if (offer === undefined) {
      offer = { instances: 0, withTag: new Map(), tags: new OrderedKeys() };
      this.#offers.set(service, offer);
      this.#names.add(service);
    }
    offer.instances++;
    for (const tag of new Set(tags)) {
      if (count(offer.withTag, tag, 1) === 1) offer.tags.add(tag);
    }
    let onNode = this.#onNode.get(node);
    if (onNode === undefined) this.#onNode.set(node, (onNode = new Map()));
    count(onNode, service, 1);
  }

  #remove({ node, service, tags }: InstanceRow): void {
    const offer = this.#offers.get(service);
    if (offer === undefined) return;
    offer.instances--;
    for (const tag of new Set(tags)) {
      if (count(offer.withTag, tag, -1) === 0) offer.tags.delete(tag);
    }
    if (offer.instances === 0) {
      this.#offers.delete(service);
      this.#names.delete(service);
    }
    const onNode = this.#onNode.get(node);
    if (onNode !== undefined && count(onNode, service, -1) === 0 && onNode.size === 0) this.#onNode.delete(node);
  }
}

/** Whether both rows put the same into the counts. A row never moves to another node: its key names the node. */
export function offersTheSame(before: InstanceRow, after: InstanceRow): boolean {
  return (
    before.service === after.service &&
    before.tags.length === after.tags.length &&
    before.tags.every((tag, index) => tag === after.tags[index])
  );
}

/** Adds to a count and forgets it at 0. */
function count(counts: Map<string, number>, name: string, by: 1 | -1): number {
  const now = (counts.get(name) ?? 0) + by;
  if (now === 0) counts.delete(name);
  else counts.set(name, now);
  return now;
}
