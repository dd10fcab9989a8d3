/** When containers and znodes with a TTL are removed: the rules of ZooKeeper's `ContainerManager`. A command prompts it, and the decision looks at the rows again. */

import type { Draft } from '../../draft.ts';
import { stands } from '../../if-it-stands.ts';
import { Removal } from '../../removal.ts';
import type { Lookup } from '../../room.ts';
import type { Steps } from '../../steps.ts';
import type { ZnodeReap } from './commands.ts';
import { findChildren, findZnode } from './find.ts';
import type { ZnodeRow } from './rows.ts';

/** A container that has never had a child is removed after this: its client may be about to create one. */
export const neverUsedMs = 300_000;

/** How long a znode must have been as it is before it is removed; undefined for one that stays until something changes. */
export function reapedAfterMs(reader: Lookup, { namespace, path, lifetime, ttlMs }: ZnodeRow): number | undefined {
  if (lifetime === undefined) return undefined;
  const { sequence = 0, children = 0 } = findChildren(reader, namespace, path) ?? {};
  if (children > 0) return undefined;
  if (lifetime === 'ttl') return ttlMs;
  return sequence > 0 ? 0 : neverUsedMs;
}

export function* reapZnode(draft: Draft, { namespace, path, judged }: ZnodeReap, now: number): Steps<boolean> {
  if (!stands(draft, judged)) return false;
  const row = findZnode(draft, namespace, path);
  const afterMs = row && reapedAfterMs(draft, row);
  if (row === undefined || afterMs === undefined || now - row.mtimeMs < afterMs) return false;
  yield* new Removal(draft, now).remove(row);
  return true;
}
