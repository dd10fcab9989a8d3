/**
 * A part of the history: transactions in their order, in a buffer that only grows at its end. All except the newest are complete. A complete
 * one with a file is read from there each time.
 */

import { RegistryError } from '@rollcall/protocol';
import { readFile } from 'node:fs/promises';
import { frameHeaderBytes, wholeFrames, writeFrameHeader } from './format.ts';

/** A place in the log, with the time at which this node applied it. */
export interface Point {
  readonly revision: number;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** The bytes of a segment and how many of them are filled; both stay valid while more is added. */
export interface Filled {
  readonly buffer: Buffer;
  readonly end: number;
}

export class Segment {
  /** Where the log stood before its first transaction. */
  readonly base: Point;
  #last: Point;
  #buffer: Buffer | undefined;
  #length = 0;
  /** Begin of the frame that grows; -1 when the next transaction begins one. */
  #frameAt = -1;
  /** Its file, once it has one. */
  path: string | undefined;
  /** Bytes that its file has. */
  written = 0;
  /** Nothing more is added to it. */
  isComplete = false;
  #isChecked = false;

  /** @param room its length, or a buffer that it may fill */
  constructor(base: Point, room: number | Buffer) {
    this.base = base;
    this.#last = base;
    this.#buffer = typeof room === 'number' ? Buffer.allocUnsafeSlow(room) : room;
  }

  /** A complete one that a file has. */
  static inFile(path: string, { base, last, bytes }: { readonly base: Point; readonly last: Point; readonly bytes: number }): Segment {
    const segment = new Segment(base, 0);
    segment.#last = last;
    segment.#buffer = undefined;
    segment.#length = bytes;
    segment.path = path;
    segment.written = bytes;
    segment.isComplete = true;
    return segment;
  }

  get last(): Point {
    return this.#last;
  }

  get bytes(): number {
    return this.#length;
  }

  /** Whether it is read from its file. */
  get isInFile(): boolean {
    return this.#buffer === undefined;
  }

  /** Whether its file lacks a part of it, or has all of it by now. */
  get isUnwritten(): boolean {
    return this.#buffer !== undefined && this.#length > 0 && (this.isComplete || this.#length > this.written);
  }

  hasRoom(bytes: number): boolean {
    return this.#buffer !== undefined && this.#length + frameHeaderBytes + bytes <= this.#buffer.length;
  }

  /** The caller has seen that there is room. */
  add(transaction: Buffer, last: Point): void {
    const buffer = this.#buffer as Buffer;
    if (this.#frameAt < 0) {
      this.#frameAt = this.#length;
      this.#length += frameHeaderBytes;
    }
    buffer.set(transaction, this.#length);
    this.#length += transaction.length;
    writeFrameHeader(buffer, this.#frameAt, this.#length, false);
    this.#last = last;
  }

  /** Completes the frame that grows, so that its bytes can be written. @returns the bytes from a place on; valid for good */
  seal(from: number): Buffer {
    const buffer = this.#buffer as Buffer;
    if (this.#frameAt >= 0) writeFrameHeader(buffer, this.#frameAt, this.#length, true);
    this.#frameAt = -1;
    return buffer.subarray(from, this.#length);
  }

  /** The file has all of it. @returns its buffer, which those who are reading it still need */
  letGo(): Buffer | undefined {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    return buffer;
  }

  /** @throws RegistryError (the promise) `data_loss` when its file is missing or damaged */
  read(): Filled | Promise<Filled> {
    return this.#buffer === undefined ? this.#readFile() : { buffer: this.#buffer, end: this.#length };
  }

  async #readFile(): Promise<Filled> {
    const path = this.path as string;
    let buffer: Buffer;
    try {
      buffer = await readFile(path);
    } catch (cause) {
      throw new RegistryError('data_loss', `${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
    // The checksums are compared once: later reads get the same bytes.
    if (buffer.length < this.#length || (!this.#isChecked && wholeFrames(buffer.subarray(0, this.#length)) !== this.#length)) {
      throw new RegistryError('data_loss', `${path} is damaged`);
    }
    this.#isChecked = true;
    return { buffer, end: this.#length };
  }
}
