/**
 * What the admin front end needs beyond the shared context. The composition root wires it, so that
 * nothing here sees the replica, an engine or the backup format.
 */

import type { BackupStore } from '../../net/transfers.ts';

/** What one node, service or principal has lost. */
export interface LossCause {
  readonly name: string;
  /** Leases that have lapsed. */
  readonly lost: number;
  /** Leases that there are, those that lapsed included. */
  readonly of: number;
  /** Its share of all leases that have lapsed, 0 to 1. */
  readonly share: number;
}

export interface LivenessStatus {
  /** Whether self-preservation holds expiries back. */
  readonly frozen: boolean;
  /** Since when, in milliseconds since the Unix epoch; absent when not frozen. */
  readonly sinceMs?: number;
  /** When it ends unless there is new evidence; absent when not frozen. */
  readonly untilMs?: number;
  /** Leases that have lapsed and wait. */
  readonly held: number;
  /** The same by kind; absent when not frozen. */
  readonly kinds?: Readonly<Partial<Record<'check' | 'session' | 'stream' | 'removal', number>>>;
  /** Their share of all leases, 0 to 1. */
  readonly share: number;
  /** Those that have lost most, five of each at most; absent when not frozen. */
  readonly causes?: {
    readonly nodes: readonly LossCause[];
    readonly services: readonly LossCause[];
    readonly principals: readonly LossCause[];
  };
}

export interface AdminDeps extends BackupStore {
  /**
   * Why the server should get no requests now: it has not loaded what is stored, its state no longer follows the store, or it
   * shuts down. Undefined when it is ready.
   */
  notReady(): string | undefined;
  livenessStatus(): LivenessStatus;
  /** An operator's word that the mass loss is real: what is held back expires now. @returns how much that is */
  overrideExpiry(): number;
}
