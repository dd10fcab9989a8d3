/**
 * The records of one moment, read from the store's files while writing goes on.
 *
 * Only keys and revisions are in memory: the files are read from their beginning, and a record is
 * yielded when it is the one that stood at the snapshot's revision.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineRecord } from '../engine.ts';
import { damaged, eachEntry, type Head } from './frame.ts';
import type { FileRange } from './log.ts';
import { Scanner } from './scan.ts';
import { framesAt, readHeader } from './store-file.ts';

/** Yielded at once, whichever is reached first. */
const chunkRecords = 1_000;
const chunkBytes = 1_048_576;

export class Snapshot {
  readonly head: Head;
  readonly #files: { readonly fd: number; readonly name: string; readonly end: number }[] = [];
  /** What is still to be yielded. */
  readonly #wanted: Map<string, number>;

  /** Opens the files, so that they may be removed while it is read. `close` must be called. */
  constructor(dir: string, ranges: readonly FileRange[], head: Head, revisions: ReadonlyMap<string, number>) {
    this.head = head;
    this.#wanted = new Map(revisions);
    try {
      for (const { name, end } of ranges) this.#files.push({ fd: openSync(join(dir, name), 'r'), name, end });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Yields each record once, in chunks of copies.
   * @throws RegistryError `data_loss` when a file is not what was written
   */
  async *records(): AsyncGenerator<EngineRecord[], void, undefined> {
    let chunk: EngineRecord[] = [];
    let bytes = 0;
    const take = (key: string, revision: number, value: Buffer | undefined): void => {
      if (value === undefined || this.#wanted.get(key) !== revision) return;
      this.#wanted.delete(key);
      chunk.push({ key, value: Buffer.from(value), revision });
      bytes += value.length;
    };
    for (const { fd, name, end } of this.#files) {
      const scanner = new Scanner(fd, framesAt, readHeader(fd, name).crc, end);
      for (let frames = await scanner.next(); frames.length > 0; frames = await scanner.next()) {
        for (const { frame } of frames) {
          eachEntry(frame, take);
          if (chunk.length < chunkRecords && bytes < chunkBytes) continue;
          // Copies: what is yielded here may be kept, the frames are gone only with the next call.
          yield chunk;
          chunk = [];
          bytes = 0;
        }
      }
      if (scanner.position !== end) throw damaged(`${name} is unreadable at byte ${scanner.position}`);
    }
    if (chunk.length > 0) yield chunk;
    if (this.#wanted.size > 0) throw damaged(`${this.#wanted.size} records are missing from its files`);
  }

  /** Idempotent. */
  close(): void {
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }
}
