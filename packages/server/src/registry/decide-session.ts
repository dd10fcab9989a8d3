/** Decisions that create sessions and follow the connection of those that a stream vouches for. */

import { RegistryError } from '@rollcall/protocol';
import type { SessionConnected, SessionCreate } from './command.ts';
import { updateChecks } from './decide-remove.ts';
import type { Draft } from './draft.ts';
import { find } from './reader.ts';

export function createSession(draft: Draft, command: SessionCreate): boolean {
  if (find.session(draft, command.id) !== undefined) {
    throw new RegistryError('already_exists', `session ${command.id} exists already`);
  }
  if (find.node(draft, command.node) === undefined) {
    throw new RegistryError('failed_precondition', `node ${command.node} is not registered`);
  }
  for (const id of command.checks) {
    const check = find.check(draft, command.node, id);
    if (check === undefined) {
      throw new RegistryError('failed_precondition', `check ${id} is not registered on node ${command.node}`);
    }
    if (check.status === 'critical') {
      throw new RegistryError('failed_precondition', `check ${id} is in critical state`);
    }
  }
  const { kind: _kind, ...content } = command;
  draft.put({ ...content, kind: 'session', created: 0, modified: 0 });
  return true;
}

export function connectSession(
  draft: Draft,
  { id, connected }: SessionConnected,
  now: number,
): boolean {
  if (find.session(draft, id) === undefined) return false;
  const updates = [];
  for (const held of find.heldBySession(draft, id)) {
    if (held.kind !== 'instance') continue;
    for (const check of find.checksOfInstance(draft, held.node, held.id)) {
      if (check.type !== 'stream') continue;
      updates.push({
        node: check.node,
        id: check.id,
        status: connected ? ('passing' as const) : ('critical' as const),
        output: connected ? 'stream open' : 'stream closed',
      });
    }
  }
  updateChecks(draft, { kind: 'update-checks', updates }, now);
  return true;
}
