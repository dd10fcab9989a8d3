/** What an instance adds to the counts of its service. */

import type { InstanceRow } from './rows.ts';

/** Whether both rows add the same to the counts. Both have one key, so they have one namespace and one node. */
export function offersTheSame(before: InstanceRow, after: InstanceRow): boolean {
  return (
    before.service === after.service &&
    before.tags.length === after.tags.length &&
    before.tags.every((tag, index) => tag === after.tags[index])
  );
}
