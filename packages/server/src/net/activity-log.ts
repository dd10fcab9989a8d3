/** The port through which front ends read the activity of all nodes (`all-activity.ts` implements it). */

import type { ActivityQuery } from '../security/activity.ts';
import type { AuditLine } from '../security/audit.ts';

export interface NodeLine extends AuditLine {
  /** Name of the node whose log has the line. */
  readonly node: string;
}

export interface NodesPage {
  /** The newest first; those of one node in the order of its log. */
  readonly lines: readonly NodeLine[];
  /** For `before` of the next page; absent when there is nothing older. */
  readonly cursor?: string;
  /** How far back this page has looked, in milliseconds since the Unix epoch; absent when it has looked at everything. */
  readonly backToMs?: number;
  /** The nodes that have answered. Lines of a node that is not lasting are gone when its process ends. */
  readonly nodes: readonly { readonly node: string; readonly isLasting: boolean }[];
  /** Names of nodes that have not. */
  readonly missing: readonly string[];
}

export interface ActivityLog {
  /** @throws RegistryError `invalid_argument` for a cursor of another form; `unavailable` when the file of this node cannot be read */
  find(query: ActivityQuery): Promise<NodesPage>;
}
