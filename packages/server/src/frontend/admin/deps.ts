/**
 * The dependencies of the admin front end besides the shared context. The composition root provides them, so that this folder
 * sees neither the replica nor an engine nor the backup format.
 */

import type { ExpiryOverride, NodeFacts } from '@rollcall/protocol';
import type { BackupStore } from '../../net/transfers.ts';

/** One process of a server with workers. */
export type ProcessStatus = Pick<NodeFacts, 'process' | 'pid' | 'ready' | 'reason' | 'revision' | 'liveness'>;

export interface ClusterFacts {
  /** Id of this node, or of this worker. */
  readonly own: string;
  readonly engine: string;
  readonly facts: readonly NodeFacts[];
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

export interface AdminDeps extends BackupStore {
  /**
   * Why the server should get no requests now: it has not loaded what is stored, its state no longer follows the store, or it
   * shuts down. Undefined when it is ready.
   */
  notReady(): string | undefined;
  /** The text of a scrape: of this process, or of all processes of this server. */
  metricsPage(): Promise<string>;
  /** What all processes of the store say of themselves. */
  cluster(): Promise<ClusterFacts>;
  /** All processes of this server, of which there is one without workers. */
  processes(): Promise<readonly ProcessStatus[]>;
  /**
   * Makes this node leave its store: its streams go to other nodes, then it is no member any more, and its process ends.
   * @throws RegistryError `failed_precondition` when the store has no other node
   */
  leave(): Promise<void>;
  /** An operator confirms that the mass loss is real: the lapsed leases of all nodes expire now. */
  overrideExpiry(): Promise<ExpiryOverride>;
}
