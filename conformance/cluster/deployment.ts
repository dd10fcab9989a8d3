/** What a run needs of a deployment of Rollcall: its nodes, and the faults that it can have. */

import type { FaultProxy } from './fault/proxy.ts';
import type { Random } from './seeded.ts';

export interface ClusterNode {
  readonly name: string;
  /** Base URL without a proxy between. */
  readonly url: string;
  /** How clients reach it. */
  readonly link: FaultProxy;
  /** How instances reach it; fails only with the node. */
  readonly home: FaultProxy;
}

/** A sort of fault. It takes its choices (which node, how slow) from `random` alone, so that a seed repeats it. */
export interface FaultKind {
  readonly name: string;
  /** How long it lasts, in milliseconds. */
  readonly lastsMs: readonly [least: number, most: number];
  /**
   * Begins the fault.
   * @returns a name for the history, and how it is ended; a fault that ends by itself has nothing to undo
   */
  begin(random: Random): Promise<{ readonly what: string; end(): Promise<void> }>;
}

export interface Deployment {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  readonly faults: readonly FaultKind[];
  /** What must not have happened to the nodes: a process that ended by itself, a log that could not be followed. */
  problems(): readonly string[];
  close(): Promise<void>;
}
