/**
 * The bytes of remembered transactions, and a cursor over them. A change is the row as it was before:
 *
 *   frame        magic u32, bytes u32, crc32 u32, 0 u32, then transactions
 *   transaction  revision f64, time f64, entries u32, bytes u32, then entries
 *   entry        value bytes u32 (`absent`: the row did not exist), subject u32, revision f64, key bytes u32, key, value
 *
 * Numbers are little-endian, keys UTF-8, values as in the log (`registry/codec.ts`). Knows no files and keeps nothing.
 */

import { RegistryError } from '@rollcall/protocol';
import { crc32 } from 'node:zlib';
import { decodeWith, encodedParts, type Intern } from '../registry/codec.ts';
import { kinds, type Row, type RowChange } from '../registry/kinds.ts';
import { subjectOf } from './subject.ts';

/** `RCH1`: another format gets another number. */
const magic = 0x3148_4352;
export const frameHeaderBytes = 16;
const transactionHeaderBytes = 24;
const entryHeaderBytes = 20;
const absent = 0xffff_ffff;
/** What an encoder holds between two transactions. */
const usualBytes = 65_536;

const nothing: ReturnType<typeof encodedParts> = { text: '' };

/** Encodes one transaction after the other into the same buffer. */
export class TransactionEncoder {
  #buffer = Buffer.allocUnsafeSlow(usualBytes);
  #at = 0;
  #entries = 0;

  get bytes(): number {
    return this.#at;
  }

  begin(revision: number, atMs: number): void {
    if (this.#buffer.length > usualBytes) this.#buffer = Buffer.allocUnsafeSlow(usualBytes);
    this.#buffer.writeDoubleLE(revision, 0);
    this.#buffer.writeDoubleLE(atMs, 8);
    this.#at = transactionHeaderBytes;
    this.#entries = 0;
  }

  /** Leaves out rows that no view shows. */
  add(change: RowChange): void {
    const { key, before, after } = change;
    const row = (before ?? after) as Row;
    if (kinds.of(row).unseen === true) return;
    const { text, raw } = before === undefined ? nothing : encodedParts(kinds, before);
    // A character of UTF-16 has three bytes of UTF-8 at most.
    this.#makeRoom(entryHeaderBytes + (key.length + text.length) * 3 + (raw?.length ?? 0));
    const buffer = this.#buffer;
    const at = this.#at;
    const keyBytes = buffer.write(key, at + entryHeaderBytes);
    const valueAt = at + entryHeaderBytes + keyBytes;
    let end = valueAt + (text === '' ? 0 : buffer.write(text, valueAt));
    if (raw !== undefined) {
      buffer.set(raw, end);
      end += raw.length;
    }
    buffer.writeUInt32LE(before === undefined ? absent : end - valueAt, at);
    buffer.writeUInt32LE(subjectOf(change), at + 4);
    buffer.writeDoubleLE(before?.modified ?? 0, at + 8);
    buffer.writeUInt32LE(keyBytes, at + 16);
    this.#at = end;
    this.#entries++;
  }

  /** The whole transaction; valid until the next `begin`. */
  end(): Buffer {
    this.#buffer.writeUInt32LE(this.#entries, 16);
    this.#buffer.writeUInt32LE(this.#at - transactionHeaderBytes, 20);
    return this.#buffer.subarray(0, this.#at);
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Writes the header of a frame whose transactions stand behind it. @param withSum for a frame that is complete */
export function writeFrameHeader(buffer: Buffer, at: number, end: number, withSum: boolean): void {
  const from = at + frameHeaderBytes;
  buffer.writeUInt32LE(magic, at);
  buffer.writeUInt32LE(end - from, at + 4);
  buffer.writeUInt32LE(withSum ? crc32(buffer.subarray(from, end)) : 0, at + 8);
  buffer.writeUInt32LE(0, at + 12);
}

/**
 * How many bytes of a file are whole frames.
 * @throws RegistryError `data_loss` when it does not begin with a frame of this format
 */
export function wholeFrames(buffer: Buffer): number {
  let at = 0;
  while (at + frameHeaderBytes <= buffer.length) {
    if (buffer.readUInt32LE(at) !== magic) break;
    const from = at + frameHeaderBytes;
    const end = from + buffer.readUInt32LE(at + 4);
    if (end > buffer.length || crc32(buffer.subarray(from, end)) !== buffer.readUInt32LE(at + 8)) break;
    at = end;
  }
  if (buffer.length >= 4 && buffer.readUInt32LE(0) !== magic) throw new RegistryError('data_loss', 'a file of the history does not begin with a frame of its format');
  return at;
}

/**
 * Goes over transactions and, in each of them, over its entries:
 *
 *   while (cursor.nextTransaction()) while (cursor.nextEntry()) …
 *
 * Entries that are not asked for cost nothing. Makes no object for a transaction or entry.
 */
export class Cursor {
  revision = 0;
  atMs = 0;
  subject = 0;
  /** Where the present entry is: `moveTo` comes back to it. */
  at = 0;
  readonly #buffer: Buffer;
  readonly #end: number;
  #frameEnd = 0;
  #next = 0;
  #transactionEnd = 0;
  #valueAt = 0;

  /** @param end of the last transaction to look at */
  constructor(buffer: Buffer, end = buffer.length) {
    this.#buffer = buffer;
    this.#end = end;
  }

  nextTransaction(): boolean {
    let at = this.#transactionEnd;
    if (at >= this.#frameEnd) {
      if (at + frameHeaderBytes > this.#end) return false;
      // The last frame may have grown since.
      this.#frameEnd = Math.min(at + frameHeaderBytes + this.#buffer.readUInt32LE(at + 4), this.#end);
      at += frameHeaderBytes;
      if (at >= this.#frameEnd) return false;
    }
    this.revision = this.#buffer.readDoubleLE(at);
    this.atMs = this.#buffer.readDoubleLE(at + 8);
    this.#next = at + transactionHeaderBytes;
    this.#transactionEnd = this.#next + this.#buffer.readUInt32LE(at + 20);
    return true;
  }

  nextEntry(): boolean {
    if (this.#next >= this.#transactionEnd) return false;
    this.moveTo(this.#next);
    const value = this.#buffer.readUInt32LE(this.at);
    this.#next = this.#valueAt + (value === absent ? 0 : value);
    return true;
  }

  /** Makes another entry of the same buffer the present one; transactions go on as if it had not been called. */
  moveTo(at: number): void {
    this.at = at;
    this.subject = this.#buffer.readUInt32LE(at + 4);
    this.#valueAt = at + entryHeaderBytes + this.#buffer.readUInt32LE(at + 16);
  }

  key(): string {
    return this.#buffer.toString('utf8', this.at + entryHeaderBytes, this.#valueAt);
  }

  /** Bytes of the row's value. */
  get valueBytes(): number {
    const bytes = this.#buffer.readUInt32LE(this.at);
    return bytes === absent ? 0 : bytes;
  }

  /**
   * The row as it was before the transaction; undefined if it did not exist.
   * @throws RegistryError `data_loss` when it cannot be read
   */
  before(key: string, intern: Intern): Row | undefined {
    const bytes = this.#buffer.readUInt32LE(this.at);
    if (bytes === absent) return undefined;
    const value = this.#buffer.subarray(this.#valueAt, this.#valueAt + bytes);
    return decodeWith(kinds, { key, value, revision: this.#buffer.readDoubleLE(this.at + 8) }, intern);
  }
}
