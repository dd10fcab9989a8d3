/** A word for a configuration of which clients get nothing. It looks at no drafts besides whether there is one. */

import type { ListedConfig } from '@rollcall/protocol';

type Shown = Pick<ListedConfig, 'release' | 'last' | 'unpublished' | 'rollouts' | 'draft'>;

/** Why clients get nothing of a configuration that has no draft either; undefined for others. */
export function withoutRelease(row: Shown | undefined): string | undefined {
  if (row === undefined || row.release > 0 || row.rollouts !== undefined || row.draft !== undefined) return undefined;
  return row.last === 0 || row.unpublished === true ? 'not published' : 'removed';
}
