/**
 * Maglev hashing (D. E. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI
 * 2016, §3.4): a table of M slots, M prime, holds the node of each slot, so a lookup is one read. Every node
 * has its own permutation of the slots; the nodes take turns, and each takes the first free slot of its
 * permutation. Shares differ by at most one slot. When a node leaves, its slots are shared out evenly, and a
 * few slots of others change hands as well: below 1 % of all in the default table with up to 1,000 nodes, 2 to
 * 3 % in one of a few thousand slots, however few the nodes.
 *
 * Weights are not in the paper; here a node of half the largest weight takes every second turn, as Envoy's
 * Maglev does.
 */

import { hash32, RegistryError } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { firstAccepted, inNameOrder } from './hash-table.ts';
import type { HashNodes, HashTable, NamedNode, NodeFilter } from './hash-table.ts';

export interface MaglevOptions {
  /**
   * Slots, M in the paper: a prime from 3 to 16,777,213, not below the number of nodes; 100 times as
   * many or more, for shares within 1 %. 65,537 by default, as in the paper: 131 kB.
   */
  readonly slots?: number;
}

const maglevOptions: OptionNames<MaglevOptions> = { slots: true };

/** Nodes are kept in 16 bits, so that the default table fits into a second-level cache. */
const nodesMax = 65_536;
const slotsMax = 16_777_213;
/** Number of slots that `lookupAmong` tries in the table's order before it takes any accepted node. */
const walkMax = 4096;
/** Any two constants make two independent hashes of a name. */
const offsetSeed = 0x6f666673;
const skipSeed = 0x736b6970;

export class MaglevTable implements HashTable {
  readonly size: number;
  readonly slots: number;
  readonly #table: Uint16Array;
  readonly #order: Uint32Array;

  /**
   * O(M · log M) for equal weights, some milliseconds by default; a node that outweighs all others by
   * far makes it up to O(M · nodes).
   * @throws RegistryError `invalid_argument` for names that occur twice, a weight that is not above 0,
   *   `slots` that is not a prime of its range, or more nodes than slots or than 65,536
   */
  constructor(nodes: HashNodes, options: MaglevOptions = {}) {
    const { slots = 65_537 } = options;
    checkKnown(options, maglevOptions, 'MaglevTable');
    if (!isPrime(slots) || slots < 3 || slots > slotsMax) {
      throw new RegistryError('invalid_argument', `slots is ${slots}; it must be a prime from 3 to ${slotsMax}`);
    }
    const limit = maglevNodesMax(slots);
    if (nodes.length > limit) {
      const message = `${nodes.length} nodes exceed the ${limit} of a table of ${slots} slots; raise slots`;
      throw new RegistryError('invalid_argument', message);
    }
    const named = inNameOrder(nodes);
    this.size = named.length;
    this.slots = slots;
    this.#order = Uint32Array.from(named, ({ index }) => index);
    this.#table = named.length === 0 ? new Uint16Array(0) : fill(named, slots);
  }

  lookup(hash: number): number {
    return this.size === 0 ? -1 : (this.#table[(hash >>> 0) % this.slots] as number);
  }

  /** The order of a hash: its slot, then the slots after it. */
  lookupAmong(hash: number, filter: NodeFilter): number {
    if (this.size === 0) return -1;
    const table = this.#table;
    let slot = (hash >>> 0) % this.slots;
    for (let steps = Math.min(this.slots, walkMax); steps > 0; steps--) {
      const node = table[slot] as number;
      if (filter.accepts(node)) return node;
      slot = slot + 1 === this.slots ? 0 : slot + 1;
    }
    return firstAccepted(this.#order, hash, filter);
  }
}

/** The largest number of nodes for a table of this many slots. */
export function maglevNodesMax(slots: number): number {
  return Math.min(slots, nodesMax);
}

function fill(nodes: readonly NamedNode[], slots: number): Uint16Array {
  const count = nodes.length;
  const heaviest = nodes.reduce((most, { weight }) => Math.max(most, weight), 0);
  // Position in each node's permutation: (offset + turn · skip) mod M.
  const next = Uint32Array.from(nodes, ({ name }) => (hash32(name, offsetSeed) >>> 0) % slots);
  const skip = Uint32Array.from(nodes, ({ name }) => ((hash32(name, skipSeed) >>> 0) % (slots - 1)) + 1);
  const pace = Float64Array.from(nodes, ({ weight }) => weight / heaviest);
  // A node takes a turn once its credit reaches one. All start with credit for one turn, so every node has a
  // slot.
  const turns = new Float64Array(count).fill(1);
  const owner = new Int32Array(slots).fill(-1);
  let free = slots;
  for (;;) {
    for (let rank = 0; rank < count; rank++) {
      const saved = turns[rank] as number;
      if (saved < 1) {
        turns[rank] = saved + (pace[rank] as number);
        continue;
      }
      turns[rank] = saved - 1 + (pace[rank] as number);
      const step = skip[rank] as number;
      let slot = next[rank] as number;
      while (owner[slot] !== -1) {
        slot += step;
        if (slot >= slots) slot -= slots;
      }
      owner[slot] = (nodes[rank] as NamedNode).index;
      next[rank] = slot;
      free -= 1;
      if (free === 0) return Uint16Array.from(owner);
    }
  }
}

/** By trial division: O(√n), and n is at most 2²⁴. */
function isPrime(n: number): boolean {
  if (!Number.isInteger(n) || n < 2 || n > slotsMax) return false;
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
