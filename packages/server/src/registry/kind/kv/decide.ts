/** Decisions about KV keys: writes with a condition, locks, deletions. */

import { RegistryError } from '@rollcall/protocol';
import type { KvDelete, KvDeleteTree, KvPut } from '../../command.ts';
import type { Draft } from '../../draft.ts';
import { find, type Reader } from '../../reader.ts';
import { keys, type KvRow } from '../../rows.ts';
import type { Steps } from '../../steps.ts';
import { lapsed } from './delay.ts';

export function putKey(draft: Draft, command: KvPut, now: number): boolean {
  const { namespace, key, value, flags, condition } = command;
  const before = find.kv(draft, namespace, key);
  const row: KvRow = {
    kind: 'kv',
    namespace,
    key,
    value,
    flags,
    lockIndex: before?.lockIndex ?? 0,
    ...(before?.session === undefined ? {} : { session: before.session }),
    created: 0,
    modified: 0,
  };
  switch (condition?.kind) {
    case undefined:
      write(draft, row);
      return true;
    case 'cas':
      if (!matches(before, condition.revision)) return false;
      write(draft, row);
      return true;
    case 'acquire': {
      const { session } = condition;
      if (find.liveSession(draft, namespace, session) === undefined) {
        throw new RegistryError('failed_precondition', `invalid session ${JSON.stringify(session)}`);
      }
      if (before?.session === session) write(draft, row);
      else {
        if (before?.session !== undefined || delayed(draft, command, now)) return false;
        write(draft, { ...row, session, lockIndex: row.lockIndex + 1 });
      }
      return true;
    }
    case 'release': {
      if (before?.session === undefined || before.session !== condition.session) return false;
      const { session: _released, ...released } = row;
      write(draft, released);
      return true;
    }
  }
}

export function deleteKey(draft: Draft, { namespace, key, cas }: KvDelete): boolean {
  const before = find.kv(draft, namespace, key);
  if (cas !== undefined) {
    if (before === undefined) return true;
    if (!matches(before, cas)) return false;
  }
  if (before !== undefined) removeKey(draft, before);
  return true;
}

/**
 * In one transaction, nothing may be added meanwhile. If it takes several, other writers may have added keys before its first
 * one that are not known here yet: so the second begins from the start, and concerns all that was there at the first.
 */
export function* deleteTree(draft: Draft, { namespace, prefix, after, asOf }: KvDeleteTree): Steps<boolean> {
  const begins = asOf === undefined;
  let last = after;
  for (const key of draft.unguardedOrdered('kv', namespace, prefix, after)) {
    const row = find.kv(draft, namespace, key);
    if (row === undefined) continue;
    if (wasThere(row.modified, asOf)) removeKey(draft, row);
    else draft.fill.add(1, 0);
    // The draft's own keys come first, in no order.
    if (row.modified !== 0) last = key;
    yield () => (begins && draft.guarded ? {} : { after: last });
  }
  if (begins) draft.relyOnKeys('kv', namespace, prefix);
  return true;
}

/**
 * Whether what was written at a revision was there when a removal began.
 * @param revision 0 for what is not committed yet
 * @param asOf as in `Resumable`
 */
export function wasThere(revision: number, asOf: number | undefined): boolean {
  return asOf === undefined || (revision !== 0 && revision <= asOf);
}

/** Removes a key that exists and remembers that it did. */
export function removeKey(draft: Draft, { namespace, key }: Pick<KvRow, 'namespace' | 'key'>): void {
  draft.delete(keys.kv(namespace, key));
  draft.put({ kind: 'tombstone', namespace, key, created: 0, modified: 0 });
}

function write(draft: Draft, row: KvRow): void {
  if (draft.put(row)) draft.delete(keys.tombstone(row.namespace, row.key));
}

/** Whether a key stands at a revision; a write of the same batch has none that matches. */
function matches(row: KvRow | undefined, revision: number): boolean {
  if (revision === 0) return row === undefined;
  return row !== undefined && row.modified === revision;
}

function delayed(reader: Reader, { namespace, key }: KvPut, now: number): boolean {
  const delay = find.delay(reader, namespace, key);
  return delay !== undefined && !lapsed(delay, now);
}
