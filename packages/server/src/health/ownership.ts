/**
 * The port of ownership: which node of a store watches which deadline. One node does for each, so that verdicts and probes are not
 * made twice. With one node it owns all. Among several, `cluster/ownership.ts` says who (docs/decisions/0039, 0071).
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { Judge } from '../registry/judged.ts';

/** A heartbeat that came to a node which does not watch its deadline. */
export interface StrayBeat {
  /** Record key of the check or the session. */
  readonly key: string;
  /** Empty for the renewal of a session, for a check that was registered again, and for a probe that is to run now: nothing is said of it. */
  readonly status: CheckStatus | '';
  readonly output: string;
  readonly principal: string;
  /** The connection on which it came, of which only the identity counts; undefined when that is not known. */
  readonly connection: object | undefined;
}

export interface Ownership {
  /** Id of this node, under which it holds the connections of streams. */
  readonly nodeId: string;
  /** What verdicts of this node name as their judge; undefined for the only node of a store, and while it is no member. */
  readonly judge: Judge | undefined;
  /** Another number whenever members have changed: any deadline may have another owner than before. */
  readonly generation: number;
  /**
   * Whether this node watches a deadline: it passes the verdict when it expires, and runs the probes.
   * @param key record key of the check or the session
   */
  owns(key: string): boolean;
  /** Brings a heartbeat to the node that watches its deadline. */
  stray(beat: StrayBeat): void;
}

/** For the only node of a store: what another one has held is lost. */
export function soleOwner(nodeId: string): Ownership {
  return { nodeId, judge: undefined, generation: 0, owns: () => true, stray: () => {} };
}
