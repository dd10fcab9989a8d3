/**
 * The rows of locks. A lock is a name that a session may hold: an election is a lock whose holder leads, a semaphore is a lock with several
 * holders, and a read/write lock has holders that share it.
 *
 *   lock  NAME ── limit, and how many contenders hold it and wait for it
 *     ├─ lock-contender  A   holds it since revision 71: its token is (71, 0)
 *     ├─ lock-contender  B   waits, first in the queue
 *     └─ lock-contender  C   waits
 */

import type { LockPurpose } from '@rollcall/protocol';
import type { Revisions } from '../../row.ts';

/**
 * One lock, as long as it has a contender. Every change of its contenders writes it: transactions of several nodes about one lock never
 * overlap.
 */
export interface LockRow extends Revisions {
  readonly kind: 'lock';
  readonly namespace: string;
  readonly name: string;
  /** Most holders at once that do not share it. */
  readonly limit: number;
  /** Contenders that hold it. */
  readonly holding: number;
  /** Contenders that wait for it. */
  readonly waiting: number;
  /** Its holders share it; absent while it has none. */
  readonly shared?: true;
  /** Rises with each change: the order of its contenders. */
  readonly turn: number;
  /** For observers: what its contenders use it as. Absent: none of them has said. */
  readonly purpose?: LockPurpose;
  /** How often it was given in the transaction that wrote this row last. */
  readonly given: number;
}

/** A session that waits for a lock, or holds it. A contender that holds it is not written again until it is removed. */
export interface ContenderRow extends Revisions {
  readonly kind: 'lock-contender';
  readonly namespace: string;
  /** Of the lock. */
  readonly name: string;
  /** Chosen by the client, another one for each time that it wants the lock. */
  readonly id: string;
  readonly session: string;
  /** Place in the queue: the lower is older. */
  readonly order: number;
  /** It shares the lock with others that share it. */
  readonly shared?: true;
  /**
   * It holds the lock since the revision of this row, and is the lock's grant of this number in that transaction, from 0. Absent: it waits.
   */
  readonly nth?: number;
  /** It has left, and gets nothing; its row stays until all that are next have the lock. */
  readonly left?: true;
  /** When it came, in milliseconds since the Unix epoch. Absent: an older Rollcall wrote it, as for `gotMs`. */
  readonly cameMs?: number;
  /** When it got the lock. Absent: it waits. */
  readonly gotMs?: number;
  /** For observers: what the client says of itself. */
  readonly value?: string;
}

/** A contender that holds its lock. */
export type HolderRow = ContenderRow & { readonly nth: number };

export function holds(row: ContenderRow | undefined): row is HolderRow {
  return row?.nth !== undefined;
}

/**
 * Whether a contender has its lock since the store last went back to a backup. Another one may have got it after an older grant, and the store
 * has forgotten that.
 * @param base of the state (`State.base`)
 */
export function stands(row: ContenderRow | undefined, base: number): row is HolderRow {
  return holds(row) && row.modified >= base;
}

/** Grants of one lock in one transaction, at most: a token has the revision above these bits. */
const grantBits = 16n;

/**
 * The fencing token of a holder: the revision at which it got the lock, then which grant of that transaction it is. So tokens of a name
 * rise strictly, also over deletions of the lock, restarts, restores and nodes, as revisions of the log do.
 */
export function tokenOf({ modified, nth }: HolderRow): bigint {
  return (BigInt(modified) << grantBits) | BigInt(nth);
}

/** The revision and the grant in a token. */
export function partsOf(token: bigint): { readonly revision: number; readonly nth: number } {
  return { revision: Number(token >> grantBits), nth: Number(token & ((1n << grantBits) - 1n)) };
}
