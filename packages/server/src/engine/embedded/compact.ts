/**
 * Compaction: writes everything that stands at one moment into a new base, which takes the place of
 * the files that it was read from. Runs beside commits.
 */

import type { FileHandle } from 'node:fs/promises';
import { chain, encodeEntry, encodeFrame, frameKind, Frames } from './frame.ts';
import type { FileRange } from './log.ts';
import type { Snapshot } from './snapshot.ts';
import { fileName, framesAt, makeFile } from './store-file.ts';

/** Flushed at once: one flush of everything in the end would hold up the log's flushes. */
const flushBytes = 4_194_304;

/**
 * @param sequence of the last log that the base takes the place of
 * @throws what the system says, or RegistryError `data_loss` when a file cannot be read, or the
 *   signal's reason; nothing is left behind then
 */
export async function writeBase(dir: string, sequence: number, snapshot: Snapshot, signal: AbortSignal): Promise<FileRange> {
  const empty = { revision: 0, records: 0, sum: 0 };
  let end = framesAt;
  await makeFile(dir, { kind: 'base', sequence, length: 0, start: empty }, async (file, crc) => {
    const append = appender(file, crc);
    for await (const records of snapshot.records()) {
      signal.throwIfAborted();
      const frames = new Frames();
      for (const { key, value, revision } of records) frames.add(encodeEntry(key, value, revision));
      // The parts of one long transaction: the frame that would end it is left to the last.
      for (const frame of frames.end(snapshot.head, frameKind.part)) end += await append(frame);
    }
    end += await append(encodeFrame(frameKind.end, [], snapshot.head));
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
