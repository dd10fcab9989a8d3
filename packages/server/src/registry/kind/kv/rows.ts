/** The rows of the key/value store: keys, tombstones of those that were deleted, and lock delays. */

import type { Revisions } from '../../row.ts';

export interface KvRow extends Revisions {
  readonly kind: 'kv';
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  /** An unsigned 64-bit number. */
  readonly flags: bigint;
  /** How often the key was acquired as a lock. */
  readonly lockIndex: number;
  /** The session of the same namespace that holds the key. */
  readonly session?: string;
}

/** Remembers that a KV key was deleted, so that prefix revisions never go back. */
export interface TombstoneRow extends Revisions {
  readonly kind: 'tombstone';
  readonly namespace: string;
  readonly key: string;
}

/** A lock delay: the key cannot be acquired before `untilMs` on the wall clock. */
export interface DelayRow extends Revisions {
  readonly kind: 'delay';
  readonly namespace: string;
  readonly key: string;
  readonly untilMs: number;
  /** Length of the delay; bounds the damage of a wall clock that jumps back. */
  readonly delayMs: number;
}
