/**
 * One connection of a client: a command of four letters, or the request for a session and then the packets of its client.
 *
 *   first four bytes ─► four letters ─► answer, end
 *                   └─► handshake ─► granted ─► Client
 *                                └─► gone, wrong password ─► answer without a session, end
 *                                └─► the client has seen a newer state ─► end, so that it tries another server
 */

import type { Socket } from 'node:net';
import { isRegistryError } from '@rollcall/protocol';
import { decodeConnectRequest, encodeConnectResponse, encodeExpired, type ConnectRequest } from '../../../jute/handshake.ts';
import { inTurns } from '../../../in-turns.ts';
import { peerAddress, plainAddress } from '../../../net/agent-node.ts';
import type { WheelTimer } from '../../../health/wheel.ts';
import { handshakeMs } from '../limits.ts';
import type { Parts } from '../requests/request.ts';
import type { SessionClient } from '../session-client.ts';
import type { Granted } from '../sessions.ts';
import { Client } from './client.ts';
import { PacketSocket } from './packet-socket.ts';

export interface ConnectionOptions {
  readonly parts: Parts;
  readonly socket: Socket;
  /** The text that answers a command of four letters, in pieces; undefined for other bytes. */
  readonly words: (word: string) => Generator<string, void, undefined> | undefined;
  readonly onEvents: (client: SessionClient) => void;
  /** The connection has a session. */
  readonly onClient: (client: Client) => void;
  /** Called once, when the connection has ended. */
  readonly onEnd: (connection: Connection) => void;
}

/** Each is a line, or a session that is looked at. */
const linesPerTurn = 1_000;

export class Connection {
  /** `10.0.0.7:51234`. */
  readonly remote: string;
  readonly #options: ConnectionOptions;
  readonly #address: string;
  readonly #socket: PacketSocket;
  readonly #patience: WheelTimer;
  #client: Client | undefined;
  #isOver = false;

  constructor(options: ConnectionOptions) {
    const { socket, parts } = options;
    this.#options = options;
    const { remotePort } = socket;
    this.#address = plainAddress(peerAddress(socket) ?? '');
    this.remote = `${this.#address}:${remotePort}`;
    this.#patience = parts.context.wheel.schedule(handshakeMs, () => this.#cut(`it has not asked for a session in ${handshakeMs / 1_000} s`));
    this.#socket = new PacketSocket(socket, {
      first: (four) => this.#word(four),
      packet: (packet) => this.#packet(packet),
      malformed: (reason) => this.#cut(reason),
      drained: () => this.#client?.drained(),
      closed: () => this.#ended(),
    });
  }

  /** Undefined before it has a session. */
  get client(): Client | undefined {
    return this.#client;
  }

  /** The server closes, or goes without this client: its session stays. */
  dismiss(): void {
    if (this.#client === undefined) this.#socket.end();
    else this.#client.dismiss();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #word(four: Buffer): boolean {
    const other = otherProtocol(four);
    if (other !== undefined) {
      this.#cut(other);
      return true;
    }
    const lines = this.#options.words(four.toString('latin1'));
    if (lines === undefined) return false;
    this.#patience.cancel();
    void inTurns(this.#print(lines), linesPerTurn).finally(() => this.#socket.end());
    return true;
  }

  /** Stops when the client does not read. */
  *#print(lines: Iterable<string>): Generator<void, void, undefined> {
    for (const line of lines) {
      if (this.#isOver || this.#socket.isFull) return;
      if (line !== '') this.#socket.send(Buffer.from(line));
      yield;
    }
  }

  #packet(packet: Buffer): boolean {
    if (this.#client !== undefined) return this.#client.receive(packet);
    this.#patience.cancel();
    this.#greet(packet).catch((error: unknown) => {
      const { log } = this.#options.parts.context;
      if (!isRegistryError(error)) log.error({ err: error, remote: this.remote }, 'a ZooKeeper client could not get a session');
      this.#cut(error instanceof Error ? error.message : String(error));
    });
    // What follows belongs to the session.
    return false;
  }

  async #greet(packet: Buffer): Promise<void> {
    const request = decodeConnectRequest(packet);
    const hasReadOnly = request.readOnly !== undefined;
    if (!(await this.#isCurrent(request))) return;
    const session = await this.#session(request);
    if (this.#isOver) return;
    if (session === undefined) {
      this.#socket.send(encodeExpired(hasReadOnly));
      this.#socket.end();
      return;
    }
    const { parts, onEvents, onClient } = this.#options;
    const client = new Client({ parts, socket: this.#socket, session, address: this.#address, onEvents });
    this.#client = client;
    onClient(client);
    const { number: sessionId, password: passwd, timeoutMs: timeOut } = session;
    this.#socket.send(encodeConnectResponse({ protocolVersion: 0, timeOut, sessionId, passwd, readOnly: hasReadOnly ? false : undefined }));
    parts.sessions.hold(client);
    this.#socket.resume();
  }

  /** A client must not see the tree go back. Another node of the store may be a moment behind; a store of this node alone never is. */
  async #isCurrent({ lastZxidSeen }: ConnectRequest): Promise<boolean> {
    const { registry } = this.#options.parts.context;
    if (lastZxidSeen <= registry.state.revision) return true;
    if (!registry.isOnlyWriter) {
      await registry.notOlderThan(lastZxidSeen);
      return true;
    }
    this.#cut(`it has seen zxid ${lastZxidSeen}, and the newest one here is ${registry.state.revision}; it must try another server, or begin a new session`);
    return false;
  }

  #session({ sessionId, passwd, timeOut }: ConnectRequest): Promise<Granted | undefined> {
    const { sessions } = this.#options.parts;
    if (sessionId === 0n) return sessions.create(timeOut, `ZooKeeper client ${this.remote}`);
    return sessions.resume(sessionId, passwd ?? new Uint8Array(0));
  }

  #cut(why: string): void {
    if (this.#isOver) return;
    this.#options.parts.context.log.info({ remote: this.remote, why }, 'a ZooKeeper connection was cut');
    this.#socket.destroy();
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#patience.cancel();
    this.#client?.ended();
    this.#options.onEnd(this);
  }
}

/** Why the first bytes are those of another protocol; as a length of a packet they would say nothing to an operator. */
function otherProtocol(four: Buffer): string | undefined {
  // A TLS record with a handshake (RFC 8446, section 5.1).
  if (four[0] === 0x16 && four[1] === 0x03) return 'it begins with TLS, and this port is plain: connect without TLS (zookeeper.client.secure=false), or serve TLS (--zookeeper-tls)';
  return httpMethods.includes(four.toString('latin1')) ? 'it sends HTTP to the port of ZooKeeper\'s protocol' : undefined;
}

/** As far as four bytes show them; `PRI ` begins HTTP/2. */
const httpMethods = ['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'PRI '];
