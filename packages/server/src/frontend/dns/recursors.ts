/**
 * Asks other servers about other domains, for clients that have this one as their only server. A
 * forwarder, not a resolver: queries and answers pass as they are, and nothing is kept. Off unless
 * servers are named.
 *
 * Every question goes out under an id and from a port of its own, and the kernel lets only the server
 * that was asked answer there: what RFC 5452 §10 wants against forged answers.
 */

import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Wheel } from '../../health/wheel.ts';
import { headerBytes } from './query-reader.ts';
import { rcodes } from './records.ts';

/** Consul's `recursor_timeout`. */
const timeoutMs = 2_000;

/** Questions that may be out at the same time; each takes a socket. */
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

/** @throws RegistryError `invalid_argument` when it is no `10.0.0.53`, `10.0.0.53:53`, `::1` or `[::1]:53` */
export function parseServer(text: string): Server {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = isIP(text) > 0 ? text : (bracketed ?? plain ?? '');
  const number = Number(port ?? 53);
  if (isIP(address) > 0 && number > 0 && number <= 65_535) return { address, port: number };
  const message = `recursor ${JSON.stringify(text)} is no address; write 10.0.0.53, 10.0.0.53:53 or [2001:db8::53]:53`;
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
   * @param query one whose question has been read
   * @returns its answer; undefined when no server answers or too many questions are out
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

  /** Gives up on everything that is out. */
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
        // The client knows its question by its own id.
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

/** Whether a packet is the answer to `query`: same id, a response, same question in the same spelling. */
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

/** @returns closes the socket */
function overUdp({ address, port }: Server, query: Buffer, take: (packet: Buffer) => void, fail: () => void) {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  socket.on('message', take);
  socket.on('error', () => fail());
  socket.connect(port, address, () => socket.send(query));
  return () => {
    // A socket that is not connected yet would answer in its callback, after it was closed.
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
    // One question, one answer: when this was not it, none will come.
    fail();
  });
  socket.on('error', () => fail());
  socket.on('end', () => fail());
  return () => socket.destroy();
}
