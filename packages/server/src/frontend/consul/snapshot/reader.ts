/**
 * Reads a snapshot for a restore: finds the backup of Rollcall in an archive of `archive.ts`, and checks
 * everything around it. A plain backup is accepted, too: before there were archives, it was the snapshot. Snapshots of
 * Consul itself are detected and refused: their records have no revisions from which ours could continue, and they
 * contain the secrets of all tokens.
 */

import { createHash, type Hash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { RegistryError } from '@rollcall/protocol';
import { tarBlockBytes } from '../../../net/tar.ts';
import { backupField, members } from './archive.ts';
import { Incomplete, type Packed, Unpacker, Unreadable } from './msgpack.ts';
import { recordTypes } from './records.ts';

/** The first bytes of a file, which identify its format. */
const startBytes = 1_024;
/** `meta.json` and `SHA256SUMS` are short. */
const shortBytesMax = 1_048_576;

/**
 * The backup in a snapshot.
 * @param bytesMax most bytes of the unpacked archive
 * @throws RegistryError `invalid_argument` if it contains no backup, or is damaged (reported at its end at the latest);
 *   `resource_exhausted`
 */
export async function* readSnapshot(source: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    let start: Buffer = Buffer.alloc(0);
    let ended = false;
    while (start.length < startBytes && !ended) {
      const next = await iterator.next();
      ended = next.done === true;
      if (next.done !== true) start = Buffer.concat([start, next.value]);
    }
    const whole = resumed(start, iterator);
    if (isTar(start)) yield* backupWithin(whole, bytesMax);
    else yield* whole;
  } finally {
    await iterator.return?.();
  }
}

async function* resumed(start: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

function isTar(start: Buffer): boolean {
  try {
    const plain = gunzipSync(start.subarray(0, startBytes), { finishFlush: constants.Z_SYNC_FLUSH });
    return plain.toString('latin1', 257, 262) === 'ustar';
  } catch {
    return false;
  }
}

async function* backupWithin(source: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Buffer> {
  const archive = new ArchiveReader();
  let bytes = 0;
  // Errors reach the loop below through the last stream.
  const plain = pipeline(Readable.from(source), createGunzip(), () => {});
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        throw new RegistryError('resource_exhausted', `the unpacked snapshot has more than ${bytesMax} bytes, which is the limit`);
      }
      yield* archive.take(chunk);
    }
  } catch (cause) {
    if (cause instanceof Unreadable) throw refuse(`its records cannot be read: ${cause.message}`, cause);
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'Z_DATA_ERROR') throw refuse('it is damaged', cause);
    if (code === 'Z_BUF_ERROR') throw refuse('it is cut short', cause);
    throw cause;
  }
  archive.end();
}

/** The members of a tar, which arrive in pieces of any size. */
class ArchiveReader {
  #waiting: Buffer = Buffer.alloc(0);
  #member: Member | undefined;
  readonly #members = new Map<string, Member>();
  readonly #records = new RecordReader();
  /** Blocks of zeros: after the first one, nothing else may follow. */
  #zeros = 0;

  *take(chunk: Buffer): Generator<Buffer> {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    for (;;) {
      const member = this.#member;
      const wanted = member === undefined ? tarBlockBytes : Math.min(member.left, this.#waiting.length);
      if (this.#waiting.length < wanted || this.#waiting.length === 0) return;
      const taken = this.#waiting.subarray(0, wanted);
      this.#waiting = this.#waiting.subarray(wanted);
      if (member === undefined) this.#begin(taken);
      else yield* this.#content(member, taken);
    }
  }

  /** @throws RegistryError `invalid_argument` if a member is missing or its checksum is wrong */
  end(): void {
    if (this.#member !== undefined || this.#zeros < 2 || this.#waiting.length > 0) throw refuse('it is cut short');
    this.#records.end();
    const sums = this.#members.get(members.sums);
    for (const name of [members.meta, members.state]) {
      const member = this.#members.get(name);
      if (member === undefined || sums === undefined) throw refuse(`it has no ${member === undefined ? name : members.sums}`);
      const line = `${member.digest.digest('hex')}  ${name}`;
      if (!sums.text.split('\n').includes(line)) throw refuse(`it is damaged: the checksum of ${name} does not match`);
    }
    if (this.#records.pieces > 0) return;
    throw refuse(
      'it is a snapshot of Consul itself, which Rollcall cannot read; export its keys and register its services here instead',
    );
  }

  #begin(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#zeros++;
      return;
    }
    const name = block.toString('latin1', 0, 100).replace(/\0.*$/s, '');
    const known = Object.values(members).some((each) => each === name);
    if (this.#zeros > 0 || !isHeader(block)) throw refuse('it is damaged');
    if (!known || this.#members.has(name)) throw refuse(`it has an unexpected member ${JSON.stringify(name.slice(0, 80))}`);
    const size = sizeOf(block);
    if (name !== members.state && size > shortBytesMax) throw refuse(`its ${name} has ${size} bytes`);
    const padding = (tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes;
    this.#member = { name, left: size + padding, padding, digest: createHash('sha256'), text: '' };
    this.#members.set(name, this.#member);
    if (this.#member.left === 0) this.#member = undefined;
  }

  *#content(member: Member, taken: Buffer): Generator<Buffer> {
    member.left -= taken.length;
    // After the content comes padding, part of which may have arrived with it.
    const content = taken.subarray(0, Math.max(0, taken.length - Math.max(0, member.padding - member.left)));
    if (member.left === 0) this.#member = undefined;
    if (content.length === 0) return;
    member.digest.update(content);
    if (member.name === members.state) yield* this.#records.take(content);
    else member.text += content.toString('latin1');
  }
}

interface Member {
  readonly name: string;
  /** Bytes that have not arrived yet, padding included. */
  left: number;
  readonly padding: number;
  readonly digest: Hash;
  text: string;
}

/** Checks the checksum: the sum of all bytes, with spaces in place of the checksum itself. */
function isHeader(block: Buffer): boolean {
  const given = Number.parseInt(block.toString('latin1', 148, 156), 8);
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return given === sum;
}

function sizeOf(block: Buffer): number {
  const size = (block[124] as number) >= 0x80 ? Number(block.readBigUInt64BE(128)) : Number.parseInt(block.toString('latin1', 124, 136), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw refuse('it is damaged');
  return size;
}

/** Reads records, which arrive in pieces of any size; looks only at the pieces of a backup. */
class RecordReader {
  #waiting: Buffer = Buffer.alloc(0);
  #begun = false;
  pieces = 0;

  *take(chunk: Buffer): Generator<Buffer> {
    const bytes = Buffer.concat([this.#waiting, chunk]);
    let at = 0;
    for (;;) {
      const next = this.#read(bytes, at);
      if (next === undefined) break;
      at = next.end;
      const piece = next.type === recordTypes.systemMetadata ? fieldOf(next.value, backupField) : undefined;
      if (!(piece instanceof Uint8Array)) continue;
      this.pieces++;
      yield Buffer.from(piece);
    }
    this.#waiting = Buffer.from(bytes.subarray(at));
  }

  end(): void {
    if (!this.#begun || this.#waiting.length > 0) throw refuse('its last record is cut off');
  }

  /** Reads a type byte and a value; the first value is the head, and has no type. Undefined if it has not arrived completely. */
  #read(bytes: Buffer, at: number): { readonly type: number; readonly value: Packed; readonly end: number } | undefined {
    if (at >= bytes.length) return undefined;
    const type = this.#begun ? (bytes[at] as number) : -1;
    const unpacker = new Unpacker(bytes, this.#begun ? at + 1 : at);
    try {
      const value = unpacker.value();
      this.#begun = true;
      return { type, value, end: unpacker.at };
    } catch (error) {
      if (error instanceof Incomplete) return undefined;
      throw error;
    }
  }
}

function fieldOf(value: Packed, name: string): Packed | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return undefined;
  return (value as { readonly [key: string]: Packed })[name];
}

function refuse(why: string, cause?: unknown): RegistryError {
  return new RegistryError('invalid_argument', `this snapshot cannot be restored: ${why}`, { cause });
}
