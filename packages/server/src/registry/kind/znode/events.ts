/**
 * The events of znodes that a transaction makes, for watches: a front end observes what is applied (`observer.ts`), in order and before the
 * commands are answered, and gives each event to the watches that it concerns.
 *
 * Commands that are committed together share a zxid, and their events on one znode become one, with two exceptions: a znode that was deleted and
 * created again has both events, and one that was created is never deleted in the same transaction (`remove.ts`; but see there for a multi).
 */

import { isOf, type AnyRowChange } from '../../row.ts';
import type { ZnodeChildrenRow, ZnodeRow } from './rows.ts';

export interface ZnodeEvent {
  /** `children`: the list of children has changed. */
  readonly type: 'created' | 'deleted' | 'changed' | 'children';
  readonly namespace: string;
  readonly path: string;
}

/** @param changes of one transaction @param revision of the transaction */
export function* znodeEvents(changes: readonly AnyRowChange[], revision: number): Generator<ZnodeEvent, void, undefined> {
  for (const { before, after } of changes) {
    const row = after ?? before;
    if (isOf<ZnodeRow>(row, 'znode')) {
      const { namespace, path } = row;
      const isNew = after !== undefined && (before === undefined || after.created === revision);
      if (before !== undefined && (after === undefined || isNew)) yield { type: 'deleted', namespace, path };
      if (isNew) yield { type: 'created', namespace, path };
      else if (after !== undefined && before !== undefined && isSet(before, after)) yield { type: 'changed', namespace, path };
    } else if (isOf<ZnodeChildrenRow>(after, 'znode-children')) {
      yield { type: 'children', namespace: after.namespace, path: after.path };
    }
  }
}

/** Whether the data was set. A znode that is no instance any more is written, too. */
function isSet(before: unknown, after: unknown): boolean {
  return (before as ZnodeRow).version !== (after as ZnodeRow).version;
}
