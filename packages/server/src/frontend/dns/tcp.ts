/**
 * DNS over TCP (RFC 1035 §4.2.2, RFC 7766): each message has its length before it, and a client may send the next query
 * before it has an answer. This file reads frames and keeps limits; `answer` makes the answers.
 */

import type { Socket } from 'node:net';
import type { Wheel } from '../../health/wheel.ts';

/** A query is a name and a few options: a connection that sends a longer one is closed. */
const queryBytesMax = 4_096;

/** A connection without a complete query in this time is closed (RFC 7766 §6.2.3: seconds). */
const idleMs = 10_000;

/** While so many bytes of answers wait for the client to read them, no query is read from its connection. */
const waitingBytesMax = 262_144;

/** Queries of one connection that may wait for recursors at the same time. */
const elsewhereMax = 32;

/** Open connections: one more closes the connection that has been idle longest. */
export const connectionsMax = 512;

/** Gives an answer with its length before it, now or later; undefined to send none, `cut` to close the connection. */
export type Answer = (query: Buffer, address: string) => Buffer | Promise<Buffer | undefined> | 'cut' | undefined;

export class TcpConnections {
  readonly #wheel: Wheel;
  readonly #answer: Answer;
  /** In order of their last query, the oldest first. */
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

  /** Sends the answers that are ready, then ends every connection. */
  close(): void {
    for (const connection of this.#open) connection.finish();
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const connection of this.#open) connection.close();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #answer: Answer;
  readonly #address: string;
  /** Called for each query. */
  readonly #busy: () => void;
  readonly #renew: () => void;
  #unread: Buffer = Buffer.alloc(0);
  #elsewhere = 0;

  constructor(socket: Socket, wheel: Wheel, answer: Answer, busy: () => void) {
    this.#socket = socket;
    this.#answer = answer;
    this.#address = socket.remoteAddress ?? '';
    this.#busy = busy;
    // Only complete queries keep it open: neither single bytes nor unread answers do.
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

  /** Answers complete queries, unless too many answers wait for the client. */
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
