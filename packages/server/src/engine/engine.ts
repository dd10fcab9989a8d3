/**
 * The port of an engine: an ordered, durable store of records with compare-and-commit.
 *
 * An engine knows keys, bytes and revisions, nothing about services. Only replicas call it. Every engine passes the
 * suite in `engine.case.ts`; one that several replicas may share also passes `shared.case.ts`.
 */

import type { Presence } from './presence.ts';

export interface EngineRecord {
  /** Printable parts joined by NUL, well-formed Unicode; at most `recordKeyBytesMax` bytes of UTF-8. */
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the transaction that last wrote this record. */
  readonly revision: number;
}

export interface Expectation {
  readonly key: string;
  /** The revision that the record must have; 0 means that it must not exist. */
  readonly revision: number;
}

/** A condition on all records whose keys begin alike. */
export interface RangeGuard {
  /** The prefix of their keys. */
  readonly under: string;
  /** No later transaction than this revision may have put such a record. Deletions do not count. */
  readonly notAfter: number;
}

export interface Transaction {
  /** Checked first, all against the same state. */
  readonly expect: readonly Expectation[];
  /** Checked after the expectations, against the same state. An engine that cannot tell any more takes a guard as failed. */
  readonly guards?: readonly RangeGuard[];
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  /** Keys to remove; a key that does not exist is ignored. */
  readonly delete: readonly string[];
  /**
   * Lower bound of the new revision: `max(last + 1, revisionAtLeast)`. A restore uses it to leap
   * ahead of everything that clients may have seen.
   */
  readonly revisionAtLeast?: number;
  /**
   * The base (`caught-up`) of the state on which it was decided; 0 when it had none. If the store has gone back since, nothing is written,
   * also when all conditions hold: records that the decision relied on, or that it did not find, may have been lost. Any when absent.
   */
  readonly base?: number;
}

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /**
   * Nothing was written. `key` is that of the first expectation that failed, and `revision` the record's real one; or
   * `key` is the prefix of the first guard that failed, and `revision` 0; or the store has gone back since `base`: both are empty and 0.
   */
  | { readonly ok: false; readonly key: string; readonly revision: number };

/** The limits of one transaction; the caller stays within them. `Infinity` where there is no limit. */
export interface EngineLimits {
  /** Most expectations and guards together, and most puts and deletions together: each of the two sums, as etcd counts. */
  readonly operations: number;
  /** Most bytes of all keys and values together, in UTF-8. */
  readonly bytes: number;
}

export type EngineEvent =
  /** Part of the initial state, in any order, in chunks. `reset` marks the first chunk. */
  | { readonly kind: 'records'; readonly reset: boolean; readonly records: readonly EngineRecord[] }
  /**
   * The initial state is complete and stands at `revision`. With `base`, the store went back to a backup before that revision, so readers may
   * have seen anything below it: no view may be said to stand at less. Records keep the revisions that they had.
   */
  | { readonly kind: 'caught-up'; readonly revision: number; readonly base?: number }
  /** One committed transaction. */
  | {
      readonly kind: 'transaction';
      readonly revision: number;
      readonly put: Transaction['put'];
      readonly delete: readonly string[];
    };

/** A record before or after a change. */
export interface StoredRecord {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** What one transaction has changed, in order. */
export interface OverwrittenTransaction {
  readonly revision: number;
  readonly changes: readonly { readonly key: string; readonly before: StoredRecord | undefined; readonly after: StoredRecord | undefined }[];
}

export interface Engine {
  /** For messages and metrics: `memory`, `embedded`, `etcd`. */
  readonly name: string;

  readonly limits: EngineLimits;

  /**
   * Whether one replica at most commits to the store while this engine is open. Then nothing changes between a decision
   * and its commit, and the replica leaves out what only other writers make necessary (docs/decisions/0037, 0160).
   */
  readonly exclusive: boolean;

  /** Which nodes on the store are alive; an engine that only one node can use may lack it. */
  readonly presence?: Presence;

  /**
   * Applies all writes atomically, or none.
   *
   * Resolves once the transaction is durable. Concurrent calls are allowed and take effect one
   * after the other in the order of the calls.
   *
   * @throws RegistryError `resource_exhausted` when there is no room (nothing was written),
   *   `invalid_argument` for a key or value over the limits, a key that is not well-formed Unicode,
   *   or a `revisionAtLeast` that is no integer or above 2^52 (nothing was written),
   *   `unknown_outcome` when it cannot be told whether the transaction took effect,
   *   `unavailable` when the engine is closed or unreachable (nothing was written).
   */
  commit(transaction: Transaction): Promise<CommitResult>;

  /**
   * Yields every record, then `caught-up`, then each later transaction exactly once in revision
   * order without a gap.
   *
   * With `after`, yields only the transactions after that revision. When those are no longer kept, and when a reader
   * has fallen so far behind that the next ones are dropped, it starts again: all records, the first chunk marked
   * `reset`, then `caught-up`. Ends when `signal` aborts or the engine closes. Reading starts with the first `next`; the
   * values belong to the engine and neither side changes them.
   *
   * @throws RegistryError (from the iteration) `unavailable` when the connection to the store is lost: the reader comes
   *   back with `after`; `data_loss` when the store is damaged, or has failed until it is opened again
   */
  changes(options: { readonly after?: number; readonly signal: AbortSignal }): AsyncIterable<EngineEvent>;

  /**
   * The newest committed revision, linearizably; 0 for an empty store.
   * @throws RegistryError `unavailable` when the engine is closed or unreachable
   */
  barrier(): Promise<number>;

  /**
   * What each transaction after a revision has changed; undefined when the engine does not have all of them any more, or they are too
   * many. Only an engine that keeps its log can tell, and it may take as long as a start.
   */
  overwritten?(after: number): Promise<readonly OverwrittenTransaction[] | undefined>;

  /** Waits for commits in flight, then frees every resource. Idempotent. */
  close(): Promise<void>;
}

/** Longest record key, in bytes of UTF-8: above what the registry lets in (`keyBytesMax`), below what engines take. */
export const recordKeyBytesMax = 4_096;

/** Longest record value, in bytes: well above what front ends let in (bodies of 1 MiB). */
export const recordValueBytesMax = 8_388_608;
