/** Which instances a change of a row concerns, as Eureka's clients see them: by their own row, a check, or the node that they are on. */

import { findInstance, instancesOnNode } from '../../registry/kind/catalog/find.ts';
import { instanceKey } from '../../registry/kind/catalog/keys.ts';
import type { CheckRow, InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import type { RowChange } from '../../registry/kinds.ts';
import type { Lookup } from '../../registry/room.ts';
import { isOf, type AnyRowChange } from '../../registry/row.ts';
import { namespace } from './names.ts';

export interface Touched {
  /** Record key of the instance. */
  readonly key: string;
  /** As it is now; as it was, if it is gone. */
  readonly row: InstanceRow;
  /** As it was, if its own row has changed. */
  readonly before?: InstanceRow | undefined;
}

/** @param state after the change */
export function touchedBy(state: Lookup, change: RowChange): readonly Touched[] {
  const { key, before, after } = change as AnyRowChange;
  const row = after ?? before;
  if (isOf<InstanceRow>(row, 'instance')) return row.namespace === namespace ? [{ key, row, before: before as InstanceRow | undefined }] : [];
  if (isOf<CheckRow>(row, 'check')) {
    if ((before as CheckRow | undefined)?.status === (after as CheckRow | undefined)?.status) return [];
    if (row.instance === '') return onNode(state, row.node);
    return row.namespace === namespace ? one(state, row.node, row.instance) : [];
  }
  if (!isOf<NodeRow>(row, 'node')) return [];
  const isMoved = (before as NodeRow | undefined)?.address !== (after as NodeRow | undefined)?.address;
  return isMoved ? onNode(state, row.name) : [];
}

function one(state: Lookup, node: string, id: string): Touched[] {
  const row = findInstance(state, namespace, node, id);
  return row === undefined ? [] : [{ key: instanceKey(namespace, node, id), row }];
}

function onNode(state: Lookup, node: string): Touched[] {
  return [...instancesOnNode(state, namespace, node)].map((row) => ({ key: instanceKey(namespace, node, row.id), row }));
}
