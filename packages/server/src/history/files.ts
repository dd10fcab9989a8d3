/**
 * The history on disk: a file for each segment, in the order of their numbers.
 *
 *   00000007-1520-1767225600000.history    number, then revision and time of the log before its first transaction
 *
 * Bytes are appended and not flushed: they survive the end of the process, not that of the machine, whose loss is found by the checksums of frames.
 * It does not decide what is kept.
 */

import { mkdir, open, readdir, readFile, rename, stat, truncate, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Cursor, wholeFrames } from './format.ts';
import { Segment, type Point } from './segment.ts';

const pattern = /^(\d{8})-(\d{1,16})-(\d{1,16})\.history$/;
const only = { mode: 0o600 };

interface Found {
  readonly number: number;
  readonly path: string;
  readonly base: Point;
  readonly bytes: number;
}

/** Makes a file that is only appended to. */
export type OpenFile = (path: string, flags: string, mode: number) => Promise<Pick<FileHandle, 'appendFile' | 'close'>>;

export interface HistoryFilesOptions {
  readonly folder: string;
  readonly log: Pick<Logger, 'warn'>;
  /** The oldest segment that is not written. */
  readonly unwritten: () => Segment | undefined;
  /** Gets the buffer of a complete segment once its file has all of it. */
  readonly free: (buffer: Buffer) => void;
  /** That of `node:fs` by default. */
  readonly open?: OpenFile | undefined;
}

export class HistoryFiles {
  readonly #options: HistoryFilesOptions;
  readonly #folder: string;
  readonly #open: OpenFile;
  /** Does one thing after the other. */
  #work: Promise<void>;
  #number = 0;
  /** The file that is written, and its segment. */
  #current: { readonly segment: Segment; readonly file: Awaited<ReturnType<OpenFile>> } | undefined;
  #isWriting = false;
  /** `write` was called while it was writing. */
  #isAskedAgain = false;
  /** Writing has failed: segments stay in memory until the next start. */
  #isBroken = false;

  /** The folder is created if it is missing. */
  constructor(options: HistoryFilesOptions) {
    const { folder, open: openFile = open } = options;
    this.#options = options;
    this.#folder = folder;
    this.#open = openFile;
    this.#work = mkdir(folder, { recursive: true, mode: 0o700 }).then(() => {}, (error: unknown) => this.#fail(error));
  }

  /**
   * The segments of earlier runs, the oldest first, without what a crash cut off. Must be called before anything is written.
   * When they cannot be read, they are removed.
   * @param mergedBytesMax the last two are made one if they have no more together, so that restarts leave no heap of small files
   */
  load(mergedBytesMax: number): Promise<Segment[]> {
    const loading = this.#work.then(() => this.#load(mergedBytesMax));
    this.#work = loading.then(() => {}, () => {});
    // Files that cannot be read now cannot be read later.
    return loading.catch((error: unknown) => {
      this.forget();
      throw error;
    });
  }

  /**
   * Appends to the files what the segments have beyond them, the oldest first. Bytes that wait for the disk are in the segments and nowhere else, so they
   * are bounded with them.
   */
  write(): void {
    this.#isAskedAgain = this.#isWriting;
    if (this.#isWriting || this.#isBroken) return;
    this.#isWriting = true;
    this.#then(async () => {
      try {
        do {
          this.#isAskedAgain = false;
          await this.#writeOnce();
        } while (this.#isAskedAgain);
      } finally {
        this.#isWriting = false;
      }
    });
  }

  remove(segment: Segment): void {
    // One that waits for the disk has no file.
    if (segment.path === undefined) return;
    const { path } = segment;
    this.#work = this.#work.then(() => unlink(path).catch(() => {}));
  }

  /** Removes the segments of earlier runs. */
  forget(): void {
    this.#then(async () => {
      for (const { path } of await this.#find()) await unlink(path);
    });
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#work;
    await this.#closeFile();
  }

  /** Writes the changes that the segments have now. Later ones wait for the next call. */
  async #writeOnce(): Promise<void> {
    for (let segment = this.#options.unwritten(); segment !== undefined; segment = this.#options.unwritten()) {
      await this.#append(segment);
      if (!segment.isComplete) return;
    }
  }

  async #append(segment: Segment): Promise<void> {
    if (segment.path === undefined) {
      const { revision, atMs } = segment.base;
      segment.path = join(this.#folder, `${String(++this.#number).padStart(8, '0')}-${revision}-${Math.floor(atMs)}.history`);
    }
    if (this.#current?.segment !== segment) {
      await this.#closeFile();
      this.#current = { segment, file: await this.#open(segment.path, 'ax', only.mode) };
    }
    const bytes = segment.seal(segment.written);
    if (bytes.length > 0) await this.#current.file.appendFile(bytes);
    segment.written += bytes.length;
    if (!segment.isComplete || segment.written < segment.bytes) return;
    await this.#closeFile();
    const buffer = segment.letGo();
    if (buffer !== undefined) this.#options.free(buffer);
  }

  async #closeFile(): Promise<void> {
    const file = this.#current?.file;
    this.#current = undefined;
    await file?.close();
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(() => (this.#isBroken ? undefined : work())).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#isBroken = true;
    this.#options.log.warn({ err: error, folder: this.#folder }, 'the history cannot be written; it is kept in memory until the next start');
  }

  async #load(mergedBytesMax: number): Promise<Segment[]> {
    const found = await this.#find();
    const last = found.pop();
    if (last === undefined) return [];
    const tail = await readTail(last);
    const before = found.at(-1);
    const segments = found.map((each, at) => Segment.inFile(each.path, { base: each.base, last: (found[at + 1] ?? last).base, bytes: each.bytes }));
    if (before === undefined || before.bytes + tail.length > mergedBytesMax) return [...segments, segmentOf(last, tail)];
    const merged = Buffer.concat([await readTail(before), tail]);
    try {
      await writeFile(`${before.path}.new`, merged, only);
      await rename(`${before.path}.new`, before.path);
    } catch (error) {
      // A full disk, for example: two files are as good as one.
      this.#options.log.warn({ err: error, folder: this.#folder }, 'two files of the history could not be made one; it goes on with both');
      await unlink(`${before.path}.new`).catch(() => {});
      return [...segments, segmentOf(last, tail)];
    }
    await unlink(last.path);
    return [...segments.slice(0, -1), segmentOf(before, merged)];
  }

  async #find(): Promise<Found[]> {
    const names = (await readdir(this.#folder)).toSorted();
    const found: Found[] = [];
    for (const name of names) {
      const path = join(this.#folder, name);
      const [, number, revision, atMs] = pattern.exec(name) ?? [];
      if (number === undefined) continue;
      found.push({ number: Number(number), path, base: { revision: Number(revision), atMs: Number(atMs) }, bytes: (await stat(path)).size });
    }
    this.#number = found.at(-1)?.number ?? 0;
    return found;
  }
}

/** The whole frames of a file, from which the rest is cut off. */
async function readTail({ path }: Found): Promise<Buffer> {
  const bytes = await readFile(path);
  const whole = wholeFrames(bytes);
  if (whole < bytes.length) await truncate(path, whole);
  return bytes.subarray(0, whole);
}

function segmentOf({ path, base }: Found, bytes: Buffer): Segment {
  let last = base;
  const cursor = new Cursor(bytes);
  while (cursor.nextTransaction()) last = { revision: cursor.revision, atMs: cursor.atMs };
  return Segment.inFile(path, { base, last, bytes: bytes.length });
}
