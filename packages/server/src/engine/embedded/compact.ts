/**
 * Compaction: writes the records of one moment into a new base, which replaces the files that they were read
 * from. Commits go on meanwhile.
 */

import type { FileHandle } from 'node:fs/promises';
import { chain, emptyFrame, frameKind, Frames, usualEntryBytes } from './frame.ts';
import type { FileRange } from './log.ts';
import type { Snapshot } from './snapshot.ts';
import { fileName, framesAt, makeFile } from './store-file.ts';

/** Bytes between two flushes: one flush of everything at the end would delay the log's flushes. */
const flushBytes = 4_194_304;

/**
 * @param sequence of the last log that the base replaces
 * @throws the error of the system, or RegistryError `data_loss` when a file cannot be read, or the
 *   signal's reason; the unfinished file is removed then
 */
export async function writeBase(dir: string, sequence: number, snapshot: Snapshot, signal: AbortSignal): Promise<FileRange> {
  const empty = { revision: 0, records: 0, sum: 0 };
  let end = framesAt;
  await makeFile(dir, { kind: 'base', sequence, length: 0, start: empty }, async (file, crc) => {
    const append = appender(file, crc);
    for await (const records of snapshot.records()) {
      signal.throwIfAborted();
      const frames = new Frames(records.reduce((sum, { key, value }) => sum + usualEntryBytes(key, value), 0));
      for (const { key, value, revision } of records) frames.add(key, value, revision);
      // All chunks are parts of one long transaction; the last frame ends it.
      for (const frame of frames.end(snapshot.head, frameKind.part)) end += await append(frame);
    }
    end += await append(emptyFrame(frameKind.end, snapshot.head));
  });
  return { name: fileName('base', sequence), end };
}

function appender(file: FileHandle, crc: number): (frame: Buffer) => Promise<number> {
  let previous = crc;
  let unflushed = 0;
  return async (frame) => {
    previous = chain([frame], previous);
    await file.appendFile(frame);
    unflushed += frame.length;
    if (unflushed >= flushBytes) {
      await file.datasync();
      unflushed = 0;
    }
    return frame.length;
  };
}
