/**
 * Reads an audit log from its end to its beginning, a piece at a time, so that a page of old lines costs no more than the bytes that it looks at. It
 * does not check the chain of hashes (`verifyAudit` does).
 */

import { open, type FileHandle } from 'node:fs/promises';
import { RegistryError } from '@rollcall/protocol';
import type { AuditLine } from './audit.ts';

/** A line of the file: its number, and the byte at which it begins. */
export interface FilePlace {
  readonly seq: number;
  /** Undefined when it is not known; then the file is searched from its end. */
  readonly offset?: number | undefined;
}

export interface FoundLine {
  readonly line: AuditLine;
  readonly place: FilePlace;
  /** Length of the line. */
  readonly bytes: number;
}

/** About 250 lines; parsing them takes less than a millisecond. */
const pieceBytes = 65_536;
/** A line has at most five fields of 1,024 characters, and each character at most six bytes when it is escaped. */
const lineBytesMax = 65_536;

/**
 * The lines before a place, the newest first.
 * @param path of the log
 * @param before a line that is not given; with its offset, no newer line is read
 * @throws RegistryError `unavailable` when the file cannot be read
 */
export async function* linesBefore(path: string, before: FilePlace): AsyncGenerator<FoundLine> {
  const file = await opened(path);
  try {
    const { size } = await file.stat();
    let end = Math.min(before.offset ?? size, size);
    // The beginning of a line whose end was in the piece after.
    let rest = Buffer.alloc(0);
    while (end > 0) {
      const start = Math.max(0, end - pieceBytes);
      const piece = Buffer.alloc(end - start);
      const { bytesRead } = await file.read(piece, 0, piece.length, start);
      const text = Buffer.concat([piece.subarray(0, bytesRead), rest]);
      let last = text.length;
      for (;;) {
        const newline = last <= 1 ? -1 : text.lastIndexOf(0x0a, last - 2);
        if (newline < 0) break;
        yield* found(text.subarray(newline + 1, last), start + newline + 1);
        last = newline + 1;
      }
      rest = text.subarray(0, last);
      if (rest.length > lineBytesMax) return;
      end = start;
    }
    yield* found(rest, 0);
  } finally {
    await file.close();
  }
}

/**
 * Where the lines of a time end: the place of the first line that is not older, found by halving the file. The lines must be in the order of their
 * times, as a log is whose clock was never set back.
 * @param untilMs milliseconds since the Unix epoch
 * @throws RegistryError `unavailable` when the file cannot be read
 */
export async function placeAtTime(path: string, untilMs: number): Promise<FilePlace> {
  const file = await opened(path);
  try {
    let first = 0;
    let place: FilePlace & { readonly offset: number } = { seq: Infinity, offset: (await file.stat()).size };
    while (place.offset - first > pieceBytes) {
      const middle = Math.floor((first + place.offset) / 2);
      const line = await firstLineFrom(file, middle, place.offset);
      if (line !== undefined && Date.parse(line.line.time) < untilMs) first = line.place.offset + line.bytes;
      else if (line !== undefined) place = line.place;
      // No line begins in the second half, so all that is left to search is the first one.
      else break;
    }
    return place;
  } finally {
    await file.close();
  }
}

interface PlacedLine {
  readonly line: AuditLine;
  readonly place: FilePlace & { readonly offset: number };
  readonly bytes: number;
}

/** The first line that begins after a byte and before another. */
async function firstLineFrom(file: FileHandle, from: number, until: number): Promise<PlacedLine | undefined> {
  const piece = Buffer.alloc(Math.min(until - from, 2 * lineBytesMax));
  const { bytesRead } = await file.read(piece, 0, piece.length, from);
  const text = piece.subarray(0, bytesRead);
  let begin = text.indexOf(0x0a) + 1;
  while (begin > 0) {
    const end = text.indexOf(0x0a, begin) + 1;
    if (end === 0) return undefined;
    const line = lineIn(text.subarray(begin, end).toString());
    if (line !== undefined) return { line, place: { seq: line.seq, offset: from + begin }, bytes: end - begin };
    begin = end;
  }
  return undefined;
}

function opened(path: string): Promise<FileHandle> {
  return open(path, 'r').catch((cause: Error) => {
    throw new RegistryError('unavailable', `the audit log ${path} cannot be read: ${cause.message}`, { cause });
  });
}

function* found(bytes: Buffer, offset: number): Generator<FoundLine> {
  const line = lineIn(bytes.toString());
  // A line that is being written has no end yet; another text is none of ours.
  if (line !== undefined) yield { line, place: { seq: line.seq, offset }, bytes: bytes.length };
}

function lineIn(text: string): AuditLine | undefined {
  if (!text.endsWith('\n')) return undefined;
  try {
    const { seq, time, kind, accessorId, namespace, address, via, action, dropped } = JSON.parse(text) as AuditLine;
    if (!Number.isSafeInteger(seq)) return undefined;
    return { seq, time, kind, accessorId, namespace, address, via, action, ...(dropped === undefined ? {} : { dropped }) };
  } catch {
    return undefined;
  }
}

/** @throws RegistryError `invalid_argument` */
export function placeOf(cursor: string): FilePlace {
  const [, seq, offset] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(cursor) ?? [];
  if (seq === undefined) throw new RegistryError('invalid_argument', `the cursor ${JSON.stringify(cursor.slice(0, 80))} is not of this list`);
  return { seq: Number(seq), ...(offset === undefined ? {} : { offset: Number(offset) }) };
}
