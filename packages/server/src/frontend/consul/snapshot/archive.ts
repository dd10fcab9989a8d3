/**
 * The file of a snapshot, in Consul's format (`snapshot/archive.go` of Consul 1.16): gzip of a tar of exactly `meta.json` (Raft's
 * description), `state.bin` (records) and `SHA256SUMS`. Consul's tools refuse any further member. So the backup of Rollcall,
 * which alone is complete, is inside the records: in pieces, in a field of entries of Consul's system metadata that Consul
 * ignores.
 */

import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { tarEnd, tarHeader, tarPadding } from '../../../net/tar.ts';
import type { BackupStore } from '../../../net/transfers.ts';
import type { Moment } from '../../../registry/moment.ts';
import { Packer } from './msgpack.ts';
import { record, recordsOf, recordTypes } from './records.ts';

/** Key of the entries, and the field that holds a piece of the backup. */
const backupKey = 'rollcall-backup';
export const backupField = 'Rollcall';

export const members = { meta: 'meta.json', state: 'state.bin', sums: 'SHA256SUMS' } as const;

const chunkBytes = 65_536;
/** Rows between two turns of the event loop: a few milliseconds, even of large values. */
const stepsPerTurn = 256;

export interface ArchiveOptions {
  readonly moment: Moment;
  readonly store: Pick<BackupStore, 'backup'>;
  readonly datacenter: string;
  /** A UUID. */
  readonly nodeId: string;
  readonly address: string;
  /** Wall clock, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** The archive of the registry at one moment. The reader may stop at any time. */
export function writeArchive(options: ArchiveOptions): AsyncIterable<Buffer> {
  const { moment, store, datacenter } = options;
  // A tar has the length of a member before its bytes, so all records are written twice, from the same moment.
  const backup = store.backup(moment);
  const [counted, sent] = [0, 1].map(() => chunks(moment, datacenter, backup)) as [Chunks, Chunks];
  const out = createGzip();
  // An error or an early end on either side reaches the other.
  pipeline(Readable.from(archive(options, moment.revision, counted, sent)), out, () => {});
  return out;
}

type Chunks = AsyncGenerator<Buffer, void, undefined>;

/** `state.bin`, in chunks. */
async function* chunks(moment: Moment, datacenter: string, backup: AsyncIterable<Buffer>): Chunks {
  const packer = new Packer();
  let steps = 0;
  for (const _step of recordsOf(moment, datacenter, packer)) {
    if (packer.length >= chunkBytes) yield packer.take();
    if (++steps % stepsPerTurn === 0) await turn();
  }
  for await (const piece of evenly(backup)) {
    record(packer, recordTypes.systemMetadata, { Key: backupKey, Value: 'restored by Rollcall only', [backupField]: piece });
    yield packer.take();
  }
}

/** Cuts the stream into pieces of one length: the chunks of a stream vary, and both passes must give the same bytes. */
async function* evenly(source: AsyncIterable<Buffer>): Chunks {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (; rest.length >= chunkBytes; rest = rest.subarray(chunkBytes)) yield rest.subarray(0, chunkBytes);
  }
  if (rest.length > 0) yield rest;
}

async function* archive(options: ArchiveOptions, revision: number, counted: Chunks, sent: Chunks): Chunks {
  try {
    yield* membersOf(options, revision, counted, sent);
  } finally {
    await counted.return();
    await sent.return();
  }
}

async function* membersOf(options: ArchiveOptions, revision: number, counted: Chunks, sent: Chunks): Chunks {
  let size = 0;
  for await (const chunk of counted) size += chunk.length;
  const { nowMs } = options;
  const meta = metaOf(options, revision, size);
  yield* whole(members.meta, meta, nowMs);
  yield tarHeader(members.state, size, nowMs);
  const digest = createHash('sha256');
  let left = size;
  for await (const chunk of sent) {
    left -= chunk.length;
    digest.update(chunk);
    yield chunk;
  }
  if (left !== 0) throw new Error(`state.bin has ${size - left} bytes and not ${size}, as it had when it was counted`);
  yield tarPadding(size);
  const sums = [
    `${createHash('sha256').update(meta).digest('hex')}  ${members.meta}`,
    `${digest.digest('hex')}  ${members.state}`,
  ];
  yield* whole(members.sums, Buffer.from(`${sums.join('\n')}\n`), nowMs);
  yield tarEnd();
}

/** `raft.SnapshotMeta` as JSON: a cluster of this one server. */
function metaOf({ nodeId, address, nowMs }: ArchiveOptions, revision: number, size: number): Buffer {
  const index = Math.max(1, revision);
  const meta = {
    ...{ Version: 1, ID: `1-${index}-${Math.floor(nowMs)}`, Index: index, Term: 1, Peers: null },
    Configuration: { Servers: [{ Suffrage: 0, ID: nodeId, Address: `${address}:8300` }] },
    ...{ ConfigurationIndex: 1, Size: size },
  };
  return Buffer.from(`${JSON.stringify(meta)}\n`);
}

function* whole(name: string, bytes: Buffer, modifiedMs: number): Generator<Buffer> {
  yield Buffer.concat([tarHeader(name, bytes.length, modifiedMs), bytes, tarPadding(bytes.length)]);
}
