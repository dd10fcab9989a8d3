/** The commands about locks, and their limits. */

import type { LockPurpose } from '@rollcall/protocol';

/** Limits of locks. */
export const lockLimits = {
  /** Characters of a name. */
  nameMax: 255,
  /** Characters of the value of a contender. */
  valueMax: 1_024,
  /** Holders of a semaphore. */
  holdersMax: 10_000,
  /** Contenders of one lock, holders included. */
  contendersMax: 10_000,
  /** Locks of one namespace. */
  locksMax: 100_000,
} as const;

interface OfContender {
  readonly namespace: string;
  /** Of the lock. */
  readonly name: string;
  /** Of the contender. */
  readonly id: string;
  /** The session that it belongs to. */
  readonly session: string;
}

/**
 * Takes a lock if it is free and no other contender waits for it, else waits in the queue. Repeated, it changes nothing and answers the
 * same. `busy`: it would have to wait, and is not asked to.
 */
export interface LockAcquire extends OfContender {
  readonly kind: 'lock-acquire';
  /** The same for all contenders of a lock, 1 for a lock or an election. */
  readonly limit: number;
  /** Shares the lock with all others that share it; only with a limit of 1. */
  readonly shared?: true;
  readonly value?: string;
  /** For observers; the first that is said counts while the lock is in use. */
  readonly purpose?: LockPurpose;
  readonly wait: boolean;
}

export type LockAcquired = 'holds' | 'waits' | 'busy';

/** Gives the lock to the next contender, or leaves the queue; false when there is no such contender of the session. */
export interface LockRelease extends OfContender {
  readonly kind: 'lock-release';
}

/** Gives the lock to a contender that waits, wherever it stands in the queue; false when this one does not hold it, or that one does not wait. */
export interface LockTransfer extends OfContender {
  readonly kind: 'lock-transfer';
  /** Id of the contender that gets it. */
  readonly to: string;
}

/** For transactions: false, and so nothing is done, unless the contender holds the lock with this token. */
export interface LockCheck {
  readonly kind: 'lock-check';
  readonly namespace: string;
  readonly name: string;
  readonly id: string;
  /** Parts of the token (`partsOf`). */
  readonly revision: number;
  readonly nth: number;
}
