/**
 * One contender of this client, from its wish for a lock to its end, with a session of its own.
 *
 *   candidate ──granted, own row read again──► leading ⇄ uncertain ──deadline, or the registry says so──► lost
 *       └───────────────── release ───────────────┴──────────┴──► released
 *
 * The deadline is `ttl - margin` after the moment before the last successful renewal was sent, on the monotonic clock. Whether it is over
 * is asked of the clock at each entry into this file, not only by a timer: after a pause of the process the timer may come late.
 */

import { RegistryError, type LockPurpose } from '@rollcall/protocol';
import { pause, type Clock } from '../clock.ts';
import { guardedSignal, type GuardedSignal } from './guarded-signal.ts';
import { endMs, isPassing, LockSession, pauseMs, type LeaseConnection } from './lock-session.ts';
import { LeadershipLostError } from './lost-error.ts';
import type { Timing } from './timing.ts';

export type LeaseState = 'candidate' | 'leading' | 'uncertain' | 'lost' | 'released';

export interface LeaseOptions {
  readonly connection: LeaseConnection;
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly timing: Timing;
  readonly name: string;
  readonly limit: number;
  readonly shared: boolean;
  /** For observers. */
  readonly value: string | undefined;
  readonly purpose: LockPurpose;
  readonly onState: (state: LeaseState) => void;
}

export interface AcquireOptions {
  /** Longest wait in milliseconds; 0: it does not join the queue; `Infinity`. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How long a contender waits for an answer that does not depend on others, in milliseconds. */
const answerMs = 10_000;

/** How long an answer to a renewal may take before another one is sent, at least, in milliseconds. */
const renewalMsMin = 500;

/** Of pings, after which a bound holder must have heard of the server: it cuts a silent client after 2.25 of its own. */
const boundPings = 1.8;

export class Lease {
  readonly #options: LeaseOptions;
  readonly #session: LockSession;
  #id: string;
  readonly #guarded: GuardedSignal;
  #state: LeaseState = 'candidate';
  #token = 0n;
  /** Monotonic time at which the last renewal that succeeded was about to be sent. */
  #renewedMs: number;
  #stopTimer: () => void = () => {};
  #stopDeadline: () => void = () => {};

  constructor(options: LeaseOptions) {
    this.#options = options;
    const { connection, clock, uuid, name, timing: { ttlMs, bound } } = options;
    this.#session = new LockSession({ connection, clock, uuid, name, ttlMs, bound });
    this.#id = uuid();
    this.#renewedMs = clock.monotonic();
    this.#guarded = guardedSignal(() => this.check());
  }

  get state(): LeaseState {
    this.check();
    return this.#state;
  }

  /** Names the contender to others. */
  get id(): string {
    return this.#id;
  }

  get token(): bigint {
    return this.#token;
  }

  get signal(): AbortSignal {
    return this.#guarded.signal;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Time to the local deadline, in milliseconds; 0 when it is over. */
  remainingMs(): number {
    this.check();
    return this.#holds ? Math.max(0, this.#deadlineMs - this.#options.clock.monotonic()) : 0;
  }

  /** Stops being the holder if the time is over. */
  check(): void {
    if (this.#holds && this.#options.clock.monotonic() >= this.#deadlineMs) this.#lose('it was not renewed in time');
  }

  /**
   * Waits for the lock, over any number of connections. Once it resolves with true, the own row was read again.
   * @returns false when the lock was not free within the time
   * @throws RegistryError as the registry, but never `unknown_outcome`: a request is repeated for the same contender; the signal's reason
   */
  async acquire({ waitMs, signal }: AcquireOptions): Promise<boolean> {
    const { clock } = this.#options;
    // A contender that does not wait for the lock waits for an answer.
    const until = clock.monotonic() + waitMs;
    const patience = clock.monotonic() + Math.max(waitMs, answerMs);
    signal?.throwIfAborted();
    this.#renewLater();
    try {
      for (;;) {
        const state = await this.#tryToAcquire(waitMs === 0 ? 0 : Math.max(1, until - clock.monotonic()), patience, signal);
        if (state === 'holds') return true;
        if (state === 'refused') {
          await this.#end();
          return false;
        }
      }
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /**
   * Gives the lock up; the signal fires. Repeated, it does nothing.
   * @throws RegistryError `unknown_outcome` when no answer came within 5 s: the registry gives the lock to the next contender at the end of `ttl`
   */
  async release(): Promise<void> {
    this.check();
    if (this.#state === 'lost' || this.#state === 'released') return;
    this.#enter('released', new RegistryError('cancelled', `${this.#shown} was released`));
    if (await this.#end()) return;
    throw new RegistryError('unknown_outcome', `${this.#shown} may not be released yet: no answer within ${endMs} ms; it is at the end of its ttl`);
  }

  /**
   * Gives the lock to a candidate that waits, wherever it stands in the queue.
   * @throws RegistryError `not_found` when no candidate with this id waits; LeadershipLostError; `unknown_outcome`
   */
  async transferTo(id: string): Promise<void> {
    this.check();
    if (!this.#holds) throw this.#lost();
    const { applied } = (await this.#session.ask({ type: 'lock-transfer', ...this.#ref, to: id }, endMs)) as { applied?: boolean };
    if (applied !== true) {
      this.#lose('the registry does not know it as the holder');
      throw this.#lost();
    }
    this.#enter('released', new RegistryError('cancelled', `${this.#shown} was handed over`));
    void this.#end();
  }

  /** The client closes: gives up what it has, as far as that is possible at once. */
  async close(): Promise<void> {
    this.#session.close();
    await this.release().catch(() => {});
  }

  /** The link has ended. */
  disconnected(): void {
    this.#session.forget();
    if (this.#options.timing.bound && this.#holds) this.#lose('its connection has ended');
    else this.check();
  }

  /** A link is open: a renewal that has failed is tried at once. */
  connected(): void {
    this.check();
    if (this.#state === 'uncertain' || this.#state === 'candidate') void this.#renew();
  }

  get #holds(): boolean {
    return this.#state === 'leading' || this.#state === 'uncertain';
  }

  get #deadlineMs(): number {
    return this.#renewedMs + this.#lastsMs;
  }

  /** From a renewal to the local deadline. */
  get #lastsMs(): number {
    const { timing: { ttlMs, marginMs, bound }, connection } = this.#options;
    const lasts = ttlMs - marginMs;
    return bound ? Math.min(lasts, boundPings * (connection.pingMs ?? 1_000)) : lasts;
  }

  get #renewEveryMs(): number {
    const { timing: { renewEveryMs, bound } } = this.#options;
    return bound ? Math.min(renewEveryMs, this.#lastsMs / 4) : renewEveryMs;
  }

  get #ref(): { session: string; name: string; contender: string } {
    return { session: this.#session.id, name: this.#options.name, contender: this.#id };
  }

  /** `election "billing/cron"` */
  get #shown(): string {
    return `${this.#options.purpose} ${JSON.stringify(this.#options.name)}`;
  }

  /** `refused`: it is not free, and the time to wait is over. */
  async #tryToAcquire(waitMs: number, patience: number, signal: AbortSignal | undefined): Promise<'holds' | 'refused' | 'again'> {
    const { limit, shared, value, purpose, connection, clock } = this.#options;
    const leftMs = () => Math.max(1, patience - clock.monotonic());
    try {
      await this.#session.open(leftMs(), signal);
      const { link } = connection;
      const wish = { ...this.#ref, limit, ...(shared && { shared }), ...(value !== undefined && { value }), purpose };
      const upTo = waitMs === Infinity ? {} : { waitMs: Math.min(2_147_483_647, Math.ceil(waitMs)) };
      const reply = await this.#session.ask({ type: 'lock-acquire', ...wish, ...upTo }, leftMs() + answerMs, signal);
      if (reply.type !== 'locked' || reply.token === undefined) return 'refused';
      this.#token = BigInt(reply.token);
      if (connection.link === link && (await this.#confirm())) return 'holds';
    } catch (error) {
      if (this.#session.closed || signal?.aborted === true || !isPassing(error) || clock.monotonic() >= patience) throw error;
      this.#session.forget();
      await pause(clock, pauseMs, signal);
      return 'again';
    }
    // The grant did not stand: it begins again, as another contender.
    await this.#give();
    this.#id = this.#options.uuid();
    return 'again';
  }

  /** Reads the own row again, by a renewal. */
  async #confirm(): Promise<boolean> {
    const before = this.#options.clock.monotonic();
    if (!(await this.#renewal(this.#options.timing.ttlMs - this.#options.timing.marginMs))) return false;
    this.#renewedMs = before;
    if (this.#options.clock.monotonic() >= this.#deadlineMs) return false;
    this.#enter('leading');
    this.#renewLater();
    return true;
  }

  /** @returns whether the session lives, and the grant stands, if there is one */
  #renewal(timeoutMs: number): Promise<boolean> {
    const grants = this.#token === 0n ? [] : [{ name: this.#options.name, contender: this.#id, token: String(this.#token) }];
    return this.#session.renew(grants, timeoutMs);
  }

  async #renew(): Promise<void> {
    this.#stopTimer();
    if (this.#state === 'lost' || this.#state === 'released') return;
    const { clock } = this.#options;
    const before = clock.monotonic();
    const held = this.#holds;
    const timeoutMs = Math.max(1, Math.min(Math.max(this.#renewEveryMs, renewalMsMin), held ? this.#deadlineMs - before : Infinity));
    try {
      const stands = await this.#renewal(timeoutMs);
      // An answer that comes after the deadline changes nothing.
      this.check();
      if (held && this.#holds) {
        if (!stands) return this.#lose('the registry has ended it');
        this.#renewedMs = Math.max(this.#renewedMs, before);
        this.#enter('leading');
      }
      this.#renewLater();
    } catch (error) {
      this.check();
      if (held && this.#holds) {
        if (!isPassing(error)) return this.#lose((error as Error).message);
        this.#enter('uncertain');
      }
      // Soon, and never after the deadline.
      this.#renewLater(Math.min(this.#renewEveryMs / 4, pauseMs));
    }
  }

  #renewLater(delayMs = this.#renewEveryMs): void {
    this.#stopTimer();
    this.#stopDeadline();
    if (this.#state === 'lost' || this.#state === 'released') return;
    const { clock } = this.#options;
    this.#stopTimer = clock.timer(delayMs, () => {
      this.check();
      void this.#renew();
    });
    if (this.#holds) this.#stopDeadline = clock.timer(Math.max(0, this.#deadlineMs - clock.monotonic()), () => this.check());
  }

  /** @param reason fires the signal, before the program hears of the state: it may read the reason then */
  #enter(state: LeaseState, reason?: RegistryError): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === 'lost' || state === 'released') {
      this.#stopTimer();
      this.#stopDeadline();
    }
    if (reason !== undefined) this.#guarded.abort(reason);
    this.#options.onState(state);
  }

  #lose(why: string): void {
    this.#enter('lost', this.#lost(why));
    void this.#end();
  }

  #lost(why?: string): LeadershipLostError {
    return new LeadershipLostError(`${this.#shown} is lost${why === undefined ? '' : `: ${why}`}`);
  }

  /** Leaves the queue, or gives the lock up, if it has it; the session stays. */
  async #give(): Promise<void> {
    this.#token = 0n;
    await this.#session.ask({ type: 'lock-release', ...this.#ref }, endMs).catch(() => {});
  }

  /** Ends the session, and with it the contender. @returns whether the registry has said so */
  #end(): Promise<boolean> {
    if (this.#state === 'candidate') this.#enter('released');
    return this.#session.end();
  }
}
