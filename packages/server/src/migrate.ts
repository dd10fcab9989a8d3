/**
 * Moves a registry from one store to another while no node serves either: all records byte by byte, with the identity of the registry,
 * so that clients find what they know. Every record gets a revision above all of the old store. The old store keeps its records and gets one
 * more, which says where the registry is now: no node serves it any more, and one that was cut off and comes back to it commits nothing
 * and stops.
 *
 * A target whose transactions are small is filled in many of them. A record marks it as incomplete until the last one, so that no
 * node serves a half-filled store; the same migration once more completes it.
 */

import { RegistryError } from '@rollcall/protocol';
import { carryOver } from './carry-over.ts';
import type { Engine, EngineRecord, Transaction } from './engine/engine.ts';
import { fenced } from './engine/fenced.ts';
import { findRecord } from './registry/kind/record/find.ts';
import { recordKey } from './registry/kind/record/keys.ts';
import { decodeRow, encodeRow, kinds } from './registry/kinds.ts';
import type { Reader } from './registry/reader.ts';
import { kindOf, noNamespace } from './registry/row.ts';

export interface Migrated {
  readonly records: number;
  /** At which the registry stands in the new store. */
  readonly revision: number;
}

/** Names of the stores for people, as the command line takes them. */
export interface Places {
  readonly from: string;
  readonly to: string;
}

/** The note in a store that the registry has left. */
interface Moved {
  /** Name of the store that it moved to, for people. */
  readonly to: string;
}

interface Contents {
  readonly records: readonly EngineRecord[];
  readonly revision: number;
}

const markId = 'migration';
const movedId = 'moved';
const markKey = recordKey(noNamespace, 'server', markId);
const movedKey = recordKey(noNamespace, 'server', movedId);
const mark = (id: string, value: Readonly<Record<string, string>>) => ({
  key: recordKey(noNamespace, 'server', id),
  value: encodeRow({ kind: 'record', namespace: noNamespace, type: 'server', id, value, created: 0, modified: 0 }),
});

/**
 * @param places names of both stores
 * @throws RegistryError `failed_precondition` when a node is running on one of the stores, the old one is empty, or the new one is not;
 *   `invalid_argument` when a record is too large for the new store (nothing was written); what the engines throw
 */
export async function migrateStore(from: Engine, to: Engine, places: Places = { from: from.name, to: to.name }): Promise<Migrated> {
  await assertUnused(from);
  await assertUnused(to);
  await carryOver(from);
  const source = await contentsOf(from);
  const records = source.records.filter(({ key }) => key !== markKey && key !== movedKey && kinds.get(kindOf(key))?.staysHere !== true);
  if (records.length === 0) throw refuse(`the store to move from (${from.name}) is empty`);
  if (source.records.some(({ key }) => key === markKey)) throw refuse(incomplete);
  const target = await contentsOf(to);
  const begun = target.records.find(({ key }) => key === markKey);
  const moved = movedTo(source.records);
  if (moved !== undefined && (begun === undefined || moved !== places.to)) throw refuse(hasMoved(moved));
  // The registry comes back to a store that it has left: what that one still has is replaced.
  const left = movedTo(target.records);
  if (target.records.length > 0 && begun === undefined && left === undefined) {
    throw refuse(`the store to move to (${to.name}) has a registry already; name an empty one, such as another directory or --engine-prefix`);
  }
  const kept = new Set(records.map(({ key }) => key));
  const stale = target.records.filter(({ key }) => !kept.has(key) && key !== markKey && kinds.get(kindOf(key))?.staysHere !== true).map(({ key }) => key);
  const parts = partsOf(records, stale, to);
  for (const [at, part] of parts.entries()) {
    const first = at === 0 ? { expect: [{ key: markKey, revision: begun?.revision ?? 0 }], revisionAtLeast: Math.max(source.revision, target.revision) + 1 } : { expect: [] };
    const result = await to.commit({
      ...first,
      put: [...part.put, ...(at === 0 ? [mark(markId, {})] : [])],
      delete: part.delete,
    });
    if (!result.ok) throw refuse('another process writes to the store to move to; end it, and run the same command again');
  }
  if (moved === undefined) await leave(from, source.revision, places.to);
  const ended = await to.commit({ expect: [], put: [], delete: [markKey] });
  return { records: records.length, revision: ended.ok ? ended.revision : 0 };
}

/** Notes in the old store where the registry is. @throws RegistryError `failed_precondition` when it was written to since it was read */
async function leave(from: Engine, read: number, to: string): Promise<void> {
  const left = await from.commit({ expect: [], guards: [{ under: '', notAfter: read }], put: [mark(movedId, { to })], delete: [] });
  if (!left.ok) throw refuse('another process has written to the old store meanwhile; end it, and run the same command again');
}

/** For a replica: nothing is committed to a store any more once it has the note, although this node may not have seen it. */
export const closedByMove = (engine: Engine): Engine =>
  fenced(engine, movedKey, () => refuse('the registry has moved from this store to another one while this node was cut off; nothing was written'));

/** @throws RegistryError `failed_precondition` when a migration into the store has begun and not ended, or the registry has moved away */
export function assertServable(state: Reader): void {
  if (findRecord(state, noNamespace, 'server', markId) !== undefined) throw refuse(incomplete);
  const moved = findRecord(state, noNamespace, 'server', movedId);
  if (moved !== undefined) throw refuse(hasMoved((moved.value as unknown as Moved).to));
}

function movedTo(records: readonly EngineRecord[]): string | undefined {
  const record = records.find(({ key }) => key === movedKey);
  const row = record === undefined ? undefined : decodeRow(movedKey, record.value, record.revision, (text) => text);
  return row?.kind === 'record' ? (row.value as unknown as Moved).to : undefined;
}

const hasMoved = (to: string) => `the registry has moved from this store to ${to}; serve it there, or move it back: rollcall migrate --from ${to} --to this store`;

const incomplete = 'a migration into this store was interrupted; run the same rollcall migrate again before you serve it';

/** Transactions that fit, with room for the mark. */
function partsOf(records: readonly EngineRecord[], gone: readonly string[], { limits, name }: Engine): Pick<Transaction, 'put' | 'delete'>[] {
  const parts: { put: { key: string; value: Uint8Array }[]; delete: string[] }[] = [{ put: [], delete: [] }];
  const room = { operations: limits.operations - 1, bytes: limits.bytes - Buffer.byteLength(markKey) - mark(markId, {}).value.length };
  let bytes = 0;
  const partFor = (size: number, key: string) => {
    if (size > room.bytes) {
      throw new RegistryError('invalid_argument', `the record ${JSON.stringify(key)} has ${size} bytes, ${name} takes ${room.bytes}; remove it or make it smaller first`);
    }
    let part = parts.at(-1) as (typeof parts)[number];
    if (part.put.length + part.delete.length >= room.operations || bytes + size > room.bytes) {
      parts.push((part = { put: [], delete: [] }));
      bytes = 0;
    }
    bytes += size;
    return part;
  };
  for (const { key, value } of records) partFor(Buffer.byteLength(key) + value.length, key).put.push({ key, value });
  for (const key of gone) partFor(Buffer.byteLength(key), key).delete.push(key);
  return parts;
}

async function contentsOf(engine: Engine): Promise<Contents> {
  const records: EngineRecord[] = [];
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind === 'records') records.push(...event.records);
    else if (event.kind === 'caught-up') return { records, revision: event.revision };
  }
  throw new RegistryError('unavailable', `the store (${engine.name}) was closed while it was read`);
}

/** A lock keeps others from an embedded store; on a shared one, nodes are present. */
async function assertUnused({ presence, name }: Engine): Promise<void> {
  if (presence === undefined) return;
  const present = await new Promise<ReadonlySet<string>>((resolve) => {
    const end = presence.watch((nodes) => {
      resolve(nodes);
      setImmediate(() => end());
    });
  });
  if (present.size > 0) {
    const message = `nodes are running on the store (${name}): ${[...present].join(', ')}; stop them first; one that was killed counts for ${presence.ttlMs / 1_000} s more`;
    throw refuse(message);
  }
}

function refuse(message: string): RegistryError {
  return new RegistryError('failed_precondition', message);
}
