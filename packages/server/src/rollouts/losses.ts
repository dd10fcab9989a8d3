/**
 * Which instances were lost in a transaction. Rows do not say why an instance was removed, so its last state decides:
 *
 *   removed while a check of it, or of its node, was critical     lost: its process or its machine had died
 *   registered again by another session than before               lost: its process began again without a goodbye
 *   removed while it drained or was in maintenance, or was well   not lost: it was taken out on purpose
 */

import { administrativeStatusOf, statusOfCheck, statusOfNode } from '../registry/kind/catalog/effective-status.ts';
import type { CheckRow, InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { RowChange } from '../registry/kinds.ts';
import type { Reader } from '../registry/reader.ts';

/** @param state after the transaction @param counts whether a loss of the instance matters @returns the instances as they were before */
export function lossesIn(state: Reader, changes: readonly RowChange[], counts: (instance: InstanceRow) => boolean): readonly InstanceRow[] {
  const lost: InstanceRow[] = [];
  const gone: InstanceRow[] = [];
  for (const { before, after } of changes) {
    if (before?.kind !== 'instance' || !counts(before)) continue;
    if (after?.kind !== 'instance') gone.push(before);
    else if (before.session !== undefined && after.session !== undefined && before.session !== after.session) lost.push(before);
  }
  if (gone.length === 0) return lost;
  const critical = new Set<string>();
  for (const { before, after } of changes) {
    if (before?.kind === 'check' && after === undefined && statusOfCheck(before) === 'critical') critical.add(checked(before));
  }
  const wasCritical = ({ namespace, node, id }: InstanceRow) =>
    critical.has(checked({ namespace, node, instance: id })) || (node !== '' && (critical.has(checked({ namespace, node, instance: '' })) || statusOfNode(state, node) === 'critical'));
  return [...lost, ...gone.filter((row) => administrativeStatusOf(row) === 'passing' && wasCritical(row))];
}

/** What a check is of. Those of a node are in one namespace, and count in each. */
function checked({ namespace, node, instance }: Pick<CheckRow, 'namespace' | 'node' | 'instance'>): string {
  return instance === '' ? node : `${namespace}\0${node}\0${instance}`;
}
