/**
 * Forwards queries about other domains to other servers, for clients that have this one as their only server. It does not
 * resolve names itself: queries and answers pass unchanged, and no answer is kept. Off by default.
 *
 * Each query is sent with a random id from a separate port, and the kernel accepts packets there only from the server that was asked,
 * as RFC 5452 §10 demands against forged answers.
 */

import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Wheel } from '../../health/wheel.ts';
import { headerBytes } from './query-reader.ts';
import { rcodes } from './records.ts';

/** Consul's `recursor_timeout`. */
const timeoutMs = 2_000;

/** Queries that may wait for an answer at the same time; each takes a socket. */
const outMax = 256;

export interface Server {
  readonly address: string;
  readonly port: number;
}

export interface RecursorOptions {
  readonly servers: readonly Server[];
  readonly wheel: Wheel;
  /** Random bytes as a UUID. */
  readonly uuid: () => string;
}

/** @throws RegistryError `invalid_argument` unless it looks like `10.0.0.53`, `10.0.0.53:53`, `::1` or `[::1]:53` */
export function parseServer(text: string): Server {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = isIP(text) > 0 ? text : (bracketed ?? plain ?? '');
  const number = Number(port ?? 53);
  if (isIP(address) > 0 && number > 0 && number <= 65_535) return { address, port: number };
  const message = `recursor ${JSON.stringify(text)} is not an address; write 10.0.0.53, 10.0.0.53:53 or [2001:db8::53]:53`;
  throw new RegistryError('invalid_argument', message);
}

export class Recursors {
  readonly #options: RecursorOptions;
  readonly #cancel = new Set<() => void>();
  #out = 0;
  #closed = false;

  constructor(options: RecursorOptions) {
    this.#options = options;
  }

  get configured(): boolean {
    return this.#options.servers.length > 0;
  }

  /**
   * Asks one server after the other until one knows whether the name exists, as Consul does.
   * @param query must be well-formed
   * @returns the answer; undefined when no server answers, or too many queries wait
   */
  async ask(query: Buffer, udp: boolean): Promise<Buffer | undefined> {
    if (this.#closed || this.#out >= outMax) return undefined;
    this.#out++;
    try {
      for (const server of this.#options.servers) {
        const answer = await this.#askOne(server, query, udp);
        const rcode = answer === undefined ? rcodes.SERVFAIL : (answer[3] as number) & 0x0f;
        if (rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN) return answer;
        if (this.#closed) break;
      }
      return undefined;
    } finally {
      this.#out--;
    }
  }

  /** Gives up on all queries that wait. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancel) cancel();
  }

  #askOne(server: Server, query: Buffer, udp: boolean): Promise<Buffer | undefined> {
    const own = Buffer.from(query);
    own.write(this.#options.uuid().slice(0, 4), 0, 'hex');
    return new Promise((resolve) => {
      const end = (answer?: Buffer) => {
        timer.cancel();
        this.#cancel.delete(end);
        close();
        // The client expects its own id.
        if (answer !== undefined) query.copy(answer, 0, 0, 2);
        resolve(answer);
      };
      const take = (answer: Buffer) => {
        if (answers(answer, own)) end(answer);
      };
      const timer = this.#options.wheel.schedule(timeoutMs, () => end());
      this.#cancel.add(end);
      const close = udp ? overUdp(server, own, take, end) : overTcp(server, own, take, end);
    });
  }
}

/** Whether a packet answers `query`: a response with the same id and the same question in the same spelling. */
function answers(packet: Buffer, query: Buffer): boolean {
  if (packet.length < headerBytes || packet.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if (((packet[2] as number) & 0x80) === 0) return false;
  const end = questionEnd(query);
  return packet.readUInt16BE(4) === 1 && packet.subarray(headerBytes, end).equals(query.subarray(headerBytes, end));
}

function questionEnd(query: Buffer): number {
  let at = headerBytes;
  while ((query[at] ?? 0) > 0) at += 1 + (query[at] as number);
  return at + 1 + 4;
}

/** @returns a function that closes the socket */
function overUdp({ address, port }: Server, query: Buffer, take: (packet: Buffer) => void, fail: () => void) {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  socket.on('message', take);
  socket.on('error', () => fail());
  socket.connect(port, address, () => socket.send(query));
  return () => {
    // A socket that is not connected yet would call back after it was closed.
    socket.removeAllListeners();
    socket.on('error', () => {});
    socket.close();
  };
}

function overTcp({ address, port }: Server, query: Buffer, take: (packet: Buffer) => void, fail: () => void) {
  const socket = connect({ host: address, port });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2) return;
    const end = 2 + received.readUInt16BE(0);
    if (received.length < end) return;
    take(received.subarray(2, end));
    // A server sends one answer to one query: after a wrong one, no other will come.
    fail();
  });
  socket.on('error', () => fail());
  socket.on('end', () => fail());
  return () => socket.destroy();
}
