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

export class HistoryFiles {
  readonly #folder: string;
  readonly #log: Pick<Logger, 'warn'>;
  /** Does one thing after the other. */
  #work: Promise<void>;
  #number = 0;
  #open: FileHandle | undefined;
  /** Writing has failed: segments stay in memory until the next start. */
  #isBroken = false;

  /** The folder is created if it is missing. */
  constructor(folder: string, log: Pick<Logger, 'warn'>) {
    this.#folder = folder;
    this.#log = log;
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

  /** @param bytes what the segment has beyond those that were appended before; they stay as they are */
  append(segment: Segment, bytes: Buffer): void {
    this.#then(async () => {
      if (segment.path === undefined) {
        const { revision, atMs } = segment.base;
        segment.path = join(this.#folder, `${String(++this.#number).padStart(8, '0')}-${revision}-${Math.floor(atMs)}.history`);
        this.#open = await open(segment.path, 'ax', only.mode);
      }
      await this.#open?.appendFile(bytes);
    });
  }

  /** Nothing more comes for the segment; from now on it is read from its file. @param free gets its buffer then */
  complete(segment: Segment, free: (buffer: Buffer) => void = () => {}): void {
    this.#then(async () => {
      await this.#open?.close();
      this.#open = undefined;
      const buffer = segment.path === undefined ? undefined : segment.letGo();
      if (buffer !== undefined) free(buffer);
    });
  }

  remove(segment: Segment): void {
    // Its file may be about to be made.
    this.#work = this.#work.then(() => (segment.path === undefined ? undefined : unlink(segment.path).catch(() => {})));
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
    await this.#open?.close();
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(() => (this.#isBroken ? undefined : work())).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#isBroken = true;
    this.#log.warn({ err: error, folder: this.#folder }, 'the history cannot be written; it is kept in memory until the next start');
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
    await writeFile(`${before.path}.new`, merged, only);
    await rename(`${before.path}.new`, before.path);
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
