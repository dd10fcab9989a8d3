/**
 * The backup format: every record of the registry at one revision, independent of any engine.
 *
 *   gzip of   one line of JSON   {"format":"rollcall-backup","version":2,"revision":N}
 *             per record         key length, value length (32 bits each, big endian), key, value
 *             end                0xffffffff, number of records (32 bits), SHA-256 of all before it
 *
 * A file that was cut or damaged is always found: by gzip's checksum, by the end mark, by the
 * digest. Reading a backup is `restore.ts`.
 */

import { createHash, type Hash } from 'node:crypto';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { encodeWith } from '../registry/codec.ts';
import { recordKey } from '../registry/kind/record/keys.ts';
import { kinds } from '../registry/kinds.ts';
import type { Moment } from '../registry/moment.ts';
import { kindOf, noNamespace, type AnyRow } from '../registry/row.ts';

export const backupFormat = 'rollcall-backup';
/** Version 1 has records of format 1 (`registry/migration/format-1.ts`), which are converted when they are read. */
export const backupVersion = 2;

/** Stands in place of a key length and ends the records. */
export const endMark = 0xffff_ffff;

/** Bytes that are encoded at once; between two chunks the event loop can run. */
const chunkBytes = 65_536;

const ownPrefix = recordKey(noNamespace, 'server', '');

/**
 * Records that belong to this server and not to the state that clients wrote. Its identity must not be restored
 * elsewhere, or two servers restored from one backup would be the same node.
 */
export function staysHere(key: string): boolean {
  return key.startsWith(ownPrefix) || kinds.get(kindOf(key))?.staysHere === true;
}

/** A backup of one moment; it may be read more than once and gives the same bytes each time. */
export function writeBackup<R extends AnyRow>(moment: Moment<R>): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => packed(moment)[Symbol.asyncIterator]() };
}

function packed<R extends AnyRow>(moment: Moment<R>): AsyncIterable<Buffer> {
  const out = new PassThrough();
  // An error or an early end on either side reaches the reader through `out`.
  pipeline(Readable.from(frames(moment)), createGzip(), out, () => {});
  return out;
}

function* frames<R extends AnyRow>({ rows, revision, kinds }: Moment<R>): Generator<Buffer, void, undefined> {
  const digest = createHash('sha256');
  let chunk: Buffer[] = [line({ format: backupFormat, version: backupVersion, revision })];
  let bytes = 0;
  let records = 0;
  for (const [key, row] of rows) {
    if (staysHere(key)) continue;
    records++;
    const record = frame(Buffer.from(key), encodeWith(kinds, row));
    chunk.push(record);
    bytes += record.length;
    if (bytes < chunkBytes) continue;
    yield hashed(digest, chunk);
    chunk = [];
    bytes = 0;
  }
  const end = Buffer.alloc(8);
  end.writeUInt32BE(endMark, 0);
  end.writeUInt32BE(records, 4);
  yield hashed(digest, [...chunk, end]);
  yield digest.digest();
}

function hashed(digest: Hash, chunk: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(chunk);
  digest.update(bytes);
  return bytes;
}

function line(header: object): Buffer {
  return Buffer.from(`${JSON.stringify(header)}\n`);
}

function frame(key: Buffer, value: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(key.length, 0);
  head.writeUInt32BE(value.length, 4);
  return Buffer.concat([head, key, value]);
}
