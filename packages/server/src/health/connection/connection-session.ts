/**
 * A session that one connection of a client vouches for: its instances live as long as the connection, and the reconnect grace
 * longer. The session exists in the registry from the first registration on, so a client that only watches writes nothing.
 *
 * Operations run one after the other, in the order of the calls. What is registered, and how, is the front end's part.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import { findSession } from '../../registry/kind/session/find.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Foreign } from '../../registry/row.ts';
import type { Health } from '../health.ts';
import type { Wheel } from '../wheel.ts';
import { FollowedSession } from './followed-session.ts';

/** A connection's hold on its session. */
export interface Hold {
  /** False once another connection has the session, or after `release`. */
  readonly holds: boolean;
  release(): void;
}

export interface ConnectionSessionOptions {
  readonly registry: Registry;
  readonly health: Health;
  readonly wheel: Wheel;
  readonly log: Logger;
  /** Of the session and of its instances. */
  readonly namespace: string;
  /** A UUID. */
  readonly id: string;
  readonly hold: Hold;
  /** Time that the session outlives its connection. */
  readonly graceMs: number;
  /** The one that vouches for the instances now (`net/principal.ts`). */
  readonly principal: () => string;
  /** Whether a row with the session's id is this client's. */
  readonly isOwn: (row: SessionRow) => boolean;
  /** Called when another caller has ended the session in the registry. */
  readonly onLost: () => void;
  /** Called when another node of the store holds the session's connection: its client has come back there. */
  readonly onMoved: () => void;
}

/**
 * Why a connection has ended. `dismissed`: the server closes; instances are not affected. `left`: the client has said that it goes to
 * another server; nor are they. `revoked`: its token has ended; the process lives, so its instances stay unchanged for the grace,
 * in which the client may resume with a token that may write them.
 */
export type ConnectionEnd = 'died' | 'dismissed' | 'left' | 'revoked';

/** The parts of a session's row that its front end chooses. */
export interface SessionShape {
  /** For people. */
  readonly name: string;
  /** Empty when its instances have no node. */
  readonly node: string;
  readonly foreign?: Foreign;
}

export class ConnectionSession {
  readonly #options: ConnectionSessionOptions;
  readonly #followed: FollowedSession;
  /** The session's epoch when this connection came; 0 if there was no session. */
  readonly #after: number;
  readonly #onMoved: () => void;
  /** The session is in the registry, and its liveness knows that it has a connection. */
  #open = false;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectionSessionOptions) {
    this.#options = options;
    const { registry, health, namespace, id, onLost, onMoved } = options;
    this.#after = findSession(registry.state, namespace, id)?.epoch ?? 0;
    const ends = (then: () => void) => () => {
      this.#open = false;
      then();
    };
    this.#onMoved = ends(onMoved);
    this.#followed = new FollowedSession({
      ...{ registry, holder: health.holder, namespace, id, after: this.#after },
      ...{ onLost: ends(onLost), onMoved: this.#onMoved },
    });
  }

  get vouches(): boolean {
    return this.#open && this.#options.hold.holds;
  }

  /** Whether the session is in the registry, and this connection vouches for it. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Runs `work` after all earlier calls.
   * @throws RegistryError `cancelled` once the session has left this connection
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed || !this.#options.hold.holds) throw this.#left();
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * Runs `work`, which begins with `begin`, and once again when the session has ended, or was created by an older connection of this
   * client, between its look and its commit.
   */
  async retried(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work();
        return;
      } catch (error) {
        if (attempt > 1 || !this.#overtaken(error)) throw error;
      }
    }
  }

  /**
   * Submits the command that creates the session, if it is missing. Commands that are submitted in the same turn are committed with it.
   * `opened` must follow.
   */
  async begin({ name, node, foreign }: SessionShape): Promise<void> {
    const { registry, health, namespace, id, graceMs } = this.#options;
    if (this.#exists()) return;
    await registry.submit({
      kind: 'session-create',
      namespace,
      id,
      name,
      node,
      liveness: 'stream',
      ttlMs: graceMs,
      lockDelayMs: 0,
      behavior: 'delete',
      checks: [],
      holder: health.holder,
      ...(foreign === undefined ? {} : { foreign }),
    });
  }

  /**
   * The session, which exists, is held by this connection from now on, unless a newer one has come to another node.
   * @throws RegistryError `cancelled` when the connection has ended
   */
  async opened(): Promise<void> {
    const { health, namespace, id, principal } = this.#options;
    // A process that was stopped finds its client's words and the end of the connection together: it hears both before it commits.
    await new Promise((turn) => setImmediate(turn));
    if (this.#closed) throw this.#left();
    this.#open = true;
    this.#followed.watch();
    const isNewest = await health.streamOpened(namespace, id, principal(), this.#after);
    // It may have gone meanwhile, and was told of then.
    if (!this.#open) return;
    if (isNewest) this.#followed.look();
    else {
      this.#followed.stop();
      this.#onMoved();
    }
  }

  /** Ends the session, with the instances that it vouches for. */
  async destroy(): Promise<void> {
    this.#followed.stop();
    await this.#destroyNow();
    this.#open = false;
  }

  /** Called when the connection has ended. */
  close(end: ConnectionEnd): void {
    this.#closed = true;
    const { health, wheel, hold, namespace, id, graceMs } = this.#options;
    this.#finally(async () => {
      this.#followed.stop();
      // The connection that has taken the session over vouches for it now.
      const vouched = this.vouches;
      if (vouched && end === 'died') await health.streamClosed(namespace, id);
      if (vouched && (end === 'dismissed' || end === 'left')) health.streamDismissed(namespace, id);
      // The hold is kept: as long as it lasts, no connection has come back.
      if (vouched && end === 'revoked') wheel.schedule(graceMs, () => this.#finally(() => this.#expire()));
      else hold.release();
    });
  }

  /** Called when the grace has passed and no connection with a valid token has resumed the session. */
  async #expire(): Promise<void> {
    const { hold } = this.#options;
    if (hold.holds && !this.#followed.isElsewhere) await this.#destroyNow();
    hold.release();
  }

  async #destroyNow(): Promise<void> {
    const { registry, namespace, id } = this.#options;
    await registry.submit({ kind: 'session-destroy', namespace, id });
  }

  #finally(work: () => Promise<void>): void {
    const { log, id } = this.#options;
    this.#last = this.#last
      .then(work)
      .catch((err: unknown) => log.error({ err, session: id }, 'the end of a connection was not recorded'));
  }

  /** Whether the session's row exists and belongs to this client. */
  #exists(): boolean {
    const { registry, namespace, id, isOwn } = this.#options;
    const row = findSession(registry.state, namespace, id);
    return row !== undefined && isOwn(row);
  }

  #left(): RegistryError {
    return new RegistryError('cancelled', `session ${this.#options.id} has left this connection`);
  }

  #overtaken(error: unknown): boolean {
    const exists = this.#exists();
    if (!exists) this.#open = false;
    return isRegistryError(error, exists ? 'already_exists' : 'not_found');
  }
}
