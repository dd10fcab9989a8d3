/**
 * The files of a store: their names and headers, and how a new one is created.
 *
 *   rollcall-00000007.base   everything up to the end of log 7, as one long transaction
 *   rollcall-00000008.log    the transactions after it, and so on; the last log is being written
 *   *.new                    a file that is being created; it gets its name once it is complete
 *
 *      0   'ROLLCALL' · format u32 · kind u32 · sequence u32 · 0 u32 · length f64 ·
 *          revision f64 · records f64 · sum f64 · crc32 u32 of all before
 *   2048   end mark: position f64 · crc32 u32 of the last frame · crc32 u32 of both; else 0
 *   4096   frames
 *
 * A log has its full length from the start, mostly holes, so that a truncated file is recognised.
 * Its header has the totals of the store when it began; a base begins with an empty store.
 * The end mark of a log says where it ended when the engine was closed; it is cleared before more is
 * written. Without one, a crash may have cut the last write off.
 */

import { readSync } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { RegistryError } from '@rollcall/protocol';
import { damaged, type Head } from './frame.ts';

export type FileKind = 'log' | 'base';

export interface Header {
  readonly kind: FileKind;
  readonly sequence: number;
  /** Of the whole file; 0 for a base, which ends with its transaction. */
  readonly length: number;
  /** Totals of the store before the first frame. */
  readonly start: Head;
}

/** Written by this version; files of other versions are refused. */
const formatVersion = 1;

/** Where frames begin. */
export const framesAt = 4_096;

/** Far enough from the header that one bad sector does not hit both. */
export const endMarkAt = 2_048;
export const endMarkBytes = 16;

const headerBytes = 64;
const magic = Buffer.from('ROLLCALL', 'latin1');
const crcAt = 56;
const kinds: readonly FileKind[] = ['log', 'base'];
const namePattern = /^rollcall-(\d{8})\.(log|base)$/;

export function fileName(kind: FileKind, sequence: number): string {
  return `rollcall-${String(sequence).padStart(8, '0')}.${kind}`;
}

/** Undefined when it is not the name of a store's file. */
export function parseName(name: string): { kind: FileKind; sequence: number } | undefined {
  const match = namePattern.exec(name);
  return match === null ? undefined : { kind: match[2] as FileKind, sequence: Number(match[1]) };
}

export function isUnfinished(name: string): boolean {
  return name.endsWith('.new') && parseName(name.slice(0, -'.new'.length)) !== undefined;
}

function encodeHeader({ kind, sequence, length, start }: Header): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(kinds.indexOf(kind), 12);
  bytes.writeUInt32LE(sequence, 16);
  bytes.writeDoubleLE(length, 24);
  bytes.writeDoubleLE(start.revision, 32);
  bytes.writeDoubleLE(start.records, 40);
  bytes.writeDoubleLE(start.sum, 48);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/**
 * @returns the header and its crc32, which the first frame names as the one before it
 * @throws RegistryError `failed_precondition` for a file that is not ours or of another version,
 *   `data_loss` for a damaged one
 */
export function readHeader(fd: number, name: string): { header: Header; crc: number } {
  const bytes = Buffer.alloc(headerBytes);
  const read = readSync(fd, bytes, 0, headerBytes, 0);
  if (read < headerBytes) throw damaged(`${name} is cut off`);
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new RegistryError('failed_precondition', `${name} is not a file of a Rollcall store, or its head is damaged`);
  }
  const crc = bytes.readUInt32LE(crcAt);
  if (crc !== crc32(bytes.subarray(0, crcAt))) throw damaged(`the head of ${name} has a wrong checksum`);
  const format = bytes.readUInt32LE(8);
  if (format !== formatVersion) {
    const message = `${name} has format ${format}, this version of Rollcall reads ${formatVersion}`;
    throw new RegistryError('failed_precondition', message);
  }
  const header: Header = {
    kind: kinds[bytes.readUInt32LE(12)] as FileKind,
    sequence: bytes.readUInt32LE(16),
    length: bytes.readDoubleLE(24),
    start: {
      revision: bytes.readDoubleLE(32),
      records: bytes.readDoubleLE(40),
      sum: bytes.readDoubleLE(48),
    },
  };
  if (fileName(header.kind, header.sequence) !== name) throw damaged(`${name} was ${fileName(header.kind, header.sequence)}`);
  return { header, crc };
}

/** Where a log ended when the engine was closed. */
export interface EndMark {
  readonly position: number;
  /** Crc32 of the last frame. */
  readonly previous: number;
}

export function encodeEndMark({ position, previous }: EndMark): Buffer {
  const bytes = Buffer.alloc(endMarkBytes);
  bytes.writeDoubleLE(position, 0);
  bytes.writeUInt32LE(previous, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

/** Undefined when there is none, or one whose writing was cut off. */
export function readEndMark(fd: number): EndMark | undefined {
  const bytes = Buffer.alloc(endMarkBytes);
  readSync(fd, bytes, 0, endMarkBytes, endMarkAt);
  const position = bytes.readDoubleLE(0);
  if (position === 0 || crc32(bytes.subarray(0, 12)) !== bytes.readUInt32LE(12)) return undefined;
  return { position, previous: bytes.readUInt32LE(8) };
}

/**
 * Creates a file under a temporary name, lets `fill` write to it, and gives it its name once it is on
 * the disk.
 *
 * @param fill given the file, the crc32 of its header, and its path for now
 * @param onNamed called when the file has its name: an error after that leaves it there
 * @throws the error of the system; a file without its final name is removed
 */
export async function makeFile(
  dir: string,
  header: Header,
  fill: (file: FileHandle, crc: number, path: string) => Promise<void>,
  onNamed: () => void = () => {},
): Promise<void> {
  const path = join(dir, fileName(header.kind, header.sequence));
  const unfinished = `${path}.new`;
  const bytes = encodeHeader(header);
  const directory = await openDirectory(dir);
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.appendFile(bytes);
      await file.appendFile(Buffer.alloc(framesAt - headerBytes));
      if (header.length > 0) await file.truncate(header.length);
      await fill(file, bytes.readUInt32LE(crcAt), unfinished);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    onNamed();
    await directory?.sync();
  } catch (error) {
    await unlink(unfinished).catch(() => {});
    throw error;
  } finally {
    await directory?.close();
  }
}

/** Removes a file durably. */
export async function removeFile(dir: string, name: string): Promise<void> {
  const directory = await openDirectory(dir);
  try {
    await unlink(join(dir, name));
    await directory?.sync();
  } finally {
    await directory?.close();
  }
}

/** Flushes renames and removals in a directory; Windows cannot and does not need to. */
export function openDirectory(dir: string): Promise<FileHandle> | undefined {
  return process.platform === 'win32' ? undefined : open(dir, 'r');
}
