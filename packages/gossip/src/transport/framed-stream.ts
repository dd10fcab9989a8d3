/** Messages on a TCP socket, each after its length in four bytes. A message above the limit, or silence, ends the stream. */

import type { Socket } from 'node:net';
import type { Stream } from './transport.ts';

/** Largest message: states of some thousand members and four megabytes of rows. */
export const messageBytesMax = 8_388_608;

/** Longest silence, in milliseconds. */
const silenceMs = 5_000;

export class FramedStream implements Stream {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #waiting: ((message: Buffer | undefined) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#bytes += bytes.length;
      this.#serve();
    });
    const over = () => {
      this.#isOver = true;
      this.#serve();
    };
    socket.on('end', over);
    socket.on('close', over);
    // The end is what counts: a caller that waits gets undefined.
    socket.on('error', over);
  }

  send(bytes: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    this.#socket.write(length);
    this.#socket.write(bytes);
  }

  /** One caller at a time. */
  receive(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#serve();
    });
  }

  close(): void {
    this.#socket.end();
    // A peer that never ends its side is cut by the timeout.
    this.#socket.resume();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const message = this.#next();
    if (message === undefined && !this.#isOver) return;
    this.#waiting = undefined;
    waiting(message);
  }

  #next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined;
    const all = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received);
    this.#received = [all];
    const length = all.readUInt32BE();
    if (length > messageBytesMax) {
      this.#isOver = true;
      this.#socket.destroy();
      return undefined;
    }
    if (all.length < 4 + length) return undefined;
    this.#received = all.length === 4 + length ? [] : [all.subarray(4 + length)];
    this.#bytes -= 4 + length;
    return all.subarray(4, 4 + length);
  }
}
