/**
 * A client that has a session: what it has proved, its requests (`request-queue.ts`), and its events, which go before every answer that shows
 * their change:
 *
 *   event ─► waits ─► sent before the next answer, or in a turn of `watches/delivery.ts`
 *
 * A client that reads slowly, or has many requests under way, is not read from.
 */

import { isRegistryError, toRegistryError } from '@rollcall/protocol';
import { errorCodes, type OpName } from '../../../jute/codes.ts';
import { encodeNotification } from '../../../jute/replies.ts';
import { readHeader } from '../../../jute/requests.ts';
import { principalOf } from '../../../net/principal.ts';
import type { Movable } from '../../../net/moving.ts';
import type { AclId } from '../../../registry/kind/znode/rows.ts';
import { deniedNamespace } from '../../../security/access-error.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Origin } from '../../../security/gate.ts';
import { codeOf, ZookeeperError } from '../errors.ts';
import { eventBytesMax } from '../limits.ts';
import type { Parts } from '../requests/request.ts';
import type { SessionClient } from '../session-client.ts';
import type { Granted } from '../sessions.ts';
import { Statistics } from '../statistics.ts';
import { shownNumber } from '../session-id.ts';
import { eventTypeOf } from '../watches/event-type.ts';
import type { ZnodeEventType } from '../watches/watch-table.ts';
import type { PacketSocket } from './packet-socket.ts';
import { RequestQueue } from './request-queue.ts';

export interface ClientOptions {
  readonly parts: Parts;
  readonly socket: PacketSocket;
  readonly session: Granted;
  /** Of the client. */
  readonly address: string;
  /** Called when events wait to be sent. */
  readonly onEvents: (client: SessionClient) => void;
}

export class Client implements SessionClient, Movable {
  readonly session: Granted;
  readonly address: string;
  readonly #parts: Parts;
  readonly #socket: PacketSocket;
  readonly #requests: RequestQueue;
  readonly #onEvents: (client: SessionClient) => void;
  #caller: Caller;
  /** Whom self-preservation counts signs of life for. */
  #principal: string;
  #stopFollowing = () => {};
  #ids: readonly AclId[];
  #events: Buffer[] = [];
  #eventBytes = 0;
  /** An answer that shows an older state than the events that wait is on its way. */
  #holdsEvents = false;
  /** The session has ended: the connection ends as well, behind the answers to its writes. */
  #isExpired = false;
  #isOver = false;
  /** For commands of four letters. */
  readonly statistics = new Statistics();
  /** When its connection got the session, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;

  constructor({ parts, socket, session, address, onEvents }: ClientOptions) {
    this.session = session;
    this.sinceMs = parts.context.clock.now();
    this.address = address;
    this.#parts = parts;
    this.#socket = socket;
    this.#onEvents = onEvents;
    this.#caller = parts.context.security.gate.enter(undefined, this.origin);
    this.#principal = principalOf(this.#caller, address);
    this.#ids = [{ scheme: 'ip', id: address }];
    this.#requests = new RequestQueue({
      call: { ...parts, client: this },
      isFull: () => socket.isFull,
      holdEvents: (holds) => this.#hold(holds),
      send: (answer) => this.#send(answer),
      codeOf: (op, error) => this.#codeOf(op, error),
      onAnswer: (op, body, isWrite) => this.#answered(op, body, isWrite),
      onDone: (ms) => {
        this.statistics.answered(ms);
        parts.statistics.answered(ms);
      },
      onUnproved: () => this.dismiss(),
      onRoom: () => socket.resume(),
      onWritten: () => {
        if (this.#isExpired) this.dismiss('expired');
      },
    });
  }

  get caller(): Caller {
    return this.#caller;
  }

  get ids(): readonly AclId[] {
    return this.#ids;
  }

  get origin(): Origin {
    return { address: this.address, via: 'zookeeper' };
  }

  /** Requests that wait or are under way. */
  get outstanding(): number {
    return this.#requests.size;
  }

  /** A client that is sent elsewhere keeps its session. */
  get vouches(): boolean {
    return !this.#isOver;
  }

  enter(secret: string): void {
    const { acl, gate } = this.#parts.context.security;
    if (!acl.enabled) return;
    this.#caller = gate.enter(secret, this.origin);
    this.#principal = principalOf(this.#caller, this.address);
    this.#stopFollowing();
    this.#stopFollowing = acl.onChange(this.#caller, () => this.#refresh());
    // An operator must be able to open a znode that its owner has closed.
    if (this.#caller.authorizer.allows(this.#parts.options.namespace, 'operator', 'write')) this.addId({ scheme: 'super', id: '' });
  }

  addId(id: AclId): void {
    if (!this.#ids.some((known) => known.scheme === id.scheme && known.id === id.id)) this.#ids = [...this.#ids, id];
  }

  /** @returns whether further packets may come at once */
  receive(packet: Buffer): boolean {
    this.statistics.received++;
    this.#parts.statistics.received++;
    this.#parts.sessions.renew(this, this.#principal, this);
    try {
      this.#requests.push(readHeader(packet));
    } catch (error) {
      this.#cut(toRegistryError(error).message);
    }
    return this.#requests.hasRoom;
  }

  /** The client reads again. */
  drained(): void {
    this.deliver();
    this.#requests.proceed();
  }

  notifyOf(type: ZnodeEventType, path: string, zxid: number): void {
    this.notify(encodeNotification(zxid, eventTypeOf[type], path));
  }

  notify(event: Buffer): void {
    if (this.#isOver) return;
    if (this.#events.length === 0) this.#onEvents(this);
    this.#events.push(event);
    this.#eventBytes += event.length;
    if (this.#eventBytes + this.#socket.unread > eventBytesMax) this.#cut(`${this.#eventBytes} bytes of events wait for it, the limit is ${eventBytesMax}`);
  }

  deliver(): void {
    if (!this.#holdsEvents && !this.#socket.isFull) this.flush();
  }

  flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#eventBytes = 0;
    for (const event of events) this.#socket.send(event);
    this.#sent(events.length);
  }

  dismiss(why: 'expired' | 'moved' | 'closing' = 'closing'): void {
    if (this.#isOver) return;
    this.#isExpired ||= why === 'expired';
    if (this.#isExpired && this.#requests.isWriting) return;
    this.#parts.context.log.debug({ session: shownNumber(this.session.number), remote: this.address, why }, 'a ZooKeeper client is disconnected');
    this.flush();
    this.#socket.end();
    this.ended();
  }

  /** The connection has ended: frees everything. Safe to call again. */
  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#requests.close();
    this.#events = [];
    this.#stopFollowing();
    this.#parts.sessions.release(this);
  }

  #refresh(): void {
    const { acl, gate } = this.#parts.context.security;
    try {
      this.#caller = acl.refresh(this.#caller);
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      gate.record('unauthenticated', this.#caller, '', this.origin, 'the token of a ZooKeeper session is gone');
      this.#cut('its token is gone');
    }
  }

  #hold(holds: boolean): void {
    if (holds) this.flush();
    this.#holdsEvents = holds;
    if (!holds && this.#events.length > 0) this.#onEvents(this);
  }

  #send(answer: Buffer): void {
    if (!this.#holdsEvents) this.flush();
    this.#sent(1);
    this.#socket.send(answer);
  }

  #sent(packets: number): void {
    this.statistics.sent += packets;
    this.#parts.statistics.sent += packets;
  }

  #answered(op: OpName, body: object, isWrite: boolean): void {
    this.statistics.lastOperation = op;
    this.#count(op, errorCodes.ok);
    if (op === 'closeSession') this.#isExpired = true;
    else if (isWrite) {
      const what = 'path' in body ? String(body.path) : `${(body as { operations: readonly unknown[] }).operations.length} operations`;
      this.#parts.context.security.gate.record('write', this.#caller, this.#parts.options.namespace, this.origin, `${op} ${what}`);
    }
  }

  /** Undefined when the connection had to be ended instead. */
  #codeOf(op: OpName, thrown: unknown): number | undefined {
    const { context } = this.#parts;
    const error = toRegistryError(thrown);
    const code = thrown instanceof ZookeeperError ? thrown.number : codeOf(error);
    this.#count(op, code ?? errorCodes.connectionLoss);
    if (error.code === 'internal') context.log.error({ err: thrown, op }, 'a request of a ZooKeeper client failed');
    if (error.code === 'permission_denied') context.security.gate.record('denied', this.#caller, deniedNamespace(thrown), this.origin, `${op}: ${error.message}`);
    if (code === undefined) this.#cut(error.message);
    return code;
  }

  #count(op: string, code: number): void {
    this.#parts.context.metrics.request(`zookeeper ${op}`, code);
  }

  #cut(why: string): void {
    if (this.#isOver) return;
    this.#parts.context.log.info({ session: shownNumber(this.session.number), remote: this.address, why }, 'the connection of a ZooKeeper client was cut');
    this.#socket.destroy();
    this.ended();
  }
}
