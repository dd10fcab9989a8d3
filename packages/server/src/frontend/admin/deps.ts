/**
 * What the admin front end needs beyond the shared context. The composition root wires it, so that
 * nothing here sees the replica, an engine or the backup format.
 */

import type { BackupStore } from '../../net/transfers.ts';

export interface LivenessStatus {
  /** Whether self-preservation holds expiries back. */
  readonly frozen: boolean;
  /** Since when, in milliseconds since the Unix epoch; absent when not frozen. */
  readonly sinceMs?: number;
  /** Leases that have lapsed and wait. */
  readonly held: number;
  /** Their share of all leases, 0 to 1. */
  readonly share: number;
}

export interface AdminDeps extends BackupStore {
  /** False until the registry answers for what is stored, and from the moment it shuts down. */
  ready(): boolean;
  livenessStatus(): LivenessStatus;
  /** An operator's word that the mass loss is real: what is held back expires now. @returns how much that is */
  overrideExpiry(): number;
}
