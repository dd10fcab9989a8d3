/**
 * The dependencies of the admin front end besides the shared context. The composition root provides them, so that this folder
 * sees neither the replica nor an engine nor the backup format.
 */

import type { BackupStore } from '../../net/transfers.ts';

/** The lost leases of one node, service or principal. */
export interface LossCause {
  readonly name: string;
  /** Leases that have lapsed. */
  readonly lost: number;
  /** All leases, the lapsed ones included. */
  readonly of: number;
  /** Its share of all lapsed leases, 0 to 1. */
  readonly share: number;
}

export interface LivenessStatus {
  /** Whether self-preservation has frozen expiry. */
  readonly frozen: boolean;
  /** Start of the freeze, in milliseconds since the Unix epoch; absent when not frozen. */
  readonly sinceMs?: number;
  /** End of the freeze unless more leases are lost; absent when not frozen. */
  readonly untilMs?: number;
  /** Lapsed leases that have not expired yet. */
  readonly held: number;
  /** The same for each kind; absent when not frozen. */
  readonly kinds?: Readonly<Partial<Record<'check' | 'session' | 'stream' | 'removal', number>>>;
  /** Their share of all leases, 0 to 1. */
  readonly share: number;
  /** At most five of each that have lost most; absent when not frozen. */
  readonly causes?: {
    readonly nodes: readonly LossCause[];
    readonly services: readonly LossCause[];
    readonly principals: readonly LossCause[];
  };
}

/** One process of a server with workers. */
export interface ProcessStatus {
  /** `primary`, or `worker 1`. */
  readonly process: string;
  /** Of the operating system; 0 when it is not known. */
  readonly pid: number;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
  /** Revision of the newest change that it has applied. */
  readonly revision: number;
  readonly liveness: LivenessStatus;
}

export interface AdminDeps extends BackupStore {
  /**
   * Why the server should get no requests now: it has not loaded what is stored, its state no longer follows the store, or it
   * shuts down. Undefined when it is ready.
   */
  notReady(): string | undefined;
  /** The text of a scrape: of this process, or of all processes of this server. */
  metricsPage(): Promise<string>;
  /** All processes of this server, of which there is one without workers. */
  processes(): Promise<readonly ProcessStatus[]>;
  /**
   * Makes this node leave its store: its streams go to other nodes, then it is no member any more, and its process ends.
   * @throws RegistryError `failed_precondition` when the store has no other node
   */
  leave(): Promise<void>;
  /** An operator confirms that the mass loss is real: the lapsed leases expire now. @returns their number */
  overrideExpiry(): Promise<number>;
}
