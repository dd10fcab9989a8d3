/** The parts of a deployment of Rollcall that a run uses: its nodes, and its possible faults. */

import type { FaultProxy } from './fault/proxy.ts';
import type { Random } from './seeded.ts';

export interface ClusterNode {
  readonly name: string;
  /** Base URL, without a proxy. */
  readonly url: string;
  /** Base URL for clients, through a proxy. */
  readonly link: FaultProxy;
  /** Base URL for instances, through a proxy that fails only with the node. */
  readonly home: FaultProxy;
  /** For ZooKeeper's clients, through a proxy; undefined of a node that does not answer them. */
  readonly zookeeper: FaultProxy | undefined;
}

/** A kind of fault. It makes its choices (which node, how slow) from `random` alone, so that a seed repeats them. */
export interface FaultKind {
  readonly name: string;
  /** How long it lasts, in milliseconds. */
  readonly lastsMs: readonly [least: number, most: number];
  /** Acknowledged writes may be lost by it, as when an operator restores a backup. */
  readonly forgets?: true;
  /**
   * Begins the fault.
   * @returns a name for the history, and a function that ends it; a fault that ends by itself has none
   */
  begin(random: Random): Promise<{ readonly what: string; end(): Promise<void> }>;
}

export interface Deployment {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  readonly faults: readonly FaultKind[];
  /** Failures of the nodes that no fault explains: a process that ended by itself, a log that could not be followed. */
  problems(): readonly string[];
  close(): Promise<void>;
}
