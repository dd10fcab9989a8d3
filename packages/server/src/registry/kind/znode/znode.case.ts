/** Znodes in a journal, in few words: for tests. */

import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import type { ZnodeCheck, ZnodeCreate, ZnodeDelete, ZnodeSet, ZnodeSetAcl } from './commands.ts';
import { openAcl } from './rows.ts';
import { znodeReason } from './znode-error.ts';

export const namespace = 'default';

export const open = (id: string): Command => ({ kind: 'session-create', namespace, id, name: '', node: '', liveness: 'ttl', ttlMs: 10_000, exact: true, lockDelayMs: 0, behavior: 'delete', checks: [] });
export const close = (id: string): Command => ({ kind: 'session-destroy', namespace, id });

const client = { session: 's1', ids: [] };
const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));

export const create = (path: string, more: Partial<ZnodeCreate> = {}, data: string | null = ''): ZnodeCreate => ({ kind: 'znode-create', namespace, path, data: bytes(data), acl: openAcl, mode: 'persistent', client, ...more });
export const ephemeral = (path: string, session = 's1', more: Partial<ZnodeCreate> = {}): ZnodeCreate => create(path, { mode: 'ephemeral', client: { ...client, session }, ...more });
export const set = (path: string, data: string | null, version = -1, more: Partial<ZnodeSet> = {}): ZnodeSet => ({ kind: 'znode-set', namespace, path, data: bytes(data), version, client, ...more });
export const remove = (path: string, version = -1, more: Partial<ZnodeDelete> = {}): ZnodeDelete => ({ kind: 'znode-delete', namespace, path, version, client, ...more });
export const check = (path: string, version = -1): ZnodeCheck => ({ kind: 'znode-check', namespace, path, version, client });
export const setAcl = (path: string, acl: ZnodeSetAcl['acl'], version = -1, more: Partial<ZnodeSetAcl> = {}): ZnodeSetAcl => ({ kind: 'znode-set-acl', namespace, path, acl, version, client, ...more });
export const multi = (...changes: (ZnodeCheck | ZnodeCreate | ZnodeDelete | ZnodeSet)[]): Command => ({ kind: 'txn', operations: changes.map((change) => ({ change })) });

/** What each command answers; of a refusal the reason. */
export function answers(journal: Journal, commands: readonly Command[], now = 0): unknown[] {
  return journal.commit(commands, now).outcomes.map((outcome) => ('error' in outcome ? (znodeReason(outcome.error) ?? outcome.error.code) : outcome.result));
}

export function withSessions(...ids: string[]): Journal {
  const journal = new Journal();
  answers(journal, ids.map(open));
  return journal;
}
