/** How instances are written in rules, places and reports. */

import type { InstanceRow } from '../catalog/rows.ts';

export function instanceName({ node, id }: Pick<InstanceRow, 'node' | 'id'>): string {
  return `${node}/${id}`;
}
