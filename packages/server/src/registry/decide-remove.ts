/**
 * Decisions that take something away, and what goes with it.
 *
 * The cascades call each other, so they live together: a node takes its instances, checks and
 * sessions; an instance its checks; a check that fails or goes takes the sessions bound to it; a
 * session its locks, the instances it vouches for and the records bound to it.
 */

import type { CheckStatus } from '@rollcall/protocol';
import type { UpdateChecks } from './command.ts';
import { removeKey } from './decide-kv.ts';
import type { Draft } from './draft.ts';
import { find } from './reader.ts';
import { keys, type CheckRow } from './rows.ts';

export function updateChecks(draft: Draft, { updates }: UpdateChecks, now: number): number {
  let existed = 0;
  for (const { node, id, status, output } of updates) {
    const before = find.check(draft, node, id);
    if (before === undefined) continue;
    existed++;
    const after = { ...before, status: status ?? before.status, output: output ?? before.output };
    writeCheck(draft, after, before.status, now);
  }
  return existed;
}

/** Writes a check; turning critical ends the sessions bound to it. */
export function writeCheck(draft: Draft, row: CheckRow, before: CheckStatus | undefined, now: number): void {
  draft.put(row);
  if (row.status === 'critical' && before !== 'critical') {
    endSessionsWithCheck(draft, row.node, row.id, now);
  }
}

export function deregisterCheck(draft: Draft, node: string, id: string, now: number): boolean {
  if (!draft.delete(keys.check(node, id))) return false;
  endSessionsWithCheck(draft, node, id, now);
  return true;
}

export function deregisterInstance(draft: Draft, node: string, id: string, now: number): boolean {
  if (!draft.delete(keys.instance(node, id))) return false;
  for (const check of [...find.checksOfInstance(draft, node, id)]) {
    deregisterCheck(draft, node, check.id, now);
  }
  return true;
}

export function deregisterNode(draft: Draft, node: string, now: number): boolean {
  if (find.node(draft, node) === undefined) return false;
  for (const session of [...find.sessionsOnNode(draft, node)]) destroySession(draft, session.id, now);
  for (const instance of [...find.instancesOnNode(draft, node)]) {
    deregisterInstance(draft, node, instance.id, now);
  }
  for (const check of [...find.checksOnNode(draft, node)]) deregisterCheck(draft, node, check.id, now);
  draft.delete(keys.node(node));
  return true;
}

/**
 * Ends a session. An explicit destroy, too, starts the lock delay of every key that it held, as in
 * Consul (https://developer.hashicorp.com/consul/docs/automate/session); a release does not.
 */
export function destroySession(draft: Draft, id: string, now: number): boolean {
  const session = find.session(draft, id);
  if (session === undefined) return false;
  draft.delete(keys.session(id));
  for (const held of [...find.heldBySession(draft, id)]) {
    if (held.kind === 'instance') {
      deregisterInstance(draft, held.node, held.id, now);
      continue;
    }
    if (held.kind === 'record') {
      draft.delete(keys.record(held.type, held.id));
      continue;
    }
    if (session.behavior === 'delete') removeKey(draft, held.key);
    else {
      const { session: _released, ...rest } = held;
      draft.put(rest);
    }
    if (session.lockDelayMs > 0) {
      draft.put({
        kind: 'delay',
        key: held.key,
        untilMs: now + session.lockDelayMs,
        delayMs: session.lockDelayMs,
        created: 0,
        modified: 0,
      });
    }
  }
  return true;
}

function endSessionsWithCheck(draft: Draft, node: string, check: string, now: number): void {
  for (const session of [...find.sessionsOnNode(draft, node)]) {
    if (session.checks.includes(check)) destroySession(draft, session.id, now);
  }
}
