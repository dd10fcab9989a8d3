/**
 * Decisions that remove nodes, instances and checks with the rows that depend on them: a node with its instances, checks and
 * sessions; an instance with its checks. A check that fails or is removed ends the sessions bound to it. The room of sessions
 * decides how a session ends (`removal.ts`).
 */

import type { Removal } from '../../removal.ts';
import { wasThere, type Steps } from '../../steps.ts';
import { namespaceNames } from '../namespace/find.ts';
import { sessionsOnNode, sessionsWithCheck } from '../session/find.ts';
import type { DeregisterNode } from './commands.ts';
import { noteDeparture } from './departures.ts';
import { checksOfInstance, checksOnNode, findCheck, findInstance, findNode, instancesOnNode } from './find.ts';
import { catalogBuckets, checkKey, instanceKey, nodeKey } from './keys.ts';
import type { CheckRow } from './rows.ts';

/** @returns false when there is no such node */
export function* removeNode(removal: Removal, { node, asOf }: Pick<DeregisterNode, 'node' | 'asOf'>): Steps<boolean> {
  const { draft } = removal;
  if (findNode(draft, node) === undefined) return false;
  let younger = false;
  const goes = (revision: number): boolean => {
    const old = wasThere(revision, asOf);
    younger ||= !old;
    return old;
  };
  for (const namespace of namespaceNames(draft)) {
    for (const session of sessionsOnNode(draft, namespace, node)) {
      if (goes(session.created)) yield* removal.remove(session);
      yield;
    }
    for (const { id, modified } of instancesOnNode(draft, namespace, node)) {
      if (goes(modified)) yield* removeInstance(removal, namespace, node, id);
      yield;
    }
    // A change of its status meanwhile does not make a check newer.
    for (const { id, created } of checksOnNode(draft, namespace, node)) {
      if (goes(created)) yield* removeCheck(removal, namespace, node, id);
      yield;
    }
  }
  // Rows that were registered on it meanwhile came after its removal, and created it again.
  if (younger) return true;
  for (const bound of draft.bucket(catalogBuckets.boundToNode(node))) {
    yield* removal.remove(bound);
    yield;
  }
  draft.delete(nodeKey(node));
  return true;
}

/** @returns false when there is no such instance */
export function* removeInstance(removal: Removal, namespace: string, node: string, id: string): Steps<boolean> {
  const { draft } = removal;
  const row = findInstance(draft, namespace, node, id);
  if (row === undefined) return false;
  const checks = [...checksOfInstance(draft, namespace, node, id)];
  // An instance with more checks than this may go in several steps, the failing ones last.
  const checksAtOnce = Math.ceil(draft.fill.bound.rows / 4);
  if (checks.length > checksAtOnce) checks.sort((a, b) => severity(a) - severity(b));
  for (const check of checks) yield* endSessionsWith(removal, check);
  // Such a row comes and goes in transactions that write the instance, so the scan misses none.
  for (const bound of draft.unguardedBucket(catalogBuckets.boundToInstance(namespace, node, id))) yield* removal.release(bound, row);
  for (const [at, check] of checks.entries()) {
    if ((at + 1) % checksAtOnce === 0) yield;
    draft.delete(checkKey(namespace, node, check.id));
  }
  noteDeparture(draft, row, removal.now);
  draft.delete(instanceKey(namespace, node, id));
  return true;
}

/** @returns false when there is no such check */
export function* removeCheck(removal: Removal, namespace: string, node: string, id: string): Steps<boolean> {
  if (findCheck(removal.draft, namespace, node, id) === undefined) return false;
  yield* endSessionsWith(removal, { namespace, node, id });
  removal.draft.delete(checkKey(namespace, node, id));
  return true;
}

/** Ends the sessions that a check keeps alive. Must be called before the check fails or is removed. */
export function* endSessionsWith(removal: Removal, { namespace, node, id: check }: Pick<CheckRow, 'namespace' | 'node' | 'id'>): Steps<void> {
  for (const session of sessionsWithCheck(removal.draft, namespace, node, check)) {
    yield* removal.remove(session);
    yield;
  }
}

/** Ends the sessions that a check is about to end, if it turns critical now. */
export function* clearWay(removal: Removal, check: Pick<CheckRow, 'namespace' | 'node' | 'id'>, status: CheckRow['status']): Steps<void> {
  const { namespace, node, id } = check;
  if (status !== 'critical') return;
  const before = findCheck(removal.draft, namespace, node, id);
  // No session is bound to a check that does not exist.
  if (before !== undefined && before.status !== 'critical') yield* endSessionsWith(removal, check);
}

function severity({ status }: CheckRow): number {
  return ['passing', 'warning', 'critical'].indexOf(status);
}
