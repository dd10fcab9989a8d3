/**
 * Reads a file's frames one after the other, in large pieces and with little memory.
 *
 * Stops at the first place where no frame follows the one before; the caller decides what that means
 * (`load.ts`).
 */

import { read } from 'node:fs';
import { decodeFrame, frameHeaderBytes, type Frame } from './frame.ts';

/** Bytes that are read at once; a longer frame is read whole. */
const pieceBytes = 1_048_576;

/** Frames begin at multiples of this. */
const alignment = 8;

export class Scanner {
  readonly #fd: number;
  readonly #end: number;
  #buffer: Buffer = Buffer.allocUnsafeSlow(pieceBytes);
  /** Where the buffer lies in the file, and how much of it is filled. */
  #bufferAt = 0;
  #filled = 0;
  /** Where the next frame should begin; after the last one, where none does. */
  position: number;
  /** Crc32 of the frame before that. */
  previous: number;

  /** @param from place of the first frame, @param previous the crc32 that it names, @param end where to stop */
  constructor(fd: number, from: number, previous: number, end: number) {
    this.#fd = fd;
    this.position = from;
    this.previous = previous;
    this.#end = end;
  }

  /** The next frames with their places, valid until the next call; none when there are no more. */
  async next(): Promise<{ readonly frame: Frame; readonly at: number }[]> {
    const found: { frame: Frame; at: number }[] = [];
    let wanted = frameHeaderBytes;
    while (found.length === 0 && this.position + wanted <= this.#end) {
      if (this.position < this.#bufferAt || this.position + wanted > this.#bufferAt + this.#filled) {
        await this.#fill(wanted);
        if (this.#filled < wanted) break;
      }
      for (;;) {
        const filled = this.#buffer.subarray(0, this.#filled);
        const frame = decodeFrame(filled, this.position - this.#bufferAt, this.previous);
        if (frame === undefined) return found;
        if (typeof frame === 'number') {
          wanted = frame;
          break;
        }
        found.push({ frame, at: this.position });
        this.position += frame.bytes;
        this.previous = frame.crc;
      }
    }
    return found;
  }

  async #fill(wanted: number): Promise<void> {
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(wanted);
    this.#bufferAt = this.position;
    this.#filled = await readInto(this.#fd, this.#buffer, Math.min(this.#buffer.length, this.#end - this.position), this.position);
  }
}

/**
 * Whether a group of frames begins after `position`: it was written once everything before it had
 * been flushed.
 *
 * @param end where the file ends
 */
export async function isFollowedByGroup(fd: number, position: number, end: number): Promise<boolean> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes + frameHeaderBytes);
  for (let from = position; from < end; from += pieceBytes) {
    const filled = await readInto(fd, piece, Math.min(piece.length, end - from), from);
    for (let at = 0; at < Math.min(pieceBytes, filled); at += alignment) {
      let frame = decodeFrame(piece.subarray(0, filled), at, undefined);
      if (typeof frame === 'number' && from + at + frame <= end) {
        const whole = Buffer.allocUnsafeSlow(frame);
        await readInto(fd, whole, frame, from + at);
        frame = decodeFrame(whole, 0, undefined);
      }
      if (typeof frame === 'object' && from + at + frame.groupAt > position) return true;
    }
  }
  return false;
}

/** Where the last byte after `position` that is not 0 ends; `position` when there is none. */
export async function endOfData(fd: number, position: number, end: number): Promise<number> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  const zeros = Buffer.alloc(pieceBytes);
  let last = position;
  for (let from = position; from < end; from += pieceBytes) {
    const filled = await readInto(fd, piece, Math.min(pieceBytes, end - from), from);
    if (piece.compare(zeros, 0, filled, 0, filled) === 0) continue;
    let at = filled;
    while (piece[at - 1] === 0) at--;
    last = from + at;
  }
  return last;
}

/** Reads `bytes` from a place in the file; returns how many there were. */
function readInto(fd: number, buffer: Buffer, bytes: number, position: number): Promise<number> {
  return new Promise((done, failed) => {
    let filled = 0;
    const more = (): void => {
      read(fd, buffer, filled, bytes - filled, position + filled, (error, count) => {
        if (error !== null) return failed(error);
        filled += count;
        if (count === 0 || filled === bytes) done(filled);
        else more();
      });
    };
    more();
  });
}
