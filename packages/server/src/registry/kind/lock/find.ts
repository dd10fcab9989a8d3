/** Finds locks and their contenders. */

import type { Indexed, Lookup, RoomIndex } from '../../room.ts';
import { contenderKey, lockBuckets, lockKey } from './keys.ts';
import type { ContenderRow, HolderRow, LockRow } from './rows.ts';

export function findLock(reader: Lookup, namespace: string, name: string): LockRow | undefined {
  return reader.get(lockKey(namespace, name)) as LockRow | undefined;
}

export function findContender(reader: Lookup, namespace: string, name: string, id: string): ContenderRow | undefined {
  return reader.get(contenderKey(namespace, name, id)) as ContenderRow | undefined;
}

/** In no particular order. */
export function locksIn(reader: Lookup, namespace: string): Iterable<LockRow> {
  return reader.bucket(lockBuckets.all(namespace)) as Iterable<LockRow>;
}

/** In no particular order. */
export function holdersOf(reader: Lookup, namespace: string, name: string): Iterable<HolderRow> {
  return reader.bucket(lockBuckets.holders(namespace, name)) as Iterable<HolderRow>;
}

/** In no particular order. */
export function waitersOf(reader: Lookup, namespace: string, name: string): Iterable<ContenderRow> {
  return reader.bucket(lockBuckets.waiters(namespace, name)) as Iterable<ContenderRow>;
}

/** The index of the room. */
export interface Queues extends RoomIndex {
  /** Contenders that wait for a lock, the oldest first. The state must not change between two steps. */
  waiting(namespace: string, name: string): Iterable<ContenderRow>;
}

/** Contenders that wait, the oldest first. @param max most of them */
export function queueOf(state: Pick<Indexed, 'index'>, namespace: string, name: string, max = Infinity): ContenderRow[] {
  const queue: ContenderRow[] = [];
  for (const row of (state.index('lock') as Queues | undefined)?.waiting(namespace, name) ?? []) {
    if (queue.length >= max) break;
    if (row.left !== true) queue.push(row);
  }
  return queue;
}
