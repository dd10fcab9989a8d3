/**
 * Reads a backup, and creates the transaction that replaces the whole state by it.
 *
 * The whole backup is read and checked before anything is written. Revisions never go back: the
 * restore jumps past every revision of this store, and past those that a lost store may have given
 * after the backup was made.
 */

import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Transaction } from '../engine/engine.ts';
import { inTurns } from '../in-turns.ts';
import { interner } from '../registry/codec.ts';
import { decodeRow, encodeRow, keyOf } from '../registry/kinds.ts';
import { fromFormat1, withDrains, type Converted } from '../registry/migration/format-1.ts';
import type { Restore } from '../registry/command.ts';
import { restoreCommand } from '../registry/restore.ts';
import { floorKey } from '../registry/markers.ts';
import type { State } from '../registry/state.ts';
import { backupFormat, backupVersion, endMark, staysHere } from './backup.ts';

export interface Backup {
  /** Revision at which it was made. */
  readonly revision: number;
  readonly records: readonly { readonly key: string; readonly value: Uint8Array }[];
}

/**
 * More writes than any store makes between a backup and its loss: 30 years at one a second, 11 days
 * at a thousand. Nine million such jumps fit below 2^53.
 */
const leap = 1_000_000_000;

const headerBytesMax = 4_096;
const digestBytes = 32;

/** Records that are checked between two turns of the event loop, and bytes that are copied or hashed: some 10 ms each. */
const recordsPerTurn = 2_048;
const hashedPerTurn = 4_194_304;

/**
 * @param bytesMax of the unpacked backup; it is held in memory
 * @throws RegistryError `invalid_argument` when it is not a backup, is damaged, cut off or of a newer
 *   version; `resource_exhausted` when it is larger than `bytesMax`
 */
export async function readBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Backup> {
  return parse(await unpack(source, bytesMax));
}

/**
 * The transaction that gives the registry the state of the backup, except for revisions: every
 * record gets the revision of the restore, and so do views without a record. A step is one record; the state
 * must not change between them.
 */
export function* restoreTransaction(backup: Backup, state: State): Generator<void, Transaction, undefined> {
  const revisionAtLeast = Math.max(state.revision, backup.revision) + leap;
  const put: Mutable<Transaction['put']> = [];
  const gone: string[] = [];
  const kept = new Set<string>([floorKey()]);
  for (const record of backup.records) {
    if (record.key !== floorKey() && !staysHere(record.key)) put.push(record);
    kept.add(record.key);
    yield;
  }
  for (const [key] of state.rows()) {
    if (!kept.has(key) && !staysHere(key)) gone.push(key);
    yield;
  }
  const floor = encodeRow({ kind: 'floor', revision: revisionAtLeast, restored: revisionAtLeast, created: 0, modified: 0 });
  put.push({ key: floorKey(), value: floor });
  return { expect: [], put, delete: gone, revisionAtLeast };
}

/**
 * The same as a command in steps, for an engine that does not accept such a transaction. Revisions continue from those of the store: it
 * cannot jump past the revisions of another store that was lost.
 * @throws RegistryError `data_loss` for an unreadable record
 */
export function restoreInSteps(backup: Backup, state: State): Restore {
  const intern = interner();
  const rows = backup.records.filter(({ key }) => !staysHere(key)).map(({ key, value }) => decodeRow(key, value, 0, intern));
  const present = Array.from(state.rows()).filter(([key]) => !staysHere(key));
  return restoreCommand(state.kinds, rows, present.map(([, row]) => row), state.revision);
}

type Mutable<T extends readonly unknown[]> = T[number][];

async function unpack(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Errors reach the loop below through the last stream.
  const unpacked = pipeline(Readable.from(source), createGunzip(), () => {});
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        throw new RegistryError('resource_exhausted', `the unpacked backup has more than ${bytesMax} bytes, which is the limit`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'Z_DATA_ERROR') throw refuse('it is not gzip data, or it is damaged', cause);
    if (code === 'Z_BUF_ERROR') throw refuse('it is cut short', cause);
    throw cause;
  }
  return join(chunks, bytes);
}

/** Like `Buffer.concat`, over several turns of the event loop. */
async function join(chunks: readonly Buffer[], bytes: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  let unturned = 0;
  for (const chunk of chunks) {
    at += chunk.copy(whole, at);
    unturned += chunk.length;
    if (unturned < hashedPerTurn) continue;
    unturned = 0;
    await turn();
  }
  return whole;
}

/** Parses the records, with turns of the event loop in between. */
async function parse(bytes: Buffer): Promise<Backup> {
  const { version, revision, end } = parseHeader(bytes);
  const records: { key: string; value: Uint8Array }[] = [];
  const drained = new Set<string>();
  const intern = interner();
  let at = end;
  let unturned = 0;
  for (;;) {
    const keyBytes = readLength(bytes, at);
    const second = readLength(bytes, at + 4);
    at += 8;
    if (keyBytes === endMark) {
      await checkEnd(bytes, at, second === records.length);
      if (drained.size > 0) await inTurns(withDrains(records, drained));
      return { revision, records };
    }
    if (at + keyBytes + second > bytes.length) throw refuse('it is cut short');
    const key = bytes.toString('utf8', at, at + keyBytes);
    const value = bytes.subarray(at + keyBytes, at + keyBytes + second);
    at += keyBytes + second;
    const record: Converted = version === 1 ? fromVersion1({ key, value }) : { key, value };
    if (record.drains !== undefined) drained.add(record.drains);
    checkRecord(record, intern);
    records.push(record);
    unturned += second;
    if (records.length % recordsPerTurn !== 0 && unturned < hashedPerTurn) continue;
    unturned = 0;
    await turn();
  }
}

function parseHeader(bytes: Buffer): { version: number; revision: number; end: number } {
  const end = bytes.subarray(0, headerBytesMax).indexOf(0x0a);
  let header: Partial<Record<string, unknown>> = {};
  try {
    if (end > 0) header = JSON.parse(bytes.toString('utf8', 0, end)) as typeof header;
  } catch {
    // Refused below, like any other text that is not a header.
  }
  if (header['format'] !== backupFormat) throw refuse('it does not begin with the header of a backup');
  const version = header['version'];
  if (version !== 1 && version !== backupVersion) {
    throw refuse(`its version is ${String(version)}, and this server reads versions up to ${backupVersion}`);
  }
  const revision = header['revision'];
  if (!Number.isSafeInteger(revision) || (revision as number) < 0) throw refuse('its revision is not a number');
  return { version, revision: revision as number, end: end + 1 };
}

async function checkEnd(bytes: Buffer, at: number, complete: boolean): Promise<void> {
  const hash = createHash('sha256');
  for (let from = 0; from < at; from += hashedPerTurn) {
    if (from > 0) await turn();
    hash.update(bytes.subarray(from, Math.min(at, from + hashedPerTurn)));
  }
  const digest = hash.digest();
  const stored = bytes.subarray(at, at + digestBytes);
  if (stored.length < digestBytes) throw refuse('it is cut short');
  if (!complete || !digest.equals(stored) || bytes.length > at + digestBytes) throw refuse('it is damaged');
}

function fromVersion1(record: Backup['records'][number]): Converted {
  try {
    return fromFormat1(record, 0);
  } catch (cause) {
    throw refuse(`its record ${JSON.stringify(record.key.slice(0, 200))} cannot be read`, cause);
  }
}

/** Refuses a record that the state cannot read, or that belongs under another key: it must not get into the log. */
function checkRecord({ key, value }: Backup['records'][number], intern: (text: string) => string): void {
  const name = JSON.stringify(key.slice(0, 200));
  let own: string | undefined;
  try {
    own = keyOf(decodeRow(key, value, 1, intern));
  } catch (cause) {
    if (isRegistryError(cause, 'failed_precondition')) throw refuse(cause.message, cause);
    throw refuse(`its record ${name} cannot be read`, cause);
  }
  if (own !== key) throw refuse(`its record ${name} does not match its key`);
}

function readLength(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw refuse('it is cut short');
  return bytes.readUInt32BE(at);
}

function refuse(why: string, cause?: unknown): RegistryError {
  return new RegistryError('invalid_argument', `this backup cannot be restored: ${why}`, { cause });
}

function turn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}
