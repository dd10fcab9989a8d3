/**
 * Balancing by key: requests with the same key go to the same endpoint while it is there, on every client. This
 * file adapts a table of `hashing/` to the port of balancers: it names the endpoints, hashes the key of a pick,
 * and takes the next endpoint in the key's order when the request already tried the first. The table decides
 * where keys are placed; a request without a key goes to any endpoint, by weight.
 */

import { hash32, type Instance, mix32 } from '@rollcall/protocol';
import type { OptionNames } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import type { HashNode, HashTable, NodeFilter } from '../hashing/hash-table.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, EndpointFigures, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';

export interface HashOptions {
  /**
   * Name of an instance in the table: keys stay with a name. By default its service, node and id. Where ids
   * change with every start, `({ address, port }) => …` keeps the keys of a restarted instance. All clients
   * must use the same names; of instances that share a name, one keeps it.
   */
  readonly nameOf?: (instance: Instance) => string;
  /** Hash of a key, 32 bits. `hash32` by default; `ketamaHash` to agree with libketama. */
  readonly keyHash?: (key: string) => number;
}

export const hashOptions: OptionNames<HashOptions> = { nameOf: true, keyHash: true };

/** Which endpoints may be picked now. */
export interface EndpointFilter {
  accepts(endpoint: Endpoint): boolean;
}

/** A balancer by key, which `boundedLoad` can wrap. */
export interface HashBalancer extends Balancer {
  /** As `pick`, but returns the first endpoint in the key's order that `filter` accepts. */
  pickAmong(context: PickContext, filter: EndpointFilter): Endpoint | undefined;
}

/** Makes the balancer of one service. */
export type HashBalancerFactory = (random: RandomSource) => HashBalancer;

/** A table, and its number for each of the nodes it was built for. */
export interface Placed {
  readonly table: HashTable;
  /** The result of `table.lookup` for each node, in the order of the nodes; nodes at the end may have no place. */
  readonly places: readonly number[];
}

/** Makes the tables of one balancer; each may use the previous one. */
export type Placement = (nodes: readonly Required<HashNode>[]) => Placed;

export class TableBalancer implements HashBalancer {
  readonly #random: RandomSource;
  readonly #place: Placement;
  readonly #nameOf: (instance: Instance) => string;
  readonly #keyHash: (key: string) => number;
  #nodes: readonly Required<HashNode>[] = [];
  #placed: Placed | undefined;
  /** In the same order as `#nodes`. */
  #endpoints: readonly Endpoint[] = [];
  /** For requests without a key; undefined while all weights are equal. */
  #weights: Float64Array | undefined;
  #alias: AliasTable | undefined;
  readonly #allowed = new Allowed();

  constructor(random: RandomSource, placement: Placement, { nameOf = nameOfInstance, keyHash = hash32 }: HashOptions) {
    this.#random = random;
    this.#place = placement;
    this.#nameOf = nameOf;
    this.#keyHash = keyHash;
  }

  update(endpoints: readonly Endpoint[]): void {
    const nodes = this.#named(endpoints);
    this.#endpoints = nodes.map(({ endpoint }) => endpoint);
    if (this.#placed === undefined || !this.#sameNodes(nodes)) {
      this.#nodes = nodes.map(({ name, weight }) => ({ name, weight }));
      this.#placed = this.#place(this.#nodes);
      const weights = Float64Array.from(nodes, ({ weight }) => weight);
      const skewed = weights.some((weight) => weight !== weights[0]);
      this.#weights = skewed ? weights : undefined;
      this.#alias = skewed ? new AliasTable(weights) : undefined;
    }
    const byPlace: (Endpoint | undefined)[] = [];
    for (const place of this.#placed.places) while (byPlace.length <= place) byPlace.push(undefined);
    this.#placed.places.forEach((place, at) => (byPlace[place] = this.#endpoints[at]));
    this.#allowed.byPlace = byPlace;
  }

  pick(context: PickContext): Endpoint | undefined {
    const { key, exclude } = context;
    if (key === undefined) return this.#byWeight(exclude);
    if (exclude.length > 0) return this.#among(this.#keyHash(key), exclude, acceptAll);
    return this.#at(this.#placed?.table.lookup(this.#keyHash(key)) ?? -1);
  }

  pickAmong({ key, exclude }: PickContext, filter: EndpointFilter): Endpoint | undefined {
    return this.#among(key === undefined ? mix32(this.#random.bits()) : this.#keyHash(key), exclude, filter);
  }

  observe(): void {}

  explain(endpoint: Endpoint, _now: number, key?: string): EndpointFigures {
    if (key !== undefined) return { part: this.#at(this.#placed?.table.lookup(this.#keyHash(key)) ?? -1) === endpoint ? 1 : 0 };
    return { part: this.#nodes[this.#endpoints.indexOf(endpoint)]?.weight ?? 0 };
  }

  #among(hash: number, exclude: readonly Endpoint[], filter: EndpointFilter): Endpoint | undefined {
    if (this.#placed === undefined) return undefined;
    this.#allowed.exclude = exclude;
    this.#allowed.filter = filter;
    return this.#at(this.#placed.table.lookupAmong(hash, this.#allowed));
  }

  #byWeight(exclude: readonly Endpoint[]): Endpoint | undefined {
    if (exclude.length > 0) {
      const drawn = drawAllowed(this.#endpoints, exclude, -1, this.#weights, this.#random);
      return drawn === -1 ? undefined : this.#endpoints[drawn];
    }
    const alias = this.#alias;
    const drawn = alias === undefined ? drawIndex(this.#random, this.#endpoints.length) : alias.draw(this.#random);
    return this.#endpoints[drawn];
  }

  #sameNodes(nodes: readonly Required<HashNode>[]): boolean {
    if (nodes.length !== this.#nodes.length) return false;
    return nodes.every(({ name, weight }, at) => name === this.#nodes[at]?.name && weight === this.#nodes[at]?.weight);
  }

  #at(place: number): Endpoint | undefined {
    return place === -1 ? undefined : this.#allowed.byPlace[place];
  }

  /**
   * Endpoints by name. An endpoint of weight 0 is left out, unless all have weight 0: then all count as equal. Names
   * are made unique in an order that does not depend on the list's, so that all clients get the same names.
   */
  #named(endpoints: readonly Endpoint[]): (Required<HashNode> & { readonly endpoint: Endpoint })[] {
    const weighty = endpoints.filter(({ instance }) => instance.weight > 0);
    const named = (weighty.length > 0 ? weighty : endpoints).map((endpoint) => {
      const { instance, authority } = endpoint;
      const identity = `${nameOfInstance(instance)}\n${authority}`;
      return { name: this.#nameOf(instance), weight: weighty.length > 0 ? instance.weight : 1, endpoint, identity };
    });
    named.sort((a, b) => ascending(a.name, b.name) || ascending(a.identity, b.identity));
    let again = 0;
    return named.map(({ name, weight, endpoint }, at) => {
      again = name === named[at - 1]?.name ? again + 1 : 0;
      return { name: again === 0 ? name : `${name}\n#${again}`, weight, endpoint };
    });
  }
}

/** The argument for a table of places; every pick reuses it. */
class Allowed implements NodeFilter {
  byPlace: readonly (Endpoint | undefined)[] = [];
  exclude: readonly Endpoint[] = [];
  filter: EndpointFilter = acceptAll;

  accepts(place: number): boolean {
    const endpoint = this.byPlace[place];
    return endpoint !== undefined && !this.exclude.includes(endpoint) && this.filter.accepts(endpoint);
  }
}

const acceptAll: EndpointFilter = { accepts: () => true };

/** For tables that call a node by its index in the list. */
export function byIndex(table: HashTable): Placed {
  return { table, places: Array.from({ length: table.size }, (_, index) => index) };
}

/** Newlines cannot occur in names, so the parts stay apart. */
function nameOfInstance({ service, node, id }: Instance): string {
  return `${service}\n${node}\n${id}`;
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
