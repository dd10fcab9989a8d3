/**
 * The session of locks of one contender, over any number of links: opened on each of them, renewed, and ended. What it holds, and until
 * when, is `lease.ts`'s part.
 */

import { isRegistryError, type LockGrant, type ReplyFrame } from '@rollcall/protocol';
import { pause, type Clock } from '../clock.ts';
import type { Ask, AskOptions } from '../connection/requests.ts';

/** The part of the connection that a session uses. */
export interface LeaseConnection {
  ask(ask: Ask, options: AskOptions): Promise<ReplyFrame>;
  /** Rises with each link: a session must be opened on each of them. */
  readonly link: number;
  /** Milliseconds between pings of the server; undefined while there is none. */
  readonly pingMs: number | undefined;
}

export interface LockSessionOptions {
  readonly connection: LeaseConnection;
  readonly clock: Clock;
  readonly uuid: () => string;
  /** Of a lock that the client may write. */
  readonly name: string;
  readonly ttlMs: number;
  readonly bound: boolean;
}

/** Pause after a failed request, in milliseconds. */
export const pauseMs = 100;

/** How long an end is tried before its outcome is said to be unknown; the session ends by itself after its TTL. */
export const endMs = 5_000;

const nowhere = -1;

export class LockSession {
  readonly #options: LockSessionOptions;
  readonly #key: { readonly id: string; readonly token: string };
  /** Link on which the session is open. */
  #openOn = nowhere;
  #closed = false;

  constructor(options: LockSessionOptions) {
    this.#options = options;
    this.#key = { id: options.uuid(), token: options.uuid() };
  }

  get id(): string {
    return this.#key.id;
  }

  /** The client closes: nothing is tried again. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  /** It must be opened again: the link has ended, or the registry does not know it. */
  forget(): void {
    this.#openOn = nowhere;
  }

  /** Opens it on this link, if it is not. @throws RegistryError as `ask` */
  async open(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { connection, ttlMs, bound, name } = this.#options;
    if (this.#openOn === connection.link) return;
    await this.ask({ type: 'lock-session', session: this.#key, ttlMs, name, ...(bound && { bound }) }, timeoutMs, signal);
    // The answer has just come over the present link.
    this.#openOn = connection.link;
  }

  /** Never repeats a request: its caller knows whether that changes anything. @throws RegistryError as the registry */
  ask(ask: Ask, timeoutMs: number, signal?: AbortSignal): Promise<ReplyFrame> {
    return this.#options.connection.ask(ask, { repeatable: false, timeoutMs, signal });
  }

  /** Starts its time again. @returns whether it lives, and all of the grants stand @throws RegistryError as the registry */
  async renew(grants: readonly LockGrant[], timeoutMs: number): Promise<boolean> {
    await this.open(timeoutMs);
    const reply = await this.ask({ type: 'lock-renew', session: this.id, grants }, timeoutMs);
    if (reply.type !== 'lock-renewed') return false;
    if (!reply.applied) this.forget();
    return reply.applied && reply.lost.length === 0;
  }

  /** Ends it, and with it the contender; tries for 5 s. @returns whether the registry has said so */
  async end(): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.monotonic() + endMs;
    for (let leftMs = endMs; leftMs > 0; leftMs = until - clock.monotonic()) {
      try {
        await this.open(leftMs);
        await this.ask({ type: 'lock-end', session: this.id }, leftMs);
        return true;
      } catch (error) {
        if (!isPassing(error)) return true;
        if (this.#closed) return false;
        this.forget();
        await pause(this.#options.clock, pauseMs);
      }
    }
    return false;
  }
}

/** Whether the same request may succeed later. Each may be repeated: it names its session and its contender. */
export function isPassing(error: unknown): boolean {
  if (!isRegistryError(error)) return false;
  // `not_found`: the session is not open on this link, or has ended; `cancelled`: the stream has ended on the server.
  return ['unavailable', 'unknown_outcome', 'deadline_exceeded', 'not_found', 'aborted', 'cancelled'].includes(error.code);
}
