/**
 * The interface of all hash structures: they map a hash to a node, given as its index in the list they were
 * built from. A structure sees hashes only; `hash32` or `ketamaHash` compute them from keys. It keeps no keys.
 */

import { RegistryError } from '@rollcall/protocol';

export interface HashTable {
  /** Number of nodes that a lookup can return. */
  readonly size: number;

  /**
   * The node for a hash. Nothing is allocated.
   * @param hash an integer; its lower 32 bits count, signed or not
   * @returns the node's index in the list given; −1 when there are no nodes
   */
  lookup(hash: number): number;

  /**
   * The first node that `filter` accepts in the order that belongs to this hash; `lookup(hash)` is the
   * first of that order. Nothing is allocated.
   * @returns the node's index; −1 when no node is accepted
   */
  lookupAmong(hash: number, filter: NodeFilter): number;
}

/** Which nodes a lookup may give: those that are not excluded, or not full. */
export interface NodeFilter {
  /** Called a few times per lookup, maybe more than once for one node; must always give the same answer. */
  accepts(node: number): boolean;
}

export interface HashNode {
  /** Unique. The placement depends on the name and the weight only, never on the place in the list. */
  readonly name: string;
  /** Share of the keys relative to the other nodes; finite, above 0. 1 by default. */
  readonly weight?: number;
}

/** Nodes, or their names when all weigh the same. */
export type HashNodes = readonly (string | HashNode)[];

/** Nodes with their indices in the list given, in the order of their names: lists in any order agree. */
export interface NamedNode {
  readonly name: string;
  readonly weight: number;
  readonly index: number;
}

/** @throws RegistryError `invalid_argument` for a name that occurs twice or a weight that is not above 0 */
export function inNameOrder(nodes: HashNodes): NamedNode[] {
  const named = nodes.map((node, index) => {
    const { name, weight = 1 } = typeof node === 'string' ? { name: node } : node;
    return { name, weight, index };
  });
  // By code units, as on every machine; a locale would make two clients disagree.
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  named.forEach(({ name, weight }, place) => {
    if (name === named[place - 1]?.name) {
      throw new RegistryError('invalid_argument', `node "${name}" occurs twice; names must differ`);
    }
    if (!(weight > 0 && weight < Infinity)) {
      const message = `the weight of node "${name}" is ${weight}; it must be above 0, leave the node out instead`;
      throw new RegistryError('invalid_argument', message);
    }
  });
  return named;
}

/**
 * The last resort of `lookupAmong`, when a walk found only refused nodes: asks each node once, starting at one
 * that the hash decides.
 * @param order node indices by name
 */
export function firstAccepted(order: Uint32Array, hash: number, filter: NodeFilter): number {
  const count = order.length;
  const start = (hash >>> 0) % count;
  for (let step = 0; step < count; step++) {
    const node = order[(start + step) % count] as number;
    if (filter.accepts(node)) return node;
  }
  return -1;
}
