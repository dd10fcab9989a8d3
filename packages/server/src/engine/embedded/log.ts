/**
 * The log that is being written: frames are appended to one file after the other, and are on the
 * disk before an append resolves. Knows no keys and no records. One call at a time.
 */

import { close, constants, fdatasync, ftruncateSync, open, write } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { chain, emptyFrame, frameHeaderBytes, frameKind, type Head } from './frame.ts';
import { encodeEndMark, endMarkAt, endMarkBytes, fileName, framesAt, makeFile, removeFile } from './store-file.ts';

/** A file of the store up to where it is written. */
export interface FileRange {
  readonly name: string;
  readonly end: number;
}

/** Where the next frame goes. */
export interface LogEnd {
  readonly sequence: number;
  readonly position: number;
  /** Of the file. */
  readonly length: number;
  /** Crc32 of the last frame. */
  readonly previous: number;
}

/** The end of an existing store, where the log continues. */
export interface LogState {
  readonly end: LogEnd;
  /** Whether the file has an end mark. */
  readonly marked: boolean;
  /** The store's other files, in order: at most one base, then logs. */
  readonly before: readonly FileRange[];
}

/**
 * Linux flushes within the write; elsewhere `fdatasync` follows it. On macOS only `fdatasync` reaches
 * the medium (F_FULLFSYNC), and Windows has no other call.
 */
const writesThrough = process.platform === 'linux';

/**
 * Zeros that a group takes along when it comes to the end of what has been written of the file. Without them, the file system
 * would record a new end of the file's blocks in its journal for every commit; so does PostgreSQL (`wal_init_zero`), for a
 * whole file at once. Once for 28 commits of 9 kB, the flush of a commit takes two thirds of the time (ext4).
 */
const aheadBytes = 262_144;

/** Bytes that are written at once: copying and summing them takes some 10 ms of one turn of the event loop. */
const pieceBytes = 8_388_608;

export class Log {
  readonly #dir: string;
  readonly #logBytes: number;
  #fd: number;
  #end: LogEnd;
  /** The file is written, with zeros at least, up to here. */
  #writtenTo: number;
  #marked: boolean;
  /** The files before the one that is written, in order: at most one base, then logs. */
  #before: readonly FileRange[];

  private constructor(dir: string, logBytes: number, fd: number, { end, marked, before }: LogState) {
    this.#dir = dir;
    this.#logBytes = logBytes;
    this.#fd = fd;
    this.#end = end;
    this.#writtenTo = end.position;
    this.#marked = marked;
    this.#before = before;
  }

  /**
   * Continues an existing store.
   * @param logBytes length of the logs to come; they are mostly holes until they are written
   */
  static async open(dir: string, logBytes: number, state: LogState): Promise<Log> {
    return new Log(dir, logBytes, await openToAppend(join(dir, fileName('log', state.end.sequence))), state);
  }

  /** Number of the file that is written. */
  get sequence(): number {
    return this.#end.sequence;
  }

  /** Every file of the store, in order, up to where it is written now. */
  ranges(): FileRange[] {
    return [...this.#before, { name: fileName('log', this.#end.sequence), end: this.#end.position }];
  }

  /**
   * Whether the logs before the present one are larger than the base before them: then a compaction
   * writes at most as much as was logged since the last one.
   */
  get isWorthCompacting(): boolean {
    const base = this.#before[0]?.name.endsWith('.base') === true ? this.#before[0].end : 0;
    const logs = this.#before.reduce((sum, { end }) => sum + end, 0) - base;
    return logs > Math.max(base, this.#logBytes);
  }

  /** Whether so many bytes fit into the present file; if not, `rotate` first. */
  fits(bytes: number): boolean {
    // One empty frame must still fit: it says that the log continues in the next file.
    return this.#end.position + bytes + frameHeaderBytes <= this.#end.length;
  }

  /**
   * Writes frames as one group.
   * @throws RegistryError `resource_exhausted` when there is no room (nothing was written); after any error
   *   that is not a RegistryError the content of the disk is unknown, and nothing more may be written
   */
  async append(frames: readonly Buffer[]): Promise<void> {
    let { previous } = this.#end;
    let written = 0;
    try {
      if (this.#marked) await writeDurably(this.#fd, Buffer.alloc(endMarkBytes), endMarkAt);
      this.#marked = false;
      for (const piece of piecesOf(frames)) {
        previous = chain(piece, previous, written);
        written += await this.#write(piece, this.#end.position + written);
      }
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      // The written part is erased, so that no later reader takes it for a damaged log.
      ftruncateSync(this.#fd, this.#end.position);
      ftruncateSync(this.#fd, this.#end.length);
      this.#writtenTo = this.#end.position;
      throw noRoom(this.#dir, error);
    }
    this.#end = { ...this.#end, position: this.#end.position + written, previous };
  }

  /** @returns the bytes of the frames */
  async #write(frames: readonly Buffer[], position: number): Promise<number> {
    const end = frames.reduce((sum, frame) => sum + frame.length, position);
    const to = end <= this.#writtenTo ? end : Math.min(end + aheadBytes, this.#end.length);
    const [first] = frames;
    // Most groups are one frame, which is written as it is. After a concatenation, the rest of the buffer is zeros.
    await writeDurably(this.#fd, first?.length === to - position ? first : Buffer.concat(frames, to - position), position);
    this.#writtenTo = Math.max(this.#writtenTo, to);
    return end - position;
  }

  /**
   * Begins the next file.
   * @param bytes that must fit into it
   * @throws RegistryError `resource_exhausted` or `unavailable` when it cannot be made (nothing was
   *   written); anything else as `append`
   */
  async rotate(head: Head, bytes: number): Promise<void> {
    const sequence = this.#end.sequence + 1;
    const length = Math.max(this.#logBytes, framesAt + bytes + frameHeaderBytes);
    const { fd, previous } = await this.#makeNext(sequence, length, head);
    try {
      await this.append([emptyFrame(frameKind.continued, head)]);
    } catch (error) {
      await closeFile(fd);
      // The new file begins at the present end of this log: it must not stay if this log grows further.
      if (isRegistryError(error)) await removeFile(this.#dir, fileName('log', sequence));
      throw error;
    }
    await closeFile(this.#fd);
    this.#before = this.ranges();
    this.#marked = false;
    this.#fd = fd;
    this.#end = { sequence, position: framesAt, length, previous };
    this.#writtenTo = framesAt;
  }

  async #makeNext(sequence: number, length: number, start: Head): Promise<{ fd: number; previous: number }> {
    let previous = 0;
    let fd: number | undefined;
    let named = false;
    try {
      await makeFile(
        this.#dir,
        { kind: 'log', sequence, length, start },
        async (_, crc, path) => {
          previous = crc;
          fd = await openToAppend(path);
        },
        () => (named = true),
      );
      return { fd: fd as unknown as number, previous };
    } catch (error) {
      if (fd !== undefined) await closeFile(fd);
      if (named) throw error;
      if (isNoRoom(error)) throw noRoom(this.#dir, error);
      // For example too many open files: the log is unchanged, and the next commit tries again.
      const what = error instanceof Error ? error.message : String(error);
      throw new RegistryError('unavailable', `the next log cannot be made (${what}); try again later`, { cause: error });
    }
  }

  /** Replaces every file up to the base's sequence by the base, and removes them. */
  async replace(base: FileRange, sequence: number): Promise<void> {
    const first = this.#before.findIndex(({ name }) => name === fileName('log', sequence)) + 1;
    const replaced = this.#before.slice(0, first);
    this.#before = [base, ...this.#before.slice(first)];
    // Files that cannot be removed now are removed at the next start.
    for (const { name } of replaced) await unlink(join(this.#dir, name)).catch(() => {});
  }

  /**
   * Closes the file.
   * @param whole whether to write the end mark; false after a failure
   */
  async close(whole: boolean): Promise<void> {
    try {
      if (whole && !this.#marked) await writeDurably(this.#fd, encodeEndMark(this.#end), endMarkAt);
    } finally {
      await closeFile(this.#fd);
    }
  }
}

/** Cuts a group into pieces, each of which is written at once. */
function* piecesOf(frames: readonly Buffer[]): Generator<Buffer[], void, undefined> {
  let piece: Buffer[] = [];
  let bytes = 0;
  for (const frame of frames) {
    if (bytes > 0 && bytes + frame.length > pieceBytes) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(frame);
    bytes += frame.length;
  }
  yield piece;
}

/** Whether the system reported that there is no room: disk, quota or largest file. */
export function isNoRoom(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

function noRoom(dir: string, cause: unknown): RegistryError {
  return new RegistryError('resource_exhausted', `no room in ${dir}; free some space and try again`, { cause });
}

function openToAppend(path: string): Promise<number> {
  const flags = constants.O_RDWR | (writesThrough ? constants.O_DSYNC : 0);
  return new Promise((opened, failed) => {
    open(path, flags, (error, fd) => (error === null ? opened(fd) : failed(error)));
  });
}

function closeFile(fd: number): Promise<void> {
  return new Promise((closed, failed) => {
    close(fd, (error) => (error === null || error === undefined ? closed() : failed(error)));
  });
}

function writeDurably(fd: number, bytes: Buffer, position: number): Promise<void> {
  return new Promise((written, failed) => {
    const flushed = (error: Error | null): void => (error === null ? written() : failed(error));
    const more = (from: number): void => {
      write(fd, bytes, from, bytes.length - from, position + from, (error, count) => {
        if (error !== null) failed(error);
        else if (from + count < bytes.length) more(from + count);
        else if (writesThrough) written();
        else fdatasync(fd, flushed);
      });
    };
    more(0);
  });
}
