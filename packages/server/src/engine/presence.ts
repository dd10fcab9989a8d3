/**
 * The port of presence: which nodes of a shared store are alive, as far as the store can tell. A node holds its presence while it
 * runs; when it dies, its presence ends by itself within `ttlMs`. Presence only detects deaths: who belongs to the store is in the
 * log (the member rows), and so is what a death leads to.
 */

export interface Presence {
  /** A node that dies without a word, or is cut off from the store, is present for so long at most; in milliseconds. */
  readonly ttlMs: number;

  /**
   * Makes a node present; resolves when every watcher will hear of it. A presence of the same node that was held before is replaced
   * without a gap: a process that was killed and started again does not wait for its own past.
   * @param nodeId well-formed Unicode without NUL, at most 200 characters
   * @throws RegistryError `unavailable` when the engine is closed or unreachable
   */
  hold(nodeId: string): Promise<Held>;

  /**
   * Calls the listener with the ids of all nodes that are present: once they are known, and after each change. While the store
   * cannot be reached it is not called, since an unreachable store does not make nodes dead.
   * @returns ends the watch
   */
  watch(listener: (present: ReadonlySet<string>) => void): () => void;
}

/** A presence that is kept alive until it is released, lost, or its engine closes; closing releases it. */
export interface Held {
  /**
   * Resolves when the presence has ended without `release`: `expired` when the store has heard nothing for too long, `replaced`
   * when another holder of the same node id took over. The node is not renewed any more; it may hold again.
   */
  readonly lost: Promise<'expired' | 'replaced'>;
  /** Ends the presence at once. Idempotent; a failure to reach the store is left to `ttlMs`. */
  release(): Promise<void>;
}
