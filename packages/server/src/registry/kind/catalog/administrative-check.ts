/**
 * The check that shows the administrative status of an instance to readers that know checks only. It exists as long as
 * the instance gets no traffic for that reason, and is always critical, as the checks of maintenance are. Decisions write
 * it together with the instance's row; it cannot be registered, updated or removed by itself.
 *
 * The effective status is not derived from it, but from the row (`effective-status.ts`).
 */

import type { InstanceStatus } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { administrativeStatusOf } from './effective-status.ts';
import { checkKey } from './keys.ts';
import { administrativeCheckId } from './known-checks.ts';
import type { CheckRow, InstanceRow } from './rows.ts';

const outputs: Readonly<Record<Exclude<InstanceStatus, 'passing' | 'warning'>, string>> = {
  starting: 'starting: the instance is not ready yet',
  draining: 'draining: the instance is about to leave',
  critical: 'down: the instance cannot serve',
  maintenance: 'out of service: the instance was taken out of service',
};

/**
 * Writes the row of an instance that is new or has changed, and its administrative check.
 * @param before the present row; if its status needs no check, there is no check to remove
 */
export function putInstanceRow(draft: Draft, key: string, before: InstanceRow | undefined, row: InstanceRow): void {
  draft.overwrite(key, before, row);
  const { namespace, node, id: instance } = row;
  const status = administrativeStatusOf(row);
  if (status === 'passing' || status === 'warning') {
    if (before !== undefined && needsCheck(before)) draft.delete(checkKey(namespace, node, administrativeCheckId(instance)));
    return;
  }
  draft.put<CheckRow>(administrativeCheck({ namespace, node, instance }, status));
}

/** The check of an instance that is kept from traffic by this status. */
export function administrativeCheck(
  { namespace, node, instance }: Pick<CheckRow, 'namespace' | 'node' | 'instance'>,
  status: Exclude<InstanceStatus, 'passing' | 'warning'>,
): CheckRow {
  return {
    kind: 'check',
    namespace,
    node,
    id: administrativeCheckId(instance),
    name: 'Administrative status',
    status: 'critical',
    notes: '',
    output: outputs[status],
    instance,
    type: 'status',
    definition: {},
    created: 0,
    modified: 0,
  };
}

function needsCheck(row: InstanceRow): boolean {
  const status = administrativeStatusOf(row);
  return status !== 'passing' && status !== 'warning';
}
