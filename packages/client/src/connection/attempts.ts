/**
 * The attempts to connect to a server: when the next one is due, and why servers refuse this client. A round is one attempt at each
 * server; a new token may be known to one of them first, so only a refusal by all of a round counts. It connects to nothing itself.
 */

import type { RegistryError } from '@rollcall/protocol';
import type { Clock, Random } from '../clock.ts';
import { BackOff } from './back-off.ts';
import type { ConnectionEvent } from './connection-event.ts';
import type { LinkEnd } from './registry-link.ts';

/** A link that lasted this long was good: the next attempt is the first of a new series. */
const goodMs = 5_000;

/** Clients that lose the same server at the same moment come back spread over this time. */
const spreadMs = 100;

/** How long a client that is refused waits, at least this and at most twice as long. */
const refusedMs = 5_000;

/** Longest wait that a server may ask for. */
const retryAfterMsMax = 60_000;

/** Shortest pause after the last refusal while a caller waits. */
const urgedMs = 1_000;

export interface AttemptsOptions {
  /** How many servers a round has. */
  readonly servers: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly random: Random;
  readonly onEvent: (event: ConnectionEvent) => void;
}

/** What follows from an attempt that failed. */
export interface Next {
  /** Until the next attempt. */
  readonly delayMs: number;
  /** All servers of the round were tried, and this is the last refusal among them. */
  readonly refused: RegistryError | undefined;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #backOff: BackOff;
  #made = 0;
  #succeededAt = -Infinity;
  /** Why a server did not take this client as it is, in the present round or the one before. */
  #refusal: RegistryError | undefined;
  #refusedAt = -Infinity;
  /** The refusal that was reported to the program last: each is reported once. */
  #toldRefusal = '';

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
  }

  /** Whether a server has refused this client. */
  get isRefused(): boolean {
    return this.#refusal !== undefined;
  }

  begin(): void {
    if (this.#made % this.#options.servers === 0) this.#refusal = undefined;
    this.#made++;
  }

  /** A server has sent its welcome. */
  succeeded(): void {
    this.#made = 0;
    this.#refusal = undefined;
    this.#toldRefusal = '';
    this.#succeededAt = this.#options.clock.monotonic();
  }

  /** The link of the last attempt that succeeded has ended. */
  lost(): void {
    if (this.#options.clock.monotonic() - this.#succeededAt >= goodMs) this.#backOff.reset();
  }

  /** @param told the program has heard of the end */
  failed(server: string, end: LinkEnd, told: boolean): Next {
    const { reason, refusal } = end;
    const roundIsOver = this.#made % this.#options.servers === 0;
    if (refusal !== undefined) this.#take(server, refusal);
    else if (!told) this.#options.onEvent({ kind: 'unreachable', server, reason });
    return { refused: roundIsOver ? this.#refusal : undefined, delayMs: this.#delayMs(roundIsOver, end) };
  }

  /** Until an attempt for a caller that waits, in milliseconds. */
  urgedDelayMs(): number {
    return Math.max(0, this.#refusedAt + urgedMs - this.#options.clock.monotonic());
  }

  #take(server: string, refusal: RegistryError): void {
    const { onEvent, clock } = this.#options;
    this.#refusal = refusal;
    this.#refusedAt = clock.monotonic();
    if (this.#toldRefusal === refusal.message) return;
    this.#toldRefusal = refusal.message;
    onEvent({ kind: 'refused', server, code: refusal.code, reason: refusal.message });
  }

  /** Each server is tried once after a short wait; then the wait grows. */
  #delayMs(roundIsOver: boolean, { retryAfterMs = 0 }: LinkEnd): number {
    const { random } = this.#options;
    if (!roundIsOver) return random() * spreadMs;
    if (this.#refusal === undefined) return this.#backOff.next();
    return Math.min(Math.max(refusedMs, retryAfterMs), retryAfterMsMax) + random() * refusedMs;
  }
}
