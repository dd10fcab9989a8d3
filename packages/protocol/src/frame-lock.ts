/** The frames about locks, and of transactions that grants of locks guard. `frame.ts` says what frames are. */

import type { SessionKey } from './session-key.ts';

/**
 * Opens a session of locks on this stream, and creates it if it does not exist. It is apart from the session of the hello, and lives by
 * `lock-renew` alone: it survives the stream, and any stream with its token can open it.
 */
export interface LockSessionFrame {
  readonly type: 'lock-session';
  readonly id: number;
  readonly session: SessionKey;
  /** Time without a renewal after which it ends, in milliseconds: 1,000 to 600,000. */
  readonly ttlMs: number;
  /** It also ends at once when the stream that opened it last dies. */
  readonly bound?: boolean;
  /** A lock that the client may write; the session can hold others, too. */
  readonly name: string;
}

/** What contenders use a lock as, for observers: all of them are locks. */
export const lockPurposes = ['lock', 'election', 'semaphore', 'read-write lock'] as const;

export type LockPurpose = (typeof lockPurposes)[number];

/** Names a grant of a lock. */
export interface LockGrant {
  /** Of the lock. */
  readonly name: string;
  /** Of the contender. */
  readonly contender: string;
  /** Decimal digits. */
  readonly token: string;
}

/** Starts the time of a session again, and asks whether its grants still stand. */
export interface LockRenewFrame {
  readonly type: 'lock-renew';
  readonly id: number;
  /** Id of a session that this stream has opened. */
  readonly session: string;
  readonly grants: readonly LockGrant[];
}

/** Ends a session of locks: the next contenders get them. */
export interface LockEndFrame {
  readonly type: 'lock-end';
  readonly id: number;
  readonly session: string;
}

/** Answered when the contender holds the lock, or will not get it. Repeated, it continues where the first one stands. */
export interface LockAcquireFrame {
  readonly type: 'lock-acquire';
  readonly id: number;
  readonly session: string;
  readonly name: string;
  /** Chosen by the client, another one for each time that it wants the lock. */
  readonly contender: string;
  /** Holders at once; 1 when absent. All contenders of a lock give the same. */
  readonly limit?: number;
  /** Shares the lock with the other contenders that share it. */
  readonly shared?: boolean;
  /** For observers. */
  readonly value?: string;
  /** For observers; the first that is said counts while the lock is in use. */
  readonly purpose?: LockPurpose;
  /** Longest wait in milliseconds; 0: none; absent: without limit. */
  readonly waitMs?: number;
}

/** Gives the lock to the next contender, or leaves the queue. */
export interface LockReleaseFrame {
  readonly type: 'lock-release';
  readonly id: number;
  readonly session: string;
  readonly name: string;
  readonly contender: string;
}

/** Gives the lock to a contender that waits. */
export interface LockTransferFrame {
  readonly type: 'lock-transfer';
  readonly id: number;
  readonly session: string;
  readonly name: string;
  readonly contender: string;
  /** The contender that gets it. */
  readonly to: string;
}

/** Asks who waits for a lock. */
export interface LockQueueFrame {
  readonly type: 'lock-queue';
  readonly id: number;
  readonly name: string;
}

/** Writes keys, all or none, and only while all of the grants stand. */
export interface TxnFrame {
  readonly type: 'txn';
  readonly id: number;
  /** Of the keys and locks; absent: that of the hello. */
  readonly namespace?: string;
  readonly grants: readonly LockGrant[];
  readonly operations: readonly TxnWrite[];
  /** For the audit log. */
  readonly reason?: string;
}

/** One write of a transaction; `cas` as in `kv-put` and `kv-delete`. */
export type TxnWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly flags?: string; readonly cas?: number }
  | { readonly type: 'delete'; readonly key: string; readonly cas?: number };

/** A contender that holds a lock. */
export interface LockHolder {
  readonly contender: string;
  /** Decimal digits; rises with each grant of the lock. */
  readonly token: string;
  readonly shared?: boolean;
  /** When it got the lock, by the registry's clock, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number;
  readonly value?: string;
}

/** A contender that waits for a lock. */
export interface LockWaiter {
  readonly contender: string;
  readonly shared?: boolean;
  /** When it came, by the registry's clock, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number;
  readonly value?: string;
}

/** The answer to `lock-acquire`. */
export interface LockedFrame {
  readonly type: 'locked';
  readonly id: number;
  /** `busy`: not free, and the contender does not wait. `late`: its time to wait is over. */
  readonly state: 'holds' | 'busy' | 'late';
  /** Of a contender that holds the lock: decimal digits. */
  readonly token?: string;
}

/** The answer to `lock-renew`. */
export interface LockRenewedFrame {
  readonly type: 'lock-renewed';
  readonly id: number;
  /** False when the session has ended: no grant stands. */
  readonly applied: boolean;
  /** Contenders whose grants do not stand any more. */
  readonly lost: readonly string[];
}

/** The answer to `lock-queue`. */
export interface LockWaitingFrame {
  readonly type: 'lock-waiting';
  readonly id: number;
  /** In the order of the queue; the first 1,000. */
  readonly waiting: readonly LockWaiter[];
}

/** The answer to `txn`. */
export interface CommittedFrame {
  readonly type: 'committed';
  readonly id: number;
  /** False: nothing was written. */
  readonly applied: boolean;
  readonly revision: number;
  /** A grant does not stand. */
  readonly fenced?: boolean;
  /** Index of the first operation whose `cas` did not match. */
  readonly failed?: number;
}

export type LockRequestFrame =
  | LockSessionFrame
  | LockRenewFrame
  | LockEndFrame
  | LockAcquireFrame
  | LockReleaseFrame
  | LockTransferFrame
  | LockQueueFrame
  | TxnFrame;

export type LockReplyFrame = LockedFrame | LockRenewedFrame | LockWaitingFrame | CommittedFrame;
