/**
 * What a process has seen of its clients, on disk, so that the next process knows it: two files of lines at most (`look-lines.ts`). A file that is full
 * is followed by another, which begins with all that lasts; the one before the last is removed. So a file is never written twice.
 *
 *   00000007.looks   all that lasted at its begin, then what each look has changed
 *
 * Bytes are appended and not flushed: they survive the end of the process, not that of the machine, whose loss is found by the checksums of lines.
 */

import { mkdir, open, readdir, readFile, rm, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { inTurns } from '../in-turns.ts';
import { lineOf, LookReader } from './look-lines.ts';

const pattern = /^(\d{8})\.looks$/;
/** Of one write. */
const chunkCharacters = 262_144;
/** A line is some 5 µs. */
const linesPerTurn = 512;

export interface LookFilesOptions {
  readonly folder: string;
  /** Clients of another store are not of interest. */
  readonly storeId: string;
  /** Of a file; there are two. */
  readonly bytesMax: number;
  readonly log: Pick<Logger, 'warn'>;
}

export class LookFiles {
  readonly #options: LookFilesOptions;
  /** The older one first; the last one grows. */
  #paths: string[] = [];
  #number = 0;
  #file: FileHandle | undefined;
  /** Of the last file, with what waits for being written to it. */
  #bytes = Infinity;
  /** Does one thing after the other. */
  #work: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  /** Writing has failed: nothing more is written until the next start. */
  #isBroken = false;

  constructor(options: LookFilesOptions) {
    this.#options = options;
  }

  /** False after a failure. */
  get isWritten(): boolean {
    return !this.#isBroken;
  }

  /** What earlier processes have seen; undefined for nothing. Must be called before anything is written. */
  async load(charactersMax: number): Promise<LookReader['found']> {
    const { folder, storeId } = this.#options;
    const reader = new LookReader(storeId, charactersMax);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const name of (await readdir(folder)).toSorted()) {
        const [, number] = pattern.exec(name) ?? [];
        if (number !== undefined) await this.#read(reader, join(folder, name));
        this.#number = Math.max(this.#number, Number(number ?? 0));
      }
      const last = this.#paths.at(-1);
      if (last !== undefined) this.#file = await open(last, 'a');
    } catch (error) {
      this.#fail(error);
    }
    return reader.found;
  }

  /** Resolves when all lines that were given until now are written, or lost. */
  get written(): Promise<void> {
    return this.#work;
  }

  /** Whether so many bytes need another file, by `begin`. */
  isFull(bytes: number): boolean {
    return this.#bytes + bytes > this.#options.bytesMax;
  }

  append(lines: readonly string[]): void {
    this.#write(lines, () => Promise.resolve());
  }

  /** Begins another file. @param lines all that lasts */
  begin(lines: readonly string[]): void {
    // A file that is too large is of a process with a higher limit.
    const removed = this.#paths.splice(0, this.#bytes > this.#options.bytesMax ? this.#paths.length : this.#paths.length - 1);
    const path = join(this.#options.folder, `${String(++this.#number).padStart(8, '0')}.looks`);
    this.#paths.push(path);
    this.#bytes = 0;
    this.#write([lineOf.store(this.#options.storeId), ...lines], async () => {
      await this.#file?.close();
      this.#file = undefined;
      for (const each of removed) await rm(each, { force: true });
      this.#file = await open(path, 'ax', 0o600);
    });
  }

  /** Removes all of it, that of workers, too. */
  async forget(): Promise<void> {
    await rm(this.#options.folder, { recursive: true, force: true }).catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#work;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #read(reader: LookReader, path: string): Promise<void> {
    const bytes = await readFile(path);
    const whole = await inTurns(reader.read(bytes), linesPerTurn);
    if (whole === undefined) {
      await rm(path);
      return;
    }
    if (whole < bytes.length) await truncate(path, whole);
    this.#paths.push(path);
    this.#bytes = whole;
  }

  #write(lines: readonly string[], before: () => Promise<void>): void {
    if (this.#isBroken) return;
    const bytes = bytesOf(lines);
    this.#bytes += bytes;
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > 2 * this.#options.bytesMax) {
      this.#fail(new Error(`${this.#waitingBytes} bytes wait for being written, ${2 * this.#options.bytesMax} is the limit`));
      return;
    }
    const write = async () => {
      await before();
      for (const chunk of chunksOf(lines)) await this.#file?.appendFile(chunk);
      this.#waitingBytes -= bytes;
    };
    this.#work = this.#work.then(() => (this.#isBroken ? undefined : write())).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#isBroken = true;
    this.#options.log.warn({ err: error, folder: this.#options.folder }, 'who was connected cannot be written; it is kept in memory until the next start');
  }
}

export function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
}

function* chunksOf(lines: readonly string[]): Generator<string, void, undefined> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < chunkCharacters) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
