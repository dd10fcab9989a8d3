/** The tree as clients read it: rows of znodes, and below the base the nodes of instances that have no row (`virtual/`). It changes nothing. */

import type { Registry } from '../../registry/registry.ts';
import type { Frozen } from '../../registry/frozen.ts';
import type { Lookup } from '../../registry/room.ts';
import { aclOf, childNames, findChildren, findZnode, statOf, type ZnodeStat } from '../../registry/kind/znode/find.ts';
import { childOf, parentOf } from '../../registry/kind/znode/keys.ts';
import { openAcl, type Acl } from '../../registry/kind/znode/rows.ts';
import type { Settled } from './options.ts';
import type { VirtualTree } from './virtual/virtual-tree.ts';

export interface TreeNode {
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
}

export class Tree {
  readonly virtual: VirtualTree;
  readonly #registry: Registry;
  readonly #namespace: string;

  constructor(registry: Registry, { namespace }: Pick<Settled, 'namespace'>, virtual: VirtualTree) {
    this.#registry = registry;
    this.#namespace = namespace;
    this.virtual = virtual;
  }

  /** What the newest change of the tree is numbered. */
  get zxid(): number {
    return this.#registry.state.revision;
  }

  node(path: string): TreeNode | undefined {
    const row = findZnode(this.#registry.state, this.#namespace, path);
    if (row !== undefined) return { data: row.noData === true ? null : row.data, acl: aclOf(this.#registry.state, this.#namespace, path) };
    const virtual = this.virtual.node(path);
    return virtual && { data: virtual.data, acl: openAcl };
  }

  /** Whether clients see a node that has no row. */
  isVirtual(path: string): boolean {
    return findZnode(this.#registry.state, this.#namespace, path) === undefined && this.virtual.node(path) !== undefined;
  }

  /** Ancestors of a path that clients see and that have no row, the highest first. */
  virtualAbove(path: string): string[] {
    const found: string[] = [];
    for (let at = parentOf(path); at !== '/'; at = parentOf(at)) if (this.virtual.place(at) !== undefined && this.isVirtual(at)) found.unshift(at);
    return found;
  }

  stat(path: string): ZnodeStat | undefined {
    const stat = statOf(this.#registry.state, this.#namespace, path);
    if (stat === undefined) return this.virtual.node(path)?.stat;
    const virtual = this.virtual.statBeside(path);
    if (virtual === undefined) return stat;
    // Nodes without rows are children of one that has a row, too.
    const numChildren = stat.numChildren + virtual.numChildren;
    return { ...stat, numChildren, cversion: (stat.cversion + virtual.cversion) | 0, pzxid: Math.max(stat.pzxid, virtual.pzxid) };
  }

  /** How many children a node has at most, without a look at each. */
  childrenMax(path: string): number {
    return (findChildren(this.#registry.state, this.#namespace, path)?.children ?? 0) + this.virtual.childrenMax(path);
  }

  /** The state as it is now, for a list that is read in several turns; close it. */
  moment(): Frozen {
    return this.#registry.state.freeze();
  }

  /**
   * Names of the children, in no particular order; undefined for one that clients do not see.
   * @param reader a moment when the steps are done in several turns
   */
  *childNames(path: string, reader: Lookup = this.#registry.state): Generator<string | undefined, void, undefined> {
    yield* childNames(reader, this.#namespace, path);
    yield* this.virtual.childNames(path, reader);
  }

  /** Counts the nodes below a path; a step for each, and one more for the look at its children. */
  *countBelow(path: string): Generator<void, number, undefined> {
    const moment = this.moment();
    try {
      let count = 0;
      const waiting = [path];
      for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
        yield;
        for (const name of this.childNames(at, moment)) {
          if (name !== undefined) {
            count++;
            waiting.push(childOf(at, name));
          }
          yield;
        }
      }
      return count;
    } finally {
      moment.close();
    }
  }
}
