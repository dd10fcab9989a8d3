/**
 * Heads: on an engine with other writers, each set of rows that decisions scan has a small record, its head
 * (docs/decisions/0037). A transaction that adds a row to the set puts the head. A transaction whose decision scanned
 * the set expects the head as it was, and so loses against one that added what the scan has missed.
 *
 * A decision reads by key what it uses of the rows that it found, so rows that change or go are expected by themselves.
 * Which bucket has which head says the room of its rows; which heads a transaction puts is decided in `touch-heads.ts`.
 */

/** The heads by the sets that they stand for. */
export const headOf = {
  /** Instances, checks and sessions on the node, in every namespace, and which sessions a check ends. */
  node: (node: string) => `node\0${node}`,
  /**
   * Checks of an instance that has no node, and sessions with such a check, of which there are none. One head for all of
   * them would set every registration against every other.
   * @param id of the instance, or of the check
   */
  withoutNode: (namespace: string, id: string) => `without-node\0${namespace}\0${id}`,
  /** What a session holds. */
  session: (namespace: string, id: string) => `session\0${namespace}\0${id}`,
  /** The node with an id. */
  nodeId: (id: string) => `node-id\0${id}`,
  /** Prepared queries, whose names must differ. */
  queries: (namespace: string) => `queries\0${namespace}`,
  namespaces: () => 'namespaces',
} as const;
