/**
 * One try of a request at one endpoint: the handler that undici calls, and the bookkeeping of the endpoint. The
 * exchange decides what follows from its outcome.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { OutcomeResult } from '../balancer/balancer.ts';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';
import { type LoadReport, loadReportIn } from '../load-report/load-report.ts';
import { silenceTimer } from '../resilience/held-up.ts';
import { type Failure, isRefusal } from '../resilience/retry.ts';
import type { EndpointChooser } from '../routing/router.ts';
import type { TryEnd, TryTelemetry } from '../telemetry/try-telemetry.ts';
import { failureOf } from './failure.ts';
import { retryAfterMs } from './retry-after.ts';

/** The part of undici's handler that `fetch` implements; deprecated upstream, removed in undici 8. */
export type FetchHandler = Required<Pick<Dispatcher.DispatchHandler, 'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError'>> &
  Pick<Dispatcher.DispatchHandler, 'onResponseStarted'>;

/** Calls from a try to its exchange. */
export interface TryListener {
  /**
   * The answer has begun.
   * @param status of the answer
   * @param succeeded whether the answer is not a failure of the endpoint
   * @returns false when the answer of another try already counts
   */
  claim(attempt: Try, status: number, latencyMs: number, succeeded: boolean, now: number): boolean;
  /**
   * The answer is one that a try at another endpoint, or a later one at this endpoint, may improve.
   * @param pause when to try again, as the answer asked
   * @returns whether another try is in progress, or will be after a pause
   */
  supersede(attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean;
  /** The try ended without an answer. */
  failed(attempt: Try, failure: Failure, now: number, cause: Error): void;
  /** The try ended with an error that another try would not change. */
  broke(error: Error): void;
  readonly bodyFailed: boolean;
  readonly handler: FetchHandler;
  onComplete(trailers: string[] | null): void;
}

/** The part of a service's shared context that tries use. */
export interface TrySurroundings {
  readonly picker: EndpointChooser;
  readonly clock: Clock;
}

/** The header `Retry-After`. */
export interface Pause {
  readonly ms: number;
  /** Too many requests from this caller: other endpoints would answer the same, so no other is tried. */
  readonly everywhere: boolean;
}

/** An abandoned answer is read to its end, to keep the connection, up to this size and for this long. */
const discardBytesMax = 64 * 1024;
const discardMs = 1_000;

export class Try implements FetchHandler {
  readonly endpoint: Endpoint;
  readonly telemetry: TryTelemetry | undefined;
  readonly #exchange: TryListener;
  readonly #picker: EndpointChooser;
  readonly #clock: Clock;
  readonly #startedAt: number;
  /**
   * `waiting` for the headers; `answering` after the headers were passed on; `discarding` an answer that another
   * one replaces; `over`, when later events are ignored.
   */
  #state: 'waiting' | 'answering' | 'discarding' | 'over' = 'waiting';
  /** Set once a connection exists, as the request is written to it. */
  #breakOff: ((reason?: Error) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #discarded = 0;

  constructor(exchange: TryListener, { picker, clock }: TrySurroundings, endpoint: Endpoint, startedAt: number, telemetry?: TryTelemetry) {
    this.#exchange = exchange;
    this.#picker = picker;
    this.#clock = clock;
    this.telemetry = telemetry;
    this.endpoint = endpoint;
    this.#startedAt = startedAt;
    endpoint.inFlight += 1;
  }

  limit(timeoutMs: number): void {
    this.#stopTimer = silenceTimer(this.#clock, timeoutMs, () => {
      const failure = this.#breakOff === undefined ? 'unsent' : 'late';
      const what = failure === 'unsent' ? 'connection' : 'answer';
      const error = new RegistryError('deadline_exceeded', `no ${what} within ${timeoutMs} ms`);
      const now = this.#observe(failure === 'unsent' ? 'unreachable' : 'failed');
      this.telemetry?.failed(failure, now - this.#startedAt, error);
      this.#leave(error);
      this.#exchange.failed(this, failure, now, error);
    });
  }

  /** Abandons the try. The caller's deadline counts as a failure to answer in time. */
  cancel(reason: Error, why: 'superseded' | 'cancelled' = 'cancelled'): void {
    if (this.#state === 'waiting') {
      const late = reason.name === 'TimeoutError';
      const now = this.#observe(late ? 'failed' : 'cancelled');
      this.telemetry?.failed(late ? 'late' : why, now - this.#startedAt, why === 'superseded' ? undefined : reason);
    }
    this.#leave(reason);
  }

  onConnect(breakOff: (reason?: Error) => void): void {
    this.#breakOff = breakOff;
    if (this.#state === 'over') breakOff(new DOMException('the try was given up', 'AbortError'));
  }

  onResponseStarted(): void {
    if (this.#state === 'waiting') this.#exchange.handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (this.#state === 'over') return true;
    if (status < 200) return this.#exchange.handler.onHeaders(status, headers, resume, statusText);
    const succeeded = status < 500 && status !== 429;
    const pauseMs = status === 503 || status === 429 ? retryAfterMs(headers, this.#clock.now()) : undefined;
    const pause = pauseMs === undefined ? undefined : { ms: pauseMs, everywhere: status === 429 };
    const now = this.#observe(succeeded ? 'ok' : 'failed', loadReportIn(headers), pauseMs);
    const latencyMs = now - this.#startedAt;
    this.telemetry?.answered(status, latencyMs);
    const goesOn = (isRefusal(status) || pause !== undefined) && this.#exchange.supersede(this, 'refused', now, pause);
    if (goesOn || !this.#exchange.claim(this, status, latencyMs, succeeded, now)) {
      this.#state = 'discarding';
      this.#stopTimer = this.#clock.timer(discardMs, () => this.#leave(givenUp()));
      return true;
    }
    this.#state = 'answering';
    this.endpoint.answering += 1;
    return this.#exchange.handler.onHeaders(status, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean {
    if (this.#state === 'answering') return this.#exchange.handler.onData(chunk);
    if (this.#state === 'over') return true;
    this.#discarded += chunk.length;
    if (this.#discarded > discardBytesMax) this.#leave(givenUp());
    return true;
  }

  onComplete(trailers: string[] | null): void {
    const answered = this.#state === 'answering';
    this.#release();
    if (answered) this.#exchange.onComplete(trailers);
  }

  onError(error: Error): void {
    const state = this.#state;
    const sent = this.#breakOff !== undefined;
    const failure = this.#exchange.bodyFailed ? undefined : failureOf(error, sent);
    if (state === 'over') return;
    const now = this.#observe(failure === undefined ? 'cancelled' : outcomes[failure]);
    if (state === 'waiting') this.telemetry?.failed(failure ?? endOf(error), now - this.#startedAt, error);
    this.#release();
    if (state === 'discarding') return;
    // The caller already has part of the answer, and a retry could not continue it.
    if (state === 'answering' || failure === undefined) this.#exchange.broke(error);
    else this.#exchange.failed(this, failure, now, error);
  }

  /** Passes the outcome, and the endpoint's load report, to the picker. @returns the time now */
  #observe(result: OutcomeResult, load?: LoadReport, pauseMs?: number): number {
    this.#stopTimer?.();
    const now = this.#clock.monotonic();
    this.#picker.observe(this.endpoint, { now, latencyMs: now - this.#startedAt, result, load, retryAfterMs: pauseMs });
    return now;
  }

  #leave(reason: Error): void {
    this.#release();
    this.#breakOff?.(reason);
  }

  #release(): void {
    if (this.#state === 'over') return;
    if (this.#state === 'answering') this.endpoint.answering -= 1;
    this.#state = 'over';
    this.#stopTimer?.();
    this.endpoint.inFlight -= 1;
  }
}

/** The outcome of a failure, as the endpoint's balancer gets it. */
const outcomes: Readonly<Record<Failure, OutcomeResult>> = {
  ...{ unsent: 'unreachable', broken: 'broken', late: 'failed', refused: 'failed' },
};

/** For a try that would have failed at any endpoint: its request is wrong, or the client was closed. */
function endOf(error: Error): TryEnd {
  return isRegistryError(error, 'cancelled') ? 'cancelled' : 'invalid';
}

function givenUp(): DOMException {
  return new DOMException('the answer was given up', 'AbortError');
}
