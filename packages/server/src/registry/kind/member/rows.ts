/** The rows about members: the nodes of a store that several of them share. */

import type { Revisions } from '../../row.ts';

/** A node that belongs to the store. */
export interface Member {
  /** Different for each node of the store. */
  readonly nodeId: string;
  /** For people; different among the machines of the store. */
  readonly name: string;
  /** URL at which other nodes reach it; empty when they cannot. */
  readonly address: string;
  /** Version of the Rollcall that it runs. */
  readonly version: string;
  /** Rises with each join of any node, so commands from before the last join of a node have a smaller one. */
  readonly epoch: number;
  /** It is about to leave: it keeps its deadlines until its clients are on other nodes, and gets no new ones. */
  readonly draining?: true;
  /** A process of another member's machine; not shown where machines are listed. */
  readonly worker?: true;
  /** It follows the log of another member, perhaps over a thin link: it watches what it holds, and nothing else. */
  readonly edge?: true;
  /** The newest level of records that it reads (`read-by-all.ts`); 1 when absent. */
  readonly reads?: number;
}

/**
 * All members, in one row: whether a member may pass a verdict depends on who the others are, and one row is one expectation of
 * the transaction (docs/decisions/0070).
 */
export interface MembersRow extends Revisions {
  readonly kind: 'members';
  /** The last epoch that was given. */
  readonly lastEpoch: number;
  /** In the order in which they joined. */
  readonly members: readonly Member[];
}

/**
 * A machine that was a member and whose presence has ended. For operators: no decision depends on it. It goes when the node joins again,
 * when an operator removes it, and after `failedKeptMs`.
 */
export interface FailedMemberRow extends Revisions {
  readonly kind: 'failed-member';
  readonly nodeId: string;
  readonly name: string;
  readonly address: string;
  readonly version: string;
  /** When the others noticed it, in milliseconds since 1970. */
  readonly failedMs: number;
}

/**
 * A member watches a deadline that another one was to watch: the heartbeats come to it. It is a row of its own, which no view shows,
 * so that a move of heartbeats wakes no watcher (docs/decisions/0071).
 */
export interface ClaimRow extends Revisions {
  readonly kind: 'claim';
  /** Record key of the check or the session. */
  readonly of: string;
  /** Id of the member. */
  readonly holder: string;
}
