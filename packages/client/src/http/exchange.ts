/**
 * One request of `fetch` and its tries: sends it to an endpoint, listens, and sends it to another
 * one when that failed, as long as it is safe, within the budget and the number of tries. It sits
 * where undici's `fetch` expects a connection, below redirects, decoding and the `Response`, so a
 * retry cannot be seen from above. It speaks the handler interface that undici 7 uses between
 * `fetch` and a dispatcher (https://undici.nodejs.org/#/docs/api/Dispatcher, "onConnect").
 *
 *     fetch ── Exchange ──► Try (endpoint 1) ✗
 *                      └──► Try (endpoint 2) ──► headers, data, end ──► fetch
 */

import { RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { OutcomeResult } from '../balancer/balancer.ts';
import type { Picker } from '../balancer/picker.ts';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Failure, isIdempotent, isRefusal, retryPlace } from '../resilience/retry.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import type { EndpointPools } from './endpoint-pools.ts';
import { failureOf } from './failure.ts';
import { ReplayBody } from './replay-body.ts';

/** What all requests of a service share. */
export interface ExchangeContext {
  readonly service: string;
  readonly picker: Picker;
  readonly pools: EndpointPools;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Requests begun and not ended, and how many there may be. */
  readonly requests: { current: number; readonly max: number };
  /** Tries of one request, the first included; 1 or more. */
  readonly triesMax: number;
  /** Longest a try may take from the pick to the answer's headers, in milliseconds; Infinity for no limit. */
  readonly tryTimeoutMs: number;
  /** Most bytes of a body kept for a retry. */
  readonly replayBytesMax: number;
  /** What the request is about, for balancers that hash. */
  readonly hashKey?: string | undefined;
}

/** The part of undici's handler that `fetch` implements; deprecated upstream, gone in undici 8. */
export type FetchHandler = Required<Pick<Dispatcher.DispatchHandler, 'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError'>> &
  Pick<Dispatcher.DispatchHandler, 'onResponseStarted'>;

/** An answer that is given up for a retry is read to its end, to keep the connection, up to this. */
const discardBytesMax = 64 * 1024;

export class Exchange {
  readonly #context: ExchangeContext;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: FetchHandler;
  readonly #idempotent: boolean;
  readonly #body: ReplayBody | undefined;
  readonly #tried: Endpoint[] = [];
  #current: Try | undefined;
  #tries = 0;
  #over = false;

  constructor(context: ExchangeContext, options: Dispatcher.DispatchOptions, handler: FetchHandler) {
    this.#context = context;
    this.#options = options;
    this.#handler = handler;
    this.#idempotent = isIdempotent(options.method);
    context.requests.current += 1;
    if (isAsyncIterable(options.body)) {
      this.#body = new ReplayBody(options.body, this.#idempotent ? context.replayBytesMax : 0);
    }
  }

  start(): void {
    const { service, picker, budget, clock, requests, hashKey } = this.#context;
    this.#handler.onConnect((reason) => this.#abort(reason));
    if (this.#over) return;
    if (requests.current > requests.max) {
      const message = `${requests.max} requests to ${service} are in flight, the limit; wait for some to end or raise requestsMax`;
      this.fail(new RegistryError('resource_exhausted', message));
      return;
    }
    const now = clock.monotonic();
    budget.deposit(now);
    const endpoint = picker.pick(now, undefined, hashKey);
    if (endpoint === undefined) this.fail(noInstance(service));
    else this.#try(endpoint, now);
  }

  /**
   * A try ended without an answer to keep.
   * @returns whether another one is under way
   */
  retry(failure: Failure, now: number): boolean {
    const { picker, budget, triesMax, hashKey } = this.#context;
    if (this.#over || this.#tries >= triesMax) return false;
    const place = retryPlace(failure, this.#idempotent, this.#body?.replayable ?? true);
    if (place === 'nowhere') return false;
    let endpoint = picker.pick(now, this.#tried, hashKey);
    if (endpoint === undefined && place === 'any endpoint') endpoint = picker.pick(now, undefined, hashKey);
    if (endpoint === undefined || !budget.withdraw(now)) return false;
    this.#try(endpoint, now);
    return true;
  }

  /** A try failed for good. */
  giveUp(failure: Failure, endpoint: Endpoint, cause: unknown): void {
    const { method, path } = this.#options;
    const what = `${method} ${path} of ${this.#context.service}`;
    const tries = `${this.#tries === 1 ? 'one try' : `${this.#tries} tries`}, the last at ${endpoint.authority}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    if (failure !== 'unsent' && !this.#idempotent) {
      const message = `${what}: no answer from ${endpoint.authority} after it was sent, so it may have been applied: ${why}`;
      this.fail(new RegistryError('unknown_outcome', message, { cause }));
    } else {
      const code = failure === 'late' ? 'deadline_exceeded' : 'unavailable';
      this.fail(new RegistryError(code, `${what}: no answer after ${tries}: ${why}`, { cause }));
    }
  }

  fail(error: Error): void {
    if (!this.#end()) return;
    this.#handler.onError(error);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    return this.#handler.onHeaders(status, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk);
  }

  onComplete(trailers: string[] | null): void {
    if (!this.#end()) return;
    this.#handler.onComplete(trailers);
  }

  get bodyFailed(): boolean {
    return this.#body?.failed ?? false;
  }

  #try(endpoint: Endpoint, now: number): void {
    const { picker, pools, clock, tryTimeoutMs } = this.#context;
    this.#tries += 1;
    if (!this.#tried.includes(endpoint)) this.#tried.push(endpoint);
    const attempt = new Try(this, picker, clock, endpoint, now);
    this.#current = attempt;
    if (tryTimeoutMs !== Infinity) attempt.limit(tryTimeoutMs);
    try {
      pools.get(endpoint).dispatch(this.#body === undefined ? this.#options : withBody(this.#options, this.#body), attempt);
    } catch (error) {
      attempt.onError(error as Error);
    }
  }

  #abort(reason: unknown): void {
    if (!this.#end()) return;
    const error = reason instanceof Error ? reason : new DOMException('the request was aborted', 'AbortError');
    this.#current?.cancel(error);
    this.#handler.onError(error);
  }

  /** @returns whether it was not over before */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#context.requests.current -= 1;
    this.#body?.release();
    return true;
  }
}

/** One try: the handler that undici calls, and the bookkeeping of its endpoint. */
class Try implements FetchHandler {
  readonly #exchange: Exchange;
  readonly #picker: Picker;
  readonly #clock: Clock;
  readonly #endpoint: Endpoint;
  readonly #startedAt: number;
  /**
   * `waiting` for the headers; `answering`, when they went up; `discarding` an answer that a retry
   * replaces; `over`, when nothing that comes concerns anyone.
   */
  #state: 'waiting' | 'answering' | 'discarding' | 'over' = 'waiting';
  /** Set once there is a connection, as the request is written to it. */
  #breakOff: ((reason?: Error) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #discarded = 0;

  constructor(exchange: Exchange, picker: Picker, clock: Clock, endpoint: Endpoint, startedAt: number) {
    this.#exchange = exchange;
    this.#picker = picker;
    this.#clock = clock;
    this.#endpoint = endpoint;
    this.#startedAt = startedAt;
    endpoint.inFlight += 1;
  }

  limit(timeoutMs: number): void {
    this.#stopTimer = this.#clock.timer(timeoutMs, () => {
      const failure = this.#breakOff === undefined ? 'unsent' : 'late';
      const what = failure === 'unsent' ? 'connection' : 'answer';
      const error = new RegistryError('deadline_exceeded', `no ${what} within ${timeoutMs} ms`);
      const now = this.#observe(failure === 'unsent' ? 'unreachable' : 'failed');
      this.#leave(error);
      if (!this.#exchange.retry(failure, now)) this.#exchange.giveUp(failure, this.#endpoint, error);
    });
  }

  /** The caller wants no answer any more. Its own deadline counts as a failure to answer in time. */
  cancel(reason: Error): void {
    if (this.#state === 'waiting') this.#observe(reason.name === 'TimeoutError' ? 'failed' : 'cancelled');
    this.#leave(reason);
  }

  onConnect(breakOff: (reason?: Error) => void): void {
    this.#breakOff = breakOff;
    if (this.#state === 'over') breakOff(new DOMException('the try was given up', 'AbortError'));
  }

  onResponseStarted(): void {
    if (this.#state === 'waiting') this.#exchange.onResponseStarted();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (status < 200) return this.#exchange.onHeaders(status, headers, resume, statusText);
    const now = this.#observe(status >= 500 || status === 429 ? 'failed' : 'ok');
    if (isRefusal(status) && this.#exchange.retry('refused', now)) {
      this.#state = 'discarding';
      return true;
    }
    this.#state = 'answering';
    return this.#exchange.onHeaders(status, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean {
    if (this.#state === 'answering') return this.#exchange.onData(chunk);
    if (this.#state === 'over') return true;
    this.#discarded += chunk.length;
    if (this.#discarded > discardBytesMax) this.#leave(new DOMException('the answer was given up', 'AbortError'));
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
    const now = this.#observe(failure === undefined ? 'cancelled' : failure === 'late' ? 'failed' : 'unreachable');
    this.#release();
    if (state === 'discarding') return;
    // Part of the answer went up: a retry would have to continue it.
    if (state === 'answering' || failure === undefined) this.#exchange.fail(error);
    else if (!this.#exchange.retry(failure, now)) this.#exchange.giveUp(failure, this.#endpoint, error);
  }

  /** Tells the picker how it went. @returns the time now */
  #observe(result: OutcomeResult): number {
    this.#stopTimer?.();
    const now = this.#clock.monotonic();
    this.#picker.observe(this.#endpoint, { now, latencyMs: now - this.#startedAt, result });
    return now;
  }

  #leave(reason: Error): void {
    this.#release();
    this.#breakOff?.(reason);
  }

  #release(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#endpoint.inFlight -= 1;
  }
}

export function noInstance(service: string): RegistryError {
  return new RegistryError('unavailable', `no instance of ${service} is registered; start one, or check the name`);
}

function withBody(options: Dispatcher.DispatchOptions, body: ReplayBody): Dispatcher.DispatchOptions {
  // Undici takes any async iterable for a body; its types name fewer.
  return { ...options, body: body as unknown as NonNullable<Dispatcher.DispatchOptions['body']> };
}

function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
