/** Removes znodes, whatever the reason: a request, the end of a session, a time that is over, the end of its instance or its namespace. */

import type { Removal } from '../../removal.ts';
import { isOf, type AnyRow } from '../../row.ts';
import type { Steps } from '../../steps.ts';
import { removeInstance } from '../catalog/remove.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import { findChildren } from './find.ts';
import { aclKey, childrenKey, parentOf, znodeKey } from './keys.ts';
import type { ZnodeChildrenRow, ZnodeRow } from './rows.ts';

/**
 * A znode that an earlier command of the same transaction has created would leave no trace, and a client that waits for it would never hear
 * of it. So it is removed in the next transaction. Within one multi it stays unheard of.
 */
export function* removeZnode(row: ZnodeRow, removal: Removal): Steps<void> {
  const { draft } = removal;
  const { namespace, path } = row;
  if (row.created === 0 && !draft.isNested) {
    draft.fill.end();
    yield;
  }
  const key = znodeKey(namespace, path);
  // Its instance removes it in turn.
  if (!removal.begins(key)) return;
  if (row.instance === true) yield* removeInstance(removal, namespace, '', path);
  draft.delete(key);
  draft.delete(aclKey(namespace, path));
  draft.delete(childrenKey(namespace, path));
  const parent = parentOf(path);
  const list = findChildren(draft, namespace, parent);
  // With its namespace, a parent may be removed before its children.
  if (list !== undefined) draft.put<ZnodeChildrenRow>({ ...list, children: list.children - 1 });
}

/** Its session ends, or its instance is removed by another protocol. A znode with children stays without its instance. */
export function* releaseZnode(row: ZnodeRow, holder: AnyRow, removal: Removal): Steps<void> {
  const { draft } = removal;
  const { children = 0 } = findChildren(draft, row.namespace, row.path) ?? {};
  if (!isOf<InstanceRow>(holder, 'instance') || children === 0) yield* removeZnode(row, removal);
  else {
    const { instance: _gone, ...rest } = row;
    draft.put<ZnodeRow>(rest);
  }
}
