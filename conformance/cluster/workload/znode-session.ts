/**
 * A session of ZooKeeper's protocol that moves between nodes: the next request after a lost connection goes to another node, with the same
 * session for as long as the servers keep it, and with a new one then. It repeats no request.
 */

import { isRegistryError } from '@rollcall/protocol';
import { openConnection, type Connection, type Reply, type WatchNotification } from '../../../packages/server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../../../packages/server/src/clock.ts';
import type { OpName } from '../../../packages/server/src/jute/codes.ts';
import type { RequestBody } from '../../../packages/server/src/jute/requests.ts';
import type { ZooKeeperEntry } from './scene.ts';

/** `unsent`: it had no effect. `unknown`: it may have had one, or may have one later. */
export type ZnodeOutcome<O extends OpName> = ({ readonly kind: 'answer'; readonly node: string } & Reply<O>) | { readonly kind: 'unsent' | 'unknown' };

export interface ZnodeSessionOptions {
  /** Of the session, in milliseconds; 6,000 by default. */
  readonly timeoutMs?: number;
  /** Moves when an answer takes longer than this, in milliseconds; never by default. */
  readonly patienceMs?: number;
  readonly onNotification?: (notification: WatchNotification) => void;
  /** Called when a node has taken the session over, or says that it is gone: no request of an earlier connection takes effect from now on. */
  readonly onSettled?: () => void;
  /** Called when the session has ended, because it was closed or its time was over. */
  readonly onEnded?: () => void;
}

export class ZnodeSession {
  readonly #entries: readonly ZooKeeperEntry[];
  readonly #options: ZnodeSessionOptions;
  #at: number;
  #connection: Connection | undefined;
  #session: { readonly id: bigint; readonly password: Uint8Array } | undefined;
  /** The newest zxid that this client has seen: no node may know less. */
  lastZxid = 0;
  /** Counts connections; a watcher sets its watches again with each. */
  connections = 0;
  /** Counts sessions: an ended one is followed by a new one. */
  sessions = 0;

  constructor(entries: readonly ZooKeeperEntry[], first: number, options: ZnodeSessionOptions = {}) {
    this.#entries = entries;
    this.#at = first;
    this.#options = options;
  }

  /** The next request goes to another node. Requests without an answer have an unknown outcome. */
  move(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#at++;
  }

  /** @param leaves moves with the request in flight, without waiting for the answer; false by default */
  async ask<O extends OpName>(op: O, body: RequestBody<O>, leaves = false): Promise<ZnodeOutcome<O>> {
    const entry = this.#entries[this.#at % this.#entries.length];
    const connection = await this.#connected(entry).catch(() => undefined);
    if (entry === undefined || connection === undefined) {
      this.move();
      return { kind: 'unsent' };
    }
    try {
      const answer = connection.request(op, body);
      if (leaves) this.move();
      const impatient = setTimeout(() => connection.destroy(), this.#options.patienceMs ?? 2 ** 31 - 1);
      const reply = await answer.finally(() => clearTimeout(impatient));
      this.lastZxid = Math.max(this.lastZxid, connection.lastZxid);
      // Errors of a server that cannot know what became of the request, or has lost the session on the way.
      if (unknownErrors.has(reply.err)) {
        this.move();
        return { kind: 'unknown' };
      }
      return { kind: 'answer', node: entry.node, ...reply };
    } catch (error) {
      if (!leaves) this.move();
      return { kind: isRegistryError(error, 'unavailable') ? 'unsent' : 'unknown' };
    }
  }

  /** Ends the session, if there is one. If the outcome is unknown, the next request tells it. */
  async end(): Promise<void> {
    if (this.#session === undefined) return;
    if ((await this.ask('closeSession', {})).kind !== 'answer') return;
    this.move();
    this.#ended();
  }

  #ended(): void {
    this.#session = undefined;
    this.#options.onSettled?.();
    this.#options.onEnded?.();
  }

  async #connected(entry: ZooKeeperEntry | undefined): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    if (entry === undefined) throw new Error('no node');
    try {
      const { timeoutMs = 6_000, onNotification = () => {}, onSettled } = this.#options;
      const options = { host: entry.host, port: entry.port, timeoutMs, clock: systemClock, lastZxidSeen: this.lastZxid, onNotification };
      const connection = await openConnection({ ...options, session: this.#session });
      if (this.#session === undefined) this.sessions++;
      onSettled?.();
      this.connections++;
      this.#session = { id: connection.sessionId, password: connection.password };
      this.#connection = connection;
      void connection.ended.then(() => {
        if (this.#connection === connection) this.#connection = undefined;
      });
      return connection;
    } catch (error) {
      if (isRegistryError(error, 'failed_precondition')) this.#ended();
      throw error;
    }
  }
}

/** SystemError, ConnectionLoss, OperationTimeout, SessionExpired, SessionMoved, ThrottledOp. */
const unknownErrors: ReadonlySet<number> = new Set([-1, -4, -7, -112, -118, -127]);
