/**
 * Frames: the units of a store's files. Encodes and recognises them; reads no files.
 *
 *   frame   magic u32 · crc32 u32 · kind u32 · body length u32 · previous crc32 u32 · in group u32 ·
 *           entries u32 · 0 u32 · revision f64 · records f64 · sum f64 · body · 0 up to 8 bytes
 *   entry   key length u32 · value length u32 (0xffffffff: removed) · revision f64 · key · value
 *
 * All little endian. The crc32 covers everything after itself. Each frame names the crc32 of the
 * one before, so that a missing, old or misplaced frame is found. It also says how far back its group
 * began; a group is written and flushed at once. Revision, records and sum are those of the
 * whole store once the frame has taken effect; the sum is over the marks of all records, and a mark
 * is the crc32 over a record's revision and key. So a missing, stale or surplus record is found.
 *
 * A transaction is one `end` frame, or `part` frames and an `end` frame when it is large.
 */

import { crc32 } from 'node:zlib';
import { RegistryError } from '@rollcall/protocol';

export const frameKind = {
  /** A transaction goes on in the next frame. */
  part: 0,
  /** The end of a transaction. */
  end: 1,
  /** The log goes on in the next file. */
  continued: 2,
} as const;

export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

/** Totals of a store at one point of its log. */
export interface Head {
  readonly revision: number;
  readonly records: number;
  /** Sum of the records' marks modulo 2^48. */
  readonly sum: number;
}

export const frameHeaderBytes = 56;

/** A body is cut into parts beyond this, unless one entry alone is longer. */
const partBytes = 1_048_576;

/** The longest entry (a value of 8 MiB with its key), with a reserve. */
const bodyBytesMax = 9_437_184;

const entryHeaderBytes = 16;
const removed = 0xffff_ffff;
const magic = 0x4652_4352;
const crcAt = 4;
const coveredFrom = 8;
const sumModulus = 2 ** 48;

export function addMark(sum: number, mark: number): number {
  return (sum + mark) % sumModulus;
}

export function removeMark(sum: number, mark: number): number {
  return (sum - mark + sumModulus) % sumModulus;
}

/** Filled and read within one call: allocating it anew, and copying the key behind it, would double the time of a mark. */
const revisionBytes = Buffer.alloc(8);

/** The mark of a record, from its key and revision. */
export function markOf(key: string, revision: number): number {
  revisionBytes.writeDoubleLE(revision, 0);
  return crc32(key, crc32(revisionBytes));
}

/** Bytes of an entry, if all characters of its key are ASCII. @param value undefined removes the record */
export function usualEntryBytes(key: string, value: Uint8Array | undefined): number {
  return entryHeaderBytes + key.length + (value?.length ?? 0);
}

/**
 * Frames for the entries of one transaction, still without their place in a file. An entry is written to its place in the frame at once: keys and
 * values are copied once. At most the entries of one frame are in memory at once.
 */
export class Frames {
  readonly #done: Buffer[] = [];
  /** The frame that is being filled, with free bytes at its end. Entries begin after the place of its header. */
  #frame: Buffer;
  #end = frameHeaderBytes;
  #entries = 0;

  /** @param bytes that the entries will have, about: a frame with less room is copied to a larger one */
  constructor(bytes: number) {
    this.#frame = room(Math.min(bytes, partBytes));
  }

  /**
   * @param value undefined removes the record
   * @returns the number of bytes that were written for it
   */
  add(key: string, value: Uint8Array | undefined, revision: number): number {
    const from = this.#end;
    this.#makeRoom(key, value?.length ?? 0);
    const frame = this.#frame;
    const at = this.#end;
    const keyBytes = frame.write(key, at + entryHeaderBytes);
    frame.writeUInt32LE(keyBytes, at);
    frame.writeUInt32LE(value?.length ?? removed, at + 4);
    frame.writeDoubleLE(revision, at + 8);
    let end = at + entryHeaderBytes + keyBytes;
    if (value !== undefined) {
      frame.set(value, end);
      end += value.length;
    }
    this.#end = end;
    this.#entries++;
    // A frame that became full is behind this one.
    return at < from ? from + end : end - at;
  }

  /**
   * @param head of the store once all of it has taken effect
   * @param last kind of the last frame: `part` when the transaction goes on
   */
  end(head: Head, last: FrameKind = frameKind.end): Buffer[] {
    this.#finish(last);
    for (const frame of this.#done) {
      frame.writeDoubleLE(head.revision, 32);
      frame.writeDoubleLE(head.records, 40);
      frame.writeDoubleLE(head.sum, 48);
    }
    return this.#done;
  }

  /** Begins the next frame if this one is full, and copies it if there is too little room behind it. */
  #makeRoom(key: string, valueBytes: number): void {
    const after = entryHeaderBytes + valueBytes;
    // A character of UTF-16 has three bytes of UTF-8 at most.
    if (this.#end + after + key.length * 3 <= Math.min(this.#frame.length, frameHeaderBytes + partBytes)) return;
    const bytes = after + Buffer.byteLength(key);
    if (this.#entries > 0 && this.#end - frameHeaderBytes + bytes > partBytes) {
      this.#finish(frameKind.part);
      this.#frame = room(Math.max(bytes, partBytes));
      this.#end = frameHeaderBytes;
      this.#entries = 0;
    } else if (this.#end + bytes > this.#frame.length) {
      const larger = room(Math.max(bytes, this.#frame.length) + this.#end);
      this.#frame.copy(larger, 0, 0, this.#end);
      this.#frame = larger;
    }
  }

  #finish(kind: FrameKind): void {
    const length = this.#end - frameHeaderBytes;
    const frame = this.#frame.subarray(0, frameHeaderBytes + aligned(length));
    frame.fill(0, this.#end);
    frame.writeUInt32LE(magic, 0);
    frame.writeUInt32LE(kind, 8);
    frame.writeUInt32LE(length, 12);
    frame.writeUInt32LE(this.#entries, 24);
    frame.writeUInt32LE(0, 28);
    this.#done.push(frame);
  }
}

/** A frame without entries. */
export function emptyFrame(kind: FrameKind, head: Head): Buffer {
  return new Frames(0).end(head, kind)[0] as Buffer;
}

/** A frame with room for entries of so many bytes. */
function room(bytes: number): Buffer {
  return Buffer.allocUnsafe(frameHeaderBytes + aligned(bytes));
}

/**
 * Gives frames that are written together their places.
 * @param previous crc32 of the frame before the first
 * @param from how far from the beginning of their group the first one is, in bytes
 * @returns the crc32 of the last
 */
export function chain(frames: readonly Buffer[], previous: number, from = 0): number {
  let last = previous;
  let inGroup = from;
  for (const frame of frames) {
    frame.writeUInt32LE(last, 16);
    frame.writeUInt32LE(inGroup, 20);
    last = crc32(frame.subarray(coveredFrom, frameHeaderBytes + frame.readUInt32LE(12)));
    frame.writeUInt32LE(last, crcAt);
    inGroup += frame.length;
  }
  return last;
}

/** A frame in a buffer; valid as long as the buffer is. */
export interface Frame {
  readonly kind: FrameKind;
  readonly head: Head;
  /** Where its group begins, relative to the frame: 0 or less. */
  readonly groupAt: number;
  readonly crc: number;
  /** Bytes to the next frame. */
  readonly bytes: number;
  readonly entries: number;
  readonly body: Buffer;
}

/**
 * Recognises a frame at a place in a buffer.
 * @param previous crc32 of the frame before; undefined takes any
 * @returns the frame; the number of bytes needed to recognise it; or undefined when there is none
 */
export function decodeFrame(buffer: Buffer, at: number, previous: number | undefined): Frame | number | undefined {
  if (buffer.length - at < frameHeaderBytes) return frameHeaderBytes;
  if (buffer.readUInt32LE(at) !== magic) return undefined;
  const length = buffer.readUInt32LE(at + 12);
  if (length > bodyBytesMax) return undefined;
  const bytes = frameHeaderBytes + aligned(length);
  if (buffer.length - at < bytes) return bytes;
  const kind = buffer.readUInt32LE(at + 8);
  const crc = crc32(buffer.subarray(at + coveredFrom, at + frameHeaderBytes + length));
  if (crc !== buffer.readUInt32LE(at + crcAt) || kind > frameKind.continued) return undefined;
  if (previous !== undefined && buffer.readUInt32LE(at + 16) !== previous) return undefined;
  return {
    kind: kind as FrameKind,
    head: {
      revision: buffer.readDoubleLE(at + 32),
      records: buffer.readDoubleLE(at + 40),
      sum: buffer.readDoubleLE(at + 48),
    },
    groupAt: -buffer.readUInt32LE(at + 20),
    crc,
    bytes,
    entries: buffer.readUInt32LE(at + 24),
    body: buffer.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length),
  };
}

/**
 * Walks the entries of a frame.
 * @param visit its value is in the frame's body from `from` to `to`; nothing is made of it for a caller that needs only keys
 * @param known keys of these entries that were decoded before
 */
export function eachEntry(frame: Frame, visit: (key: string, revision: number, isRemoved: boolean, from: number, to: number) => void, known?: KnownKeys): void {
  const { body } = frame;
  let at = 0;
  for (let count = 0; count < frame.entries; count++) {
    const keyBytes = body.readUInt32LE(at);
    const valueBytes = body.readUInt32LE(at + 4);
    const revision = body.readDoubleLE(at + 8);
    const valueAt = at + entryHeaderBytes + keyBytes;
    const end = valueAt + (valueBytes === removed ? 0 : valueBytes);
    if (end > body.length) throw damaged('an entry is longer than its frame');
    const key = known?.next() ?? body.toString('utf8', at + entryHeaderBytes, valueAt);
    visit(key, revision, valueBytes === removed, valueAt, end);
    at = end;
  }
}

/**
 * The keys of all entries of a store in the order of its files, as a start has decoded them: the next reader of the same files takes them,
 * so that no key is decoded, hashed or kept in memory twice.
 */
export class KnownKeys {
  readonly #keys: readonly string[];
  #at = 0;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  /** That of the next entry; undefined for those that were written later. */
  next(): string | undefined {
    return this.#keys[this.#at++];
  }
}

export function damaged(what: string): RegistryError {
  return new RegistryError('data_loss', `the store is damaged: ${what}; restore it from a backup`);
}

function aligned(bytes: number): number {
  return (bytes + 7) & ~7;
}
