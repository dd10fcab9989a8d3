/**
 * Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with
 * Bounded Loads", SODA 2018, arXiv:1608.01350): a key goes to the first node in its order that has room, and
 * room is c times the mean. No node gets more than ⌈c · mean⌉, however skewed the keys are. With a smaller c, more
 * keys go to a node other than the first in their order.
 *
 * It counts keys that are assigned and not yet released. Unlike the paper's caches, it never moves an assigned
 * key, so the bound holds for a node at the moment it gets a key.
 */

import { RegistryError } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from '../option-check.ts';
import type { HashTable, NodeFilter } from './hash-table.ts';

export interface BoundedLoadsOptions {
  /** c: the bound as a multiple of the mean; from 1 to 1,000. 1.25 by default. */
  readonly factor?: number;
  /** Weights of the nodes by index, as the table was given: each node's bound is in proportion. Equal by default. */
  readonly weights?: readonly number[];
}

const boundedLoadsOptions: OptionNames<BoundedLoadsOptions> = { factor: true, weights: true };

/** Assigns keys one by one, over any table. */
export class BoundedLoads implements NodeFilter {
  readonly #table: HashTable;
  readonly #factor: number;
  readonly #weights: readonly number[] | undefined;
  readonly #weightSum: number;
  readonly #loads: number[] = [];
  #total = 0;

  /** @throws RegistryError `invalid_argument` when `factor` or a weight is out of its range */
  constructor(table: HashTable, options: BoundedLoadsOptions = {}) {
    const { factor = 1.25, weights } = options;
    checkKnown(options, boundedLoadsOptions, 'BoundedLoads');
    checkFactor(factor);
    for (const weight of weights ?? []) {
      if (weight > 0 && weight < Infinity) continue;
      throw new RegistryError('invalid_argument', `a weight is ${weight}; it must be above 0`);
    }
    this.#table = table;
    this.#factor = factor;
    this.#weights = weights;
    this.#weightSum = weights?.reduce((sum, weight) => sum + weight, 0) ?? 0;
  }

  /** Keys that are assigned and not released. */
  get total(): number {
    return this.#total;
  }

  load(node: number): number {
    return this.#loads[node] ?? 0;
  }

  /** The most a node may have when one more key is assigned: ⌈c · mean⌉, its own included. */
  bound(node: number): number {
    if (this.#weights === undefined) return boundOf(this.#factor, this.#total + 1, 1, this.#table.size);
    return boundOf(this.#factor, this.#total + 1, this.#weights[node] ?? 0, this.#weightSum);
  }

  /**
   * Assigns a key to the first node of its order that has room.
   * @returns the node; −1 when the table has none
   */
  assign(hash: number): number {
    const node = this.#table.lookupAmong(hash, this);
    if (node === -1) return -1;
    this.#loads[node] = this.load(node) + 1;
    this.#total += 1;
    return node;
  }

  /**
   * Releases one key of the node.
   * @throws RegistryError `failed_precondition` when the node has none
   */
  release(node: number): void {
    const load = this.load(node);
    if (load === 0) throw new RegistryError('failed_precondition', `node ${node} has nothing to release`);
    this.#loads[node] = load - 1;
    this.#total -= 1;
  }

  /** Tells whether the node has room for one more. */
  accepts(node: number): boolean {
    return this.load(node) < this.bound(node);
  }
}

/**
 * ⌈factor · total · weight ÷ weightSum⌉. The bounds of all nodes sum up to `total` or more, so while
 * fewer than `total` are assigned some node has room.
 */
export function boundOf(factor: number, total: number, weight: number, weightSum: number): number {
  return Math.ceil((factor * total * weight) / weightSum);
}

/** @throws RegistryError `invalid_argument` unless the factor is from 1 to 1,000 */
export function checkFactor(factor: number): void {
  if (factor >= 1 && factor <= 1000) return;
  throw new RegistryError('invalid_argument', `factor is ${factor}; it must be from 1 to 1,000`);
}
