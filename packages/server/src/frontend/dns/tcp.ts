/**
 * DNS over TCP (RFC 1035 §4.2.2, RFC 7766): messages with their length before them, any number on a
 * connection and one after the other without waiting. Frames and limits only; `answer` does the rest.
 */

import type { Socket } from 'node:net';
import type { Wheel } from '../../health/wheel.ts';

/** Queries are a name and a few options; a longer one is not meant for us. */
const queryBytesMax = 4_096;

/** A connection that does not bring a whole query in this time is closed (RFC 7766 §6.2.3: seconds). */
const idleMs = 10_000;

/** Answers that wait to be taken; no more queries are read from a connection that leaves them lying. */
const waitingBytesMax = 262_144;

/** Queries of one connection that are being asked elsewhere. */
const elsewhereMax = 32;

/** Connections at once; a new one takes the place of the one that has been idle longest. */
export const connectionsMax = 512;

/**
 * An answer with its length before it, now or later; undefined to send none, `cut` to close the
 * connection.
 */
export type Answer = (query: Buffer, address: string) => Buffer | Promise<Buffer | undefined> | 'cut' | undefined;

export class TcpConnections {
  readonly #wheel: Wheel;
  readonly #answer: Answer;
  /** Longest idle first. */
  readonly #open = new Set<Connection>();

  constructor(wheel: Wheel, answer: Answer) {
    this.#wheel = wheel;
    this.#answer = answer;
  }

  get size(): number {
    return this.#open.size;
  }

  accept(socket: Socket): void {
    for (const oldest of this.#open) {
      if (this.#open.size < connectionsMax) break;
      oldest.close();
      this.#open.delete(oldest);
    }
    const connection = new Connection(socket, this.#wheel, this.#answer, () => {
      if (!this.#open.delete(connection)) return;
      this.#open.add(connection);
    });
    this.#open.add(connection);
    socket.on('close', () => this.#open.delete(connection));
  }

  /** Sends what is ready, reads nothing more. */
  close(): void {
    for (const connection of this.#open) connection.finish();
  }

  /** Drops everything. */
  destroy(): void {
    for (const connection of this.#open) connection.close();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #answer: Answer;
  readonly #address: string;
  /** Called when a query has been taken. */
  readonly #busy: () => void;
  readonly #renew: () => void;
  #unread: Buffer = Buffer.alloc(0);
  #elsewhere = 0;

  constructor(socket: Socket, wheel: Wheel, answer: Answer, busy: () => void) {
    this.#socket = socket;
    this.#answer = answer;
    this.#address = socket.remoteAddress ?? '';
    this.#busy = busy;
    // Neither a byte now and then nor a client that takes no answers keeps it open.
    const idle = wheel.schedule(idleMs, () => socket.destroy());
    this.#renew = () => idle.renew(idleMs);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#proceed());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => idle.cancel());
  }

  close(): void {
    this.#socket.destroy();
  }

  finish(): void {
    this.#socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#proceed();
  }

  /** Answers what has arrived whole, until the client must take answers first. */
  #proceed(): void {
    const socket = this.#socket;
    let at = 0;
    socket.cork();
    while (!this.#mustWait() && socket.writable && this.#unread.length - at >= 2) {
      const end = at + 2 + this.#unread.readUInt16BE(at);
      if (end - at > 2 + queryBytesMax) socket.destroy();
      if (end > this.#unread.length || socket.destroyed) break;
      this.#query(this.#unread.subarray(at + 2, end));
      at = end;
    }
    socket.uncork();
    this.#unread = this.#unread.subarray(at);
    if (this.#mustWait()) socket.pause();
    else socket.resume();
  }

  #query(query: Buffer): void {
    this.#renew();
    this.#busy();
    const answer = this.#answer(query, this.#address);
    if (answer === 'cut') this.#socket.destroy();
    else if (answer instanceof Promise) this.#await(answer);
    else if (answer !== undefined) this.#socket.write(answer);
  }

  #await(later: Promise<Buffer | undefined>): void {
    this.#elsewhere++;
    void later.then((answer) => {
      this.#elsewhere--;
      if (!this.#socket.writable) return;
      if (answer !== undefined) this.#socket.write(answer);
      this.#proceed();
    });
  }

  #mustWait(): boolean {
    return this.#socket.writableLength > waitingBytesMax || this.#elsewhere >= elsewhereMax;
  }
}
