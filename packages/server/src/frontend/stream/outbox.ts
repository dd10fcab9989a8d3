/**
 * The send queue of one socket. Writes go straight to the socket while it takes them; other bytes
 * wait here, in fragments, so that a ping can overtake a long message.
 *
 * The bytes do not pass through `ws`, and this is safe: without compression and Blobs its sender
 * never queues, it writes each of its own frames (pong, close) to the socket at once and whole; so
 * do we, and WebSocket allows control frames between the fragments of a message (RFC 6455 §5.4).
 * Nothing else may send data messages on the socket, and nothing at all after the close frame.
 */

import type { Duplex } from 'node:stream';
import { ping, type Message } from './wire.ts';

export class Outbox {
  readonly #socket: Duplex;
  readonly #isOpen: () => boolean;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #flushes = 0;

  /**
   * @param isOpen false from the close frame on, in either direction: later writes are dropped
   * @param onDrain called whenever everything has been handed to the operating system
   */
  constructor(socket: Duplex, isOpen: () => boolean, onDrain: () => void) {
    this.#socket = socket;
    this.#isOpen = isOpen;
    socket.on('drain', () => {
      this.#flushes++;
      this.#flush();
      if (!this.busy) onDrain();
    });
  }

  /** True while the operating system does not take more. */
  get busy(): boolean {
    return this.#waiting.length > 0 || this.#socket.writableNeedDrain;
  }

  /** Bytes that have not been handed to the operating system. */
  get bytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  /** Rises when the operating system has taken more of the waiting bytes: the reader reads. */
  get flushes(): number {
    return this.#flushes;
  }

  write(message: Message): void {
    if (!this.#isOpen()) return;
    if (this.#waiting.length === 0 && !this.#socket.writableNeedDrain && message.length === 1) {
      this.#socket.write(message[0]);
      return;
    }
    for (const part of message) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
    this.#flush();
  }

  /** Sends a ping ahead of the waiting bytes. */
  ping(): void {
    if (this.#isOpen()) this.#socket.write(ping);
  }

  #flush(): void {
    if (!this.#isOpen()) this.#drop();
    let written = 0;
    while (written < this.#waiting.length && !this.#socket.writableNeedDrain) {
      const part = this.#waiting[written++] as Buffer;
      this.#waitingBytes -= part.length;
      this.#socket.write(part);
    }
    if (written > 0) this.#waiting = this.#waiting.slice(written);
  }

  #drop(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
