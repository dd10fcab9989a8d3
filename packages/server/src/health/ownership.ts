/**
 * The port of ownership: which node of a store watches which deadline. One node does for each, so that verdicts and probes are not
 * made twice; a heartbeat may come to any node. With one node it owns all (docs/decisions/0039).
 */

export interface Ownership {
  /** Id of this node, under which it holds the connections of streams. */
  readonly nodeId: string;
  /**
   * Whether this node watches a deadline: it passes the verdict when it expires, and runs the probes.
   * @param key record key of the check or the session
   */
  readonly owns: (key: string) => boolean;
  /** Whether another node holds connections under this id and is alive. @param holder id of a node */
  readonly livesElsewhere: (holder: string) => boolean;
}

/** For the only node of a store: what another one has held is lost. */
export function soleOwner(nodeId: string): Ownership {
  return { nodeId, owns: () => true, livesElsewhere: () => false };
}
