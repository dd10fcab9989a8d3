/** Decisions that create sessions and follow the connection of those that a stream vouches for. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { Removal } from '../../removal.ts';
import type { Steps, Stop } from '../../steps.ts';
import { checksOfInstance, findCheck, findNode, instancesOfSession } from '../catalog/find.ts';
import { clearWay } from '../catalog/remove.ts';
import type { CheckRow } from '../catalog/rows.ts';
import type { SessionConnected, SessionCreate, SessionReconnect, SessionRenew } from './commands.ts';
import { findLiveSession, findSession } from './find.ts';
import type { SessionRow } from './rows.ts';

export function createSession(draft: Draft, command: SessionCreate): boolean {
  const { namespace, node } = command;
  if (findSession(draft, namespace, command.id) !== undefined) {
    throw new RegistryError('already_exists', `session ${command.id} exists already`);
  }
  if (node !== '' && findNode(draft, node) === undefined) {
    throw new RegistryError('failed_precondition', `node ${node} is not registered`);
  }
  if (node === '' && command.checks.length > 0) {
    throw new RegistryError('failed_precondition', 'a session without a node cannot be bound to checks');
  }
  for (const { namespace: of, id } of command.checks) {
    const check = findCheck(draft, of, node, id);
    // Another namespace's instances must not end it, nor tell whether they exist.
    if (check === undefined || (of !== namespace && check.instance !== '')) {
      throw new RegistryError('failed_precondition', `check ${id} is not registered on node ${node}`);
    }
    if (check.status === 'critical') {
      throw new RegistryError('failed_precondition', `check ${id} is in critical state`);
    }
  }
  const { kind: _kind, holder: _holder, ...content } = command;
  draft.put<SessionRow>({ ...content, ...held(draft, command), kind: 'session', created: 0, modified: 0 });
  return true;
}

/** A session with a TTL is held by the node through which it is created, if there are several. */
function held({ nodeId }: Draft, { liveness, ttlMs, holder }: Pick<SessionRow, 'liveness' | 'ttlMs' | 'holder'>): Pick<SessionRow, 'holder' | 'epoch'> {
  if (liveness === 'ttl') return nodeId === undefined || ttlMs === 0 ? {} : { holder: nodeId };
  return holder === undefined ? {} : { holder, epoch: 1 };
}

export function renewSession(draft: Draft, { namespace, id }: SessionRenew): boolean {
  const session = findLiveSession(draft, namespace, id);
  if (session?.strict !== true) return false;
  return draft.put<SessionRow>({ ...session, epoch: (session.epoch ?? 0) + 1 });
}

/** @returns the epoch that begins; false when there is no such session with a TTL */
export function reconnectSession(draft: Draft, { namespace, id }: SessionReconnect): number | false {
  const session = findLiveSession(draft, namespace, id);
  if (session?.liveness !== 'ttl' || session.strict === true) return false;
  const epoch = (session.epoch ?? 0) + 1;
  draft.put<SessionRow>({ ...session, ...held(draft, session), epoch });
  return epoch;
}

/**
 * Changes all stream checks of the session, in one transaction unless the engine takes only small ones. Skips those that have
 * the status already.
 */
export function* connectSession(draft: Draft, command: SessionConnected, now: number): Steps<boolean> {
  const { namespace, id, connected } = command;
  const session = findLiveSession(draft, namespace, id);
  if (session === undefined || !isNewest(session, command)) return false;
  const { holder: _before, ...rest } = session;
  const before = session.epoch ?? 0;
  const epoch = session.holder === command.holder ? before : (command.epoch ?? before + 1);
  draft.put<SessionRow>(connected ? { ...rest, holder: command.holder, epoch } : rest);
  const going: Stop = connected ? () => ({ epoch }) : undefined;
  const checks: CheckRow[] = [];
  for (const instance of instancesOfSession(draft, namespace, id)) {
    for (const check of checksOfInstance(draft, namespace, instance.node, instance.id)) {
      const said = connected ? open : closed;
      if (check.type === 'stream' && (check.status !== said.status || check.output !== said.output)) checks.push({ ...check, ...said });
    }
  }
  const removal = new Removal(draft, now);
  for (const check of checks) {
    for (const _ of clearWay(removal, check, check.status)) yield going;
    if (findCheck(draft, namespace, check.node, check.id) !== undefined) draft.put(check);
    yield going;
  }
  return true;
}

/** Whether no newer connection has come meanwhile. */
function isNewest({ holder, epoch = 0 }: SessionRow, command: SessionConnected): boolean {
  if (command.connected && command.epoch === undefined) return holder === command.holder || epoch <= command.after;
  if (epoch !== command.epoch) return false;
  return command.connected || holder === undefined || holder === command.holder;
}

const open = { status: 'passing', output: 'stream open' } as const;
const closed = { status: 'critical', output: 'stream closed' } as const;
