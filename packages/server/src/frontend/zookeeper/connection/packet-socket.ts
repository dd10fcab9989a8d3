/**
 * A socket that carries packets: it cuts what arrives into packets, one after the other while its owner is ready for them, and gathers what is
 * sent in one turn of the event loop into one write. It knows nothing of what is in a packet.
 */

import type { Socket } from 'node:net';
import { isRegistryError } from '@rollcall/protocol';
import { PacketReader } from '../../../jute/packets.ts';
import { unreadBytesMax } from '../limits.ts';

export interface PacketHandlers {
  /** The first bytes, before they are taken for a packet; true when the owner has answered them: nothing more is read. */
  first(four: Buffer): boolean;
  /** @returns whether the next packet may come; otherwise `resume` is awaited */
  packet(packet: Buffer): boolean;
  /** A packet is too long; what follows cannot be understood. */
  malformed(reason: string): void;
  /** The client reads again. */
  drained(): void;
  /** Called once, when the socket is closed. */
  closed(): void;
}

export class PacketSocket {
  readonly #socket: Socket;
  readonly #handlers: PacketHandlers;
  readonly #reader = new PacketReader();
  #begun = false;
  #isOver = false;
  #isReading = true;
  #isCorked = false;

  constructor(socket: Socket, handlers: PacketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      this.#reader.push(chunk);
      if (this.#isReading) this.#read();
    });
    socket.on('drain', () => handlers.drained());
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isOver = true;
      handlers.closed();
    });
  }

  /** Whether the client reads more slowly than it is sent to. */
  get isFull(): boolean {
    return this.#socket.writableLength > unreadBytesMax;
  }

  /** Bytes that wait for the client. */
  get unread(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver || !this.#socket.writable) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  /** The owner is ready for further packets. */
  resume(): void {
    if (this.#isReading || this.#isOver) return;
    this.#isReading = true;
    this.#socket.resume();
    this.#read();
  }

  /** Ends the connection behind what was sent; reads nothing more. */
  end(): void {
    this.#isOver = true;
    this.#socket.end();
    // What the client still sends must not keep the socket open.
    this.#socket.resume();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #read(): void {
    if (!this.#begun) {
      const four = this.#reader.peek();
      if (four === undefined) return;
      this.#begun = true;
      if (this.#handlers.first(four)) {
        this.#isOver = true;
        return;
      }
    }
    while (this.#isReading && !this.#isOver) {
      const packet = this.#next();
      if (packet === undefined) return;
      if (this.#handlers.packet(packet)) continue;
      this.#isReading = false;
      this.#socket.pause();
    }
  }

  #next(): Buffer | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      this.#handlers.malformed(error.message);
      return undefined;
    }
  }
}
