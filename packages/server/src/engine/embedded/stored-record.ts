/**
 * One record as it lies in the store, with what is needed to trust it.
 *
 *   key     0x01 · key in UTF-8                      the head of the store has the key 0x00
 *   value   revision f64 LE · payload · crc32 LE     crc32 over key, revision and payload
 *
 * The revision comes first since that is where LMDB's driver keeps and compares versions. A record's
 * *mark* is the crc32 over its key and revision: the head holds the sum of all marks, so that a
 * record that is missing, stale or too much shows although each one by itself is sound.
 */

import { crc32 } from 'node:zlib';
import { RegistryError } from '@rollcall/protocol';
import { damaged } from './page-file.ts';

/** Written by this version; other versions are refused. */
export const formatVersion = 1;

export interface Head {
  readonly format: number;
  /** Revision of the newest transaction. */
  readonly revision: number;
  readonly records: number;
  /** Sum of the records' marks modulo 2^48. */
  readonly sum: number;
}

/** Where a record lies: its key from `keyStart` to `keyEnd`, its value from there to `end`. */
export interface RecordPlace {
  readonly bytes: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly end: number;
}

/** Bytes that a value has besides its payload; LMDB's driver writes the first 8. */
const revisionBytes = 8;
const checksumBytes = 4;

export const headKey: Buffer = Buffer.of(0x00);

const sumModulus = 2 ** 48;

export function storedKey(key: string): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(key));
  bytes[0] = 0x01;
  bytes.write(key, 1);
  return bytes;
}

/** The crc32 over a stored key and a revision. */
export function markOf(key: Buffer, revision: number): number {
  const bytes = Buffer.allocUnsafe(key.length + revisionBytes);
  key.copy(bytes);
  bytes.writeDoubleLE(revision, key.length);
  return crc32(bytes);
}

export function addMark(sum: number, mark: number): number {
  return (sum + mark) % sumModulus;
}

export function removeMark(sum: number, mark: number): number {
  return (sum - mark + sumModulus) % sumModulus;
}

/** The value as it is handed to LMDB's driver, which puts the revision before it. */
export function encodeValue(payload: Uint8Array, mark: number): Buffer {
  const bytes = Buffer.allocUnsafe(payload.length + checksumBytes);
  bytes.set(payload);
  bytes.writeUInt32LE(crc32(payload, mark), payload.length);
  return bytes;
}

/**
 * Checks the record at a cursor.
 * @throws RegistryError `data_loss` when it is not what was written under its key
 */
export function checkRecord({ bytes, keyStart, keyEnd, end }: RecordPlace): { revision: number; mark: number } {
  const payloadStart = keyEnd + revisionBytes;
  const payloadEnd = end - checksumBytes;
  if (payloadEnd < payloadStart) throw damaged(`record ${nameAt(bytes, keyStart, keyEnd)} is cut off`);
  const mark = crc32(bytes.subarray(keyStart, payloadStart));
  if (crc32(bytes.subarray(payloadStart, payloadEnd), mark) !== bytes.readUInt32LE(payloadEnd)) {
    throw damaged(`record ${nameAt(bytes, keyStart, keyEnd)} has a wrong checksum`);
  }
  return { revision: bytes.readDoubleLE(keyEnd), mark };
}

/** A view of the payload of a record that was checked. */
export function payloadOf({ bytes, keyEnd, end }: RecordPlace): Buffer {
  return bytes.subarray(keyEnd + revisionBytes, end - checksumBytes);
}

export function keyOf({ bytes, keyStart, keyEnd }: RecordPlace): string {
  return bytes.toString('utf8', keyStart + 1, keyEnd);
}

export function isHead({ bytes, keyStart, keyEnd }: RecordPlace): boolean {
  return keyEnd - keyStart === 1 && bytes[keyStart] === headKey[0];
}

export function encodeHead(head: Head): Buffer {
  const { revision, ...content } = head;
  return encodeValue(Buffer.from(JSON.stringify({ store: 'rollcall', ...content })), markOf(headKey, revision));
}

/**
 * @throws RegistryError `data_loss` for a head that is damaged, `failed_precondition` for a store that
 *   is not ours or that another version of Rollcall wrote
 */
export function decodeHead(place: RecordPlace): Head {
  const { revision } = checkRecord(place);
  const content = parse(payloadOf(place)) as Partial<Head & { store: string }> | undefined;
  if (content?.store !== 'rollcall') throw notOurs();
  if (content.format !== formatVersion) {
    const message = `the store has format ${String(content.format)}, this version of Rollcall reads ${formatVersion}`;
    throw new RegistryError('failed_precondition', message);
  }
  return { format: formatVersion, revision, records: Number(content.records), sum: Number(content.sum) };
}

export function notOurs(): RegistryError {
  return new RegistryError('failed_precondition', 'the file is an LMDB store, but not one of Rollcall');
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

function nameAt(bytes: Buffer, start: number, end: number): string {
  return JSON.stringify(bytes.toString('utf8', start + 1, end));
}
