/** A server with this front end, and a client that speaks in packets: for tests. */

import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { createModes, errorCodes, eventTypes, xids, type OpName } from '../../jute/codes.ts';
import { decodeConnectResponse, encodeConnectRequest, type ConnectRequest, type ConnectResponse } from '../../jute/handshake.ts';
import { JuteInput } from '../../jute/input.ts';
import { PacketReader } from '../../jute/packets.ts';
import { replyHeader, watcherEvent } from '../../jute/records.ts';
import { readReply, type ReplyBody } from '../../jute/replies.ts';
import { encodeRequest, type RequestBody } from '../../jute/requests.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';

export const openAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
export const modes = createModes;

/** Closed when the test ends. */
export async function zookeeperServer(options: ServerOptions = {}): Promise<{ readonly server: Server; readonly port: number }> {
  const server = await createServer({ engine: memory(), nodeName: 'server-1', zookeeper: {}, ...options });
  onTestFinished(() => server.close());
  return { server, port: portOf(server) };
}

export function portOf(server: Server): number {
  return server.ports['zookeeper'] as number;
}

/** An event as one word: `created /a`. */
const eventNames = new Map(Object.entries(eventTypes).map(([name, type]) => [type as number, name]));
const errorNames = new Map(Object.entries(errorCodes).map(([name, code]) => [code as number, name]));

/** What the client was sent, in its order: events, and answers by the name of the operation. */
export interface Heard {
  readonly zxid: number;
  readonly what: string;
}

export type Reply<O extends OpName> = { readonly zxid: number; readonly error: string; readonly body: ReplyBody<O> | undefined };

interface Waiting {
  readonly op: OpName;
  readonly resolve: (reply: Reply<OpName>) => void;
  readonly reject: (error: Error) => void;
}

export interface ConnectOptions extends Partial<ConnectRequest> {
  readonly host?: string;
}

export class TestClient {
  readonly heard: Heard[] = [];
  session!: ConnectResponse;
  readonly socket: Socket;
  readonly #reader = new PacketReader(64 * 1024 * 1024);
  readonly #waiting = new Map<number, Waiting>();
  #listeners: (() => void)[] = [];
  #xid = 0;
  #takesUnknown = false;
  #unknown = 0;
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next()) this.#take(packet);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      for (const { reject } of this.#waiting.values()) reject(new Error('the connection has ended'));
      this.#waiting.clear();
      this.#wake();
    });
  }

  /** @throws when the server ends the connection without an answer */
  static async connected(port: number, { host = '127.0.0.1', ...request }: ConnectOptions = {}): Promise<TestClient> {
    const socket = connectTcp({ port, host });
    await once(socket, 'connect');
    const client = new TestClient(socket);
    onTestFinished(() => void socket.destroy());
    client.socket.write(encodeConnectRequest({ protocolVersion: 0, lastZxidSeen: 0, timeOut: 10_000, sessionId: 0n, passwd: new Uint8Array(16), readOnly: false, ...request }));
    await client.until(() => client.session !== undefined || client.isClosed);
    if (client.session === undefined) throw new Error('the server ended the connection');
    return client;
  }

  /** The same session on a new connection. */
  again(port: number, more: ConnectOptions = {}): Promise<TestClient> {
    const { sessionId, passwd } = this.session;
    return TestClient.connected(port, { sessionId, passwd, ...more });
  }

  /** Sends at once; the answers come in the order of the calls. */
  ask<O extends OpName>(op: O, body: RequestBody<O>): Promise<Reply<O>> {
    // Clients ping under a number of its own.
    const xid = op === 'ping' ? xids.ping : ++this.#xid;
    return new Promise((resolve, reject) => {
      this.#waiting.set(xid, { op, resolve: resolve as Waiting['resolve'], reject });
      this.socket.write(encodeRequest(xid, op, body));
    });
  }

  /** The error of a request, `ok` without one. */
  async errorOf<O extends OpName>(op: O, body: RequestBody<O>): Promise<string> {
    return (await this.ask(op, body)).error;
  }

  /** The error of a request of a type that no client sends. */
  async errorOfType(type: number): Promise<string> {
    const xid = ++this.#xid;
    const packet = Buffer.alloc(12);
    for (const [at, value] of [8, xid, type].entries()) packet.writeInt32BE(value, at * 4);
    const { error } = await new Promise<Reply<OpName>>((resolve, reject) => {
      this.#waiting.set(xid, { op: 'ping', resolve, reject });
      this.socket.write(packet);
    });
    return error;
  }

  /** The body of the answer. @throws with the error's name */
  async get<O extends OpName>(op: O, body: RequestBody<O>): Promise<ReplyBody<O>> {
    const { error, body: answer } = await this.ask(op, body);
    if (answer === undefined) throw new Error(`${op}: ${error}`);
    return answer;
  }

  /** @returns the path */
  async create(path: string, data = '', flags: number = modes.persistent): Promise<string> {
    return (await this.get('create', { path, data: Buffer.from(data), acl: openAcl, flags })).path;
  }

  async delete(path: string): Promise<void> {
    await this.get('delete', { path, version: -1 });
  }

  async set(path: string, data: string): Promise<void> {
    await this.get('setData', { path, data: Buffer.from(data), version: -1 });
  }

  async text(path: string, watch = false): Promise<string> {
    return Buffer.from((await this.get('getData', { path, watch })).data ?? []).toString();
  }

  async children(path: string, watch = false): Promise<string[]> {
    return [...(await this.get('getChildren', { path, watch })).children].sort();
  }

  async exists(path: string, watch = false): Promise<boolean> {
    return (await this.ask('exists', { path, watch })).error === 'ok';
  }

  /** Ends the session. */
  async close(): Promise<void> {
    await this.ask('closeSession', {});
    await this.ended();
  }

  get events(): string[] {
    return this.heard.filter(({ what }) => !what.startsWith('=')).map(({ what }) => what);
  }

  /** Waits for something that the server sends, or for the end of the connection. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((next) => this.#listeners.push(next));
  }

  async event(count = 1): Promise<string[]> {
    await this.until(() => this.events.length >= count || this.isClosed);
    return this.events;
  }

  /** Waits for an answer to packets that were written past `ask`. */
  anyAnswer(): Promise<void> {
    this.#takesUnknown = true;
    return this.until(() => this.isClosed || this.#unknown > 0);
  }

  async ended(): Promise<void> {
    await this.until(() => this.isClosed);
  }

  #take(packet: Buffer): void {
    if (this.session === undefined) {
      this.session = decodeConnectResponse(packet);
    } else {
      const input = new JuteInput(packet);
      const { xid, zxid, err } = replyHeader.read(input);
      if (xid === -1) {
        const { type, path } = watcherEvent.read(input);
        this.heard.push({ zxid, what: `${eventNames.get(type)} ${path}` });
      } else {
        const waiting = this.#waiting.get(xid);
        if (waiting === undefined) {
          if (!this.#takesUnknown) throw new Error(`an answer to no request: xid ${xid}`);
          this.#unknown++;
          this.#wake();
          return;
        }
        this.#waiting.delete(xid);
        this.heard.push({ zxid, what: `= ${waiting.op}` });
        waiting.resolve({ zxid, error: errorNames.get(err) ?? String(err), body: err === 0 ? readReply(waiting.op, input) : undefined });
      }
    }
    this.#wake();
  }

  #wake(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}

/** The answer to a command of four letters. */
export async function word(port: number, command: string): Promise<string> {
  const socket = connectTcp({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(command);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
