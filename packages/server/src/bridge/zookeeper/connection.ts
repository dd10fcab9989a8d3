/**
 * One connection of a client to a server that speaks ZooKeeper's protocol: the handshake, requests and their answers in order,
 * notifications of watches, pings. It does not reconnect, and repeats no request; a session that continues over another connection
 * is its caller's to keep (`sessionId`, `password`).
 */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { errorCodes, xids, type OpName } from '../../jute/codes.ts';
import { decodeConnectResponse, encodeConnectRequest } from '../../jute/handshake.ts';
import { JuteInput } from '../../jute/input.ts';
import { PacketReader } from '../../jute/packets.ts';
import { replyHeader, watcherEvent } from '../../jute/records.ts';
import { readReply, type ReplyBody } from '../../jute/replies.ts';
import { encodeRequest, type RequestBody } from '../../jute/requests.ts';

/** `err` is one of `errorCodes`; the body is there when it is 0. */
export type Reply<O extends OpName> = { readonly err: 0; readonly zxid: number; readonly body: ReplyBody<O> } | { readonly err: number; readonly zxid: number; readonly body?: undefined };

export interface WatchNotification {
  /** One of `eventTypes`. */
  readonly type: number;
  readonly path: string;
  readonly zxid: number;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** TLS with these options; plain TCP when undefined. */
  readonly tls?: TlsOptions | undefined;
  /** The session to continue; a new one when undefined. */
  readonly session?: { readonly id: bigint; readonly password: Uint8Array } | undefined;
  /** Of the session, in milliseconds, which the server moves into its own limits. */
  readonly timeoutMs: number;
  /** The newest zxid that the client has seen: a server that knows less refuses it. 0 by default. */
  readonly lastZxidSeen?: number;
  readonly clock: Clock;
  /** Called for each notification, before the answers that follow it are given. */
  readonly onNotification: (notification: WatchNotification) => void;
}

/** How long a server may take until a connection is open and answered, in milliseconds. */
const openMsMax = 10_000;

/** A server of many znodes answers a list with more than its clients may send. */
const packetBytesMax = 64 * 1024 * 1024;

/** Numbers of requests that are not counted. */
const ownXids: { readonly [O in OpName]?: number } = { auth: xids.auth, ping: xids.ping, setWatches: xids.setWatches, setWatches2: xids.setWatches };

interface Waiting {
  readonly xid: number;
  readonly op: OpName;
  readonly settle: (reply: Reply<OpName>) => void;
  readonly reject: (error: RegistryError) => void;
}

/**
 * @throws RegistryError `unavailable` when there is no server or it does not answer in time, `failed_precondition` when the session is
 *   gone, or its password wrong
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { host, port, tls, clock } = options;
  const socket = tls === undefined ? connectTcp({ host, port, noDelay: true }) : connectTls({ host, port, ...tls });
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      cancel();
      socket.destroy();
      reject(cause instanceof RegistryError ? cause : new RegistryError('unavailable', `${host}:${port}: ${cause.message}`, { cause }));
    };
    const cancel = clock.timer(openMsMax, () => fail(new Error(`no answer for ${openMsMax / 1_000} s`)));
    const packets = new PacketReader(packetBytesMax);
    const closed = (): void => fail(new Error('the server has closed the connection without an answer'));
    const receive = (chunk: Buffer): void => {
      packets.push(chunk);
      const packet = packets.next();
      if (packet === undefined) return;
      const { sessionId, passwd, timeOut } = decodeConnectResponse(packet);
      if (timeOut <= 0) {
        fail(new RegistryError('failed_precondition', `${host}:${port}: the session is gone`));
        return;
      }
      cancel();
      socket.off('data', receive).off('close', closed).off('error', fail);
      resolve(new Connection(socket, packets, { options, sessionId, password: passwd ?? new Uint8Array(), timeoutMs: timeOut }));
    };
    socket.on('error', fail).on('close', closed).on('data', receive);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      const { session, timeoutMs: timeOut, lastZxidSeen = 0 } = options;
      socket.write(encodeConnectRequest({ protocolVersion: 0, lastZxidSeen, timeOut, sessionId: session?.id ?? 0n, passwd: session?.password ?? new Uint8Array(16), readOnly: false }));
    });
  });
}

interface Opened {
  readonly options: ConnectionOptions;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
}

export class Connection {
  readonly sessionId: bigint;
  readonly password: Uint8Array;
  /** What the server granted, in milliseconds. */
  readonly timeoutMs: number;
  /** Resolves with the reason when the connection has ended; requests are refused from then on. */
  readonly ended: Promise<RegistryError>;
  /** The newest zxid of all answers and notifications. */
  lastZxid = 0;
  readonly #socket: Socket;
  readonly #packets: PacketReader;
  readonly #options: ConnectionOptions;
  readonly #waiting: Waiting[] = [];
  #end: RegistryError | undefined;
  #xid = 0;
  #heardMs: number;
  #cancelPing = (): void => {};
  #tellEnd: (reason: RegistryError) => void = () => {};

  /** @param packets may have bytes that came right behind the handshake */
  constructor(socket: Socket, packets: PacketReader, { options, sessionId, password, timeoutMs }: Opened) {
    this.#socket = socket;
    this.#packets = packets;
    this.#options = options;
    this.sessionId = sessionId;
    this.password = password;
    this.timeoutMs = timeoutMs;
    this.ended = new Promise((resolve) => (this.#tellEnd = resolve));
    this.#heardMs = options.clock.monotonic();
    socket.on('error', (cause) => this.#fail(cause.message));
    socket.on('close', () => this.#fail('the connection has ended'));
    socket.on('data', (chunk: Buffer) => {
      packets.push(chunk);
      this.#read();
    });
    this.#ping();
  }

  /**
   * Sends a request; the server answers requests in the order in which they were sent.
   * @throws RegistryError `unavailable` when the connection had ended before, and nothing was sent; `unknown_outcome` when it ended
   *   before the answer
   */
  request<O extends OpName>(op: O, body: RequestBody<O>): Promise<Reply<O>> {
    return this.#send(ownXids[op] ?? ++this.#xid, op, body);
  }

  /** Ends the session and the connection. */
  async close(): Promise<void> {
    if (this.#end === undefined) await this.request('closeSession', {}).catch(() => {});
    this.destroy();
  }

  /** Ends the connection; the session lives on until its time is over. */
  destroy(): void {
    this.#fail('the client has ended the connection');
  }

  #send<O extends OpName>(xid: number, op: O, body: RequestBody<O>): Promise<Reply<O>> {
    if (this.#end !== undefined) return Promise.reject(new RegistryError('unavailable', this.#end.message));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ xid, op, settle: resolve as (reply: Reply<OpName>) => void, reject });
      this.#socket.write(encodeRequest(xid, op, body));
    });
  }

  #read(): void {
    this.#heardMs = this.#options.clock.monotonic();
    try {
      for (let packet = this.#packets.next(); packet !== undefined; packet = this.#packets.next()) this.#receive(packet);
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  #receive(packet: Buffer): void {
    const input = new JuteInput(packet);
    const { xid, zxid, err } = replyHeader.read(input);
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    if (xid === xids.notification) {
      const { type, path } = watcherEvent.read(input);
      this.#options.onNotification({ type, path, zxid });
      return;
    }
    const [waiting] = this.#waiting;
    if (waiting?.xid !== xid) throw new RegistryError('internal', `the server answered request ${xid}, and ${waiting?.xid ?? 'none'} was the next one`);
    // A multi has its results with an error of one of its operations, too.
    const reply = (err === errorCodes.ok ? { err, zxid, body: readReply(waiting.op, input) } : { err, zxid }) as Reply<OpName>;
    this.#waiting.shift();
    waiting.settle(reply);
  }

  /** A client pings when a third of the time-out passes, and gives up when it hears nothing for two thirds (`ClientCnxn.java`). */
  #ping(): void {
    const { clock } = this.#options;
    this.#cancelPing = clock.timer(this.timeoutMs / 3, () => {
      if (clock.monotonic() - this.#heardMs > (this.timeoutMs * 2) / 3) {
        this.#fail(`no word from the server for ${Math.round(clock.monotonic() - this.#heardMs)} ms`);
        return;
      }
      void this.request('ping', {}).catch(() => {});
      this.#ping();
    });
  }

  #fail(reason: string): void {
    if (this.#end !== undefined) return;
    const { host, port } = this.#options;
    const error = new RegistryError('unknown_outcome', `${host}:${port}: ${reason}`);
    this.#end = error;
    this.#cancelPing();
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#tellEnd(error);
  }
}
