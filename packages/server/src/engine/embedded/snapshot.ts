/**
 * The records of one moment, read from the store's files while writing goes on.
 *
 * Only keys and revisions are in memory: the files are read from their beginning, and a record is
 * yielded when it is the current one at the snapshot's revision.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineRecord } from '../engine.ts';
import { damaged, eachEntry, KnownKeys, type Head } from './frame.ts';
import type { FileRange } from './log.ts';
import type { Moment } from './revisions.ts';
import { Scanner } from './scan.ts';
import { framesAt, readHeader } from './store-file.ts';

/** Limits of one chunk: the first one that is reached ends it. */
const chunkRecords = 1_000;
const chunkBytes = 1_048_576;

export class Snapshot {
  readonly head: Head;
  readonly #files: { readonly fd: number; readonly name: string; readonly end: number }[] = [];
  readonly #revisions: Moment;

  /** Opens the files, so that they may be removed while it is read. `close` must be called. */
  constructor(dir: string, ranges: readonly FileRange[], head: Head, revisions: Moment) {
    this.head = head;
    this.#revisions = revisions;
    try {
      for (const { name, end } of ranges) this.#files.push({ fd: openSync(join(dir, name), 'r'), name, end });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Yields each record once, in chunks; a value that is kept keeps the values of its frame.
   * @param keys of the first entries, in the order of the files, if they are known
   * @throws RegistryError `data_loss` when a file has changed since it was written
   */
  async *records(keys: readonly string[] = []): AsyncGenerator<EngineRecord[], void, undefined> {
    const known = keys.length === 0 ? undefined : new KnownKeys(keys);
    let chunk: EngineRecord[] = [];
    let bytes = 0;
    let missing = this.head.records;
    /** Of the frame whose entries are taken; a copy once one of them is current. */
    let body: Buffer;
    let isCopy: boolean;
    const take = (key: string, revision: number, isRemoved: boolean, from: number, to: number): void => {
      if (isRemoved || this.#revisions.get(key) !== revision) return;
      // The caller may keep the records, and the frames are valid until the next call only. One copy for all records of a frame.
      if (!isCopy) body = Buffer.from(body);
      isCopy = true;
      missing--;
      chunk.push({ key, value: body.subarray(from, to), revision });
      bytes += to - from;
    };
    for (const { fd, name, end } of this.#files) {
      const scanner = new Scanner(fd, framesAt, readHeader(fd, name).crc, end);
      for (let frames = await scanner.next(); frames.length > 0; frames = await scanner.next()) {
        for (const { frame } of frames) {
          body = frame.body;
          isCopy = false;
          eachEntry(frame, take, known);
          if (chunk.length < chunkRecords && bytes < chunkBytes) continue;
          yield chunk;
          chunk = [];
          bytes = 0;
        }
      }
      if (scanner.position !== end) throw damaged(`${name} is unreadable at byte ${scanner.position}`);
    }
    if (chunk.length > 0) yield chunk;
    if (missing !== 0) throw damaged(`${missing} records are missing from its files`);
  }

  /** Idempotent. */
  close(): void {
    this.#revisions.forget();
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }
}
