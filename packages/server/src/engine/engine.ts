/**
 * The port of an engine: an ordered, durable store of records with compare-and-commit.
 *
 * An engine knows keys, bytes and revisions, nothing about services. The replica is its only
 * caller. Every engine passes the shared suite in `engine.case.ts`.
 */

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

export interface Transaction {
  /** Checked first, all against the same state. */
  readonly expect: readonly Expectation[];
  readonly put: readonly { readonly key: string; readonly value: Uint8Array }[];
  /** Keys to remove; a key that does not exist is ignored. */
  readonly delete: readonly string[];
  /**
   * Lower bound of the new revision: `max(last + 1, revisionAtLeast)`. A restore uses it to leap
   * ahead of everything that clients may have seen.
   */
  readonly revisionAtLeast?: number;
}

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** Nothing was written; `key` is the first expectation that failed, `revision` its real one. */
  | { readonly ok: false; readonly key: string; readonly revision: number };

export type EngineEvent =
  /** Part of the initial state, in any order, in chunks. `reset` marks the first chunk. */
  | { readonly kind: 'records'; readonly reset: boolean; readonly records: readonly EngineRecord[] }
  /** The initial state is complete and stands at `revision`. */
  | { readonly kind: 'caught-up'; readonly revision: number }
  /** One committed transaction. */
  | {
      readonly kind: 'transaction';
      readonly revision: number;
      readonly put: Transaction['put'];
      readonly delete: readonly string[];
    };

export interface Engine {
  /** For messages and metrics: `memory`, `embedded`. */
  readonly name: string;

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
   * With `after`, yields only the transactions after that revision; when those are no longer kept,
   * starts again with all records, the first chunk marked `reset`. Ends when `signal` aborts or
   * the engine closes. Reading starts with the first `next`; the values belong to the engine and are
   * not changed by either side.
   *
   * @throws RegistryError (from the iteration) `data_loss` when the reader has fallen too far behind
   *   or the store is damaged, `unavailable` when the store has failed
   */
  changes(options: { readonly after?: number; readonly signal: AbortSignal }): AsyncIterable<EngineEvent>;

  /**
   * The newest committed revision, linearizably; 0 for an empty store.
   * @throws RegistryError `unavailable` when the engine is closed or unreachable
   */
  barrier(): Promise<number>;

  /** Waits for commits in flight, then frees every resource. Idempotent. */
  close(): Promise<void>;
}

/** Longest record key, in bytes of UTF-8: above what the registry lets in (`keyBytesMax`), below what engines take. */
export const recordKeyBytesMax = 1_900;

/** Longest record value, in bytes: well above what front ends let in (bodies of 1 MiB). */
export const recordValueBytesMax = 8_388_608;
