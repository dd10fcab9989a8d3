/** Decisions about KV keys: writes with a condition, locks, deletions. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { floorKey, type FloorRow } from '../../markers.ts';
import type { Reader } from '../../reader.ts';
import type { Removal } from '../../removal.ts';
import { wasThere, type Steps } from '../../steps.ts';
import { findLiveSession } from '../session/find.ts';
import type { SessionRow } from '../session/rows.ts';
import type { KvDelete, KvDeleteTree, KvPut } from './commands.ts';
import { lapsed } from './delay.ts';
import { findDelay, findKv } from './find.ts';
import { kvKey, tombstoneKey } from './keys.ts';
import type { DelayRow, KvRow, TombstoneRow } from './rows.ts';
import { refuseRemovalOfShown, refuseWriteOfShown } from './shown-configurations.ts';

export function putKey(draft: Draft, command: KvPut, now: number): boolean {
  const { namespace, key, value, flags, condition } = command;
  refuseWriteOfShown(draft, command);
  const before = findKv(draft, namespace, key);
  const row: KvRow = {
    kind: 'kv',
    namespace,
    key,
    value,
    flags,
    lockIndex: lockIndexOf(draft, before),
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
      if (findLiveSession(draft, namespace, session) === undefined) {
        throw new RegistryError('failed_precondition', `invalid session ${JSON.stringify(session)}`);
      }
      if (before?.session === session) write(draft, row);
      else {
        if (before?.session !== undefined || delayed(draft, command, now)) return false;
        write(draft, { ...row, session, lockIndex: row.lockIndex === 0 ? Math.max(1, forgottenBefore(draft)) : row.lockIndex + 1 });
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

/** Of a key that is written: none that a reader may have seen of it was higher, also if the store went back since. 0 if it was never a lock. */
function lockIndexOf(draft: Draft, before: KvRow | undefined): number {
  if (before === undefined || before.lockIndex === 0) return 0;
  return Math.max(before.lockIndex, forgottenBefore(draft));
}

/**
 * A revision below which locks may have been given that the store has forgotten: it went back to a backup. The lock index is a fencing
 * token, so the next one of each key is no smaller. Each lock takes a transaction, so none had an index above its revision.
 */
function forgottenBefore(draft: Draft): number {
  return Math.max(draft.base, (draft.get(floorKey()) as FloorRow | undefined)?.restored ?? 0);
}

export function deleteKey(draft: Draft, command: KvDelete): boolean {
  const { namespace, key, cas } = command;
  const before = findKv(draft, namespace, key);
  refuseRemovalOfShown(draft, command, before !== undefined);
  if (cas !== undefined) {
    if (before === undefined) return true;
    if (!matches(before, cas)) return false;
  }
  if (before !== undefined) removeKey(draft, before);
  return true;
}

/**
 * In one transaction, nothing may be added meanwhile. If it takes several, other writers may have added keys before its first
 * one that are not known here yet. So the second begins from the start, and removes all keys that existed at the first.
 */
export function* deleteTree(draft: Draft, { namespace, prefix, after, asOf }: KvDeleteTree): Steps<boolean> {
  const begins = asOf === undefined;
  let last = after;
  for (const key of draft.unguardedOrdered('kv', namespace, prefix, after)) {
    const row = findKv(draft, namespace, key);
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

/** Removes a key that exists and remembers that it did. */
export function removeKey(draft: Draft, { namespace, key }: Pick<KvRow, 'namespace' | 'key'>): void {
  draft.delete(kvKey(namespace, key));
  draft.put<TombstoneRow>({ kind: 'tombstone', namespace, key, created: 0, modified: 0 });
}

/** The session that holds a key ends: its lock is released, or the key is deleted, as the session says. */
export function letGo(held: KvRow, { behavior, lockDelayMs }: SessionRow, { draft, now }: Removal): void {
  if (behavior === 'delete') removeKey(draft, held);
  else {
    const { session: _released, ...rest } = held;
    draft.put<KvRow>({ ...rest, lockIndex: lockIndexOf(draft, held) });
  }
  if (lockDelayMs === 0) return;
  const { namespace, key } = held;
  draft.put<DelayRow>({ kind: 'delay', namespace, key, untilMs: now + lockDelayMs, delayMs: lockDelayMs, created: 0, modified: 0 });
}

function write(draft: Draft, row: KvRow): void {
  if (draft.put(row)) draft.delete(tombstoneKey(row.namespace, row.key));
}

/** Whether a key has this revision; a write of the same batch has none that matches. */
function matches(row: KvRow | undefined, revision: number): boolean {
  if (revision === 0) return row === undefined;
  return row !== undefined && row.modified === revision;
}

function delayed(reader: Reader, { namespace, key }: KvPut, now: number): boolean {
  const delay = findDelay(reader, namespace, key);
  return delay !== undefined && !lapsed(delay, now);
}
