/** The port through which front ends read the activity of all nodes (`all-activity.ts` implements it). */

import type { ActivityAnswer, ActivityLine } from '@rollcall/protocol';
import type { ActivityQuery } from '../security/activity.ts';

/** As a node has it: tokens have no names yet. */
export type NodeLine = Omit<ActivityLine, 'person'>;

export interface NodesPage extends Omit<ActivityAnswer, 'lines'> {
  /** The newest first; those of one node in the order of its log. */
  readonly lines: readonly NodeLine[];
}

export interface ActivityLog {
  /** @throws RegistryError `invalid_argument` for a cursor of another form; `unavailable` when the file of this node cannot be read */
  find(query: ActivityQuery): Promise<NodesPage>;
}
