/**
 * One request of `fetch` and its tries: sends it to an endpoint, and to another one when that failed or
 * takes too long, as long as it is safe, in time, within the budget and the number of tries. It sits
 * where undici's `fetch` expects a connection, below redirects, decoding and the `Response`, so a
 * retry cannot be seen from above. It speaks the handler interface that undici 7 uses between
 * `fetch` and a dispatcher (https://undici.nodejs.org/#/docs/api/Dispatcher, "onConnect").
 *
 *     fetch ── Exchange ──► Try (endpoint 1) ✗ failed: retry
 *                      ├──► Try (endpoint 2) … slow: hedge
 *                      └──► Try (endpoint 3) ──► headers, data, end ──► fetch
 */

import { isRegistryError, type RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { Endpoint } from '../endpoint.ts';
import { deadlineHeader, writeDeadline } from '../resilience/deadline.ts';
import { silenceTimer } from '../resilience/held-up.ts';
import type { Hedgeable, Waiting } from '../resilience/hedging.ts';
import { type Failure, isIdempotent, retryPlace } from '../resilience/retry.ts';
import type { ServiceEvent } from '../resilience/service-event.ts';
import { Tries } from '../resilience/tries.ts';
import type { HeaderReader } from '../routing/canary.ts';
import type { RequestTelemetry } from '../telemetry/request-telemetry.ts';
import { resultOf } from '../telemetry/result.ts';
import type { TryTelemetry } from '../telemetry/try-telemetry.ts';
import type { ExchangeContext, ExchangeOptions } from './exchange-context.ts';
import { brokenOff, noAnswer, noInstance, noList, overloaded, tooLate, tooMany } from './exchange-errors.ts';
import { isReadOnce, ReplayBody } from './replay-body.ts';
import { headerReader, withHeaders } from './request-headers.ts';
import { type FetchHandler, type Pause, Try, type TryListener } from './try.ts';

const nobody: readonly Endpoint[] = [];
const noTries: readonly Try[] = [];

export class Exchange implements TryListener, Hedgeable {
  readonly handler: FetchHandler;
  readonly #context: ExchangeContext;
  readonly #request: Dispatcher.DispatchOptions;
  readonly #options: ExchangeOptions;
  readonly #header: HeaderReader;
  readonly #idempotent: boolean;
  readonly #body: ReplayBody | undefined;
  readonly #tries: Tries;
  readonly #telemetry: RequestTelemetry | undefined;
  /** Tries that may still answer: one, or two after a hedge. */
  #waiting: readonly Try[] = noTries;
  #answering: Try | undefined;
  #calledAt = 0;
  #startedAt = 0;
  /** Of the answer that counts. */
  #status = 0;
  /** Requests in flight when this one began, itself included. */
  #inFlight = 0;
  #hedged = false;
  #over = false;
  /** While it may be hedged. */
  #slow: Waiting | undefined;
  #stopDeadline: (() => void) | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(context: ExchangeContext, request: Dispatcher.DispatchOptions, handler: FetchHandler, options: ExchangeOptions = {}) {
    this.#context = context;
    this.#request = request;
    this.#options = options;
    this.handler = handler;
    this.#tries = new Tries(options.triesMax ?? context.triesMax);
    this.#header = headerReader(request.headers);
    this.#idempotent = options.idempotent ?? isIdempotent(request.method);
    this.#telemetry = context.telemetry?.begin(request.method, request.path);
    if (isReadOnce(request.body)) this.#body = new ReplayBody(request.body, this.#idempotent ? context.replayBytesMax : 0);
  }

  get bodyFailed(): boolean {
    return this.#body?.failed ?? false;
  }

  start(): void {
    const { requests, clock } = this.#context;
    requests.current += 1;
    this.#calledAt = clock.monotonic();
    try {
      this.handler.onConnect((reason) => this.#abort(reason));
    } catch (error) {
      this.#fail(error as Error);
    }
    if (this.#over) return;
    const now = clock.monotonic();
    const refusal = this.#refusal(now);
    if (refusal !== undefined) return this.#fail(refusal);
    this.#watchDeadline(now);
    const { wait } = this.#options;
    if (wait === undefined) this.#begin(now);
    else this.#stopWaiting = wait((failure) => (failure === undefined ? this.#begin(clock.monotonic()) : this.#fail(failure)));
  }

  #begin(now: number): void {
    const { service, budget, requests } = this.#context;
    if (this.#over) return;
    this.#startedAt = now;
    this.#inFlight = requests.current;
    budget.deposit(now);
    try {
      const endpoint = this.#pick(now, nobody);
      if (endpoint === undefined) throw noInstance(service);
      this.#scheduleHedge(now);
      this.#try(endpoint, now);
    } catch (error) {
      if (isRegistryError(error, 'unavailable')) this.#tell({ kind: 'refused', reason: 'endpoints' });
      this.#fail(error as Error);
    }
  }

  claim(attempt: Try, status: number, latencyMs: number, succeeded: boolean, now: number): boolean {
    if (this.#answering !== undefined || this.#over) return false;
    this.#answering = attempt;
    this.#status = status;
    this.#context.requests.answering += 1;
    this.#endHedge();
    const { hedging, concurrency } = this.#context;
    // From the first try on: a hedge that answers quickly says that the first one is slow.
    hedging?.answered(now - this.#startedAt, now);
    // How fast a service fails says nothing about how much it can take.
    if (succeeded) concurrency?.observe(Math.max(latencyMs, 0.001), this.#inFlight);
    const waiting = this.#waiting;
    this.#waiting = noTries;
    for (const other of waiting) {
      if (other !== attempt) other.cancel(new DOMException('another endpoint answered first', 'AbortError'), 'superseded');
    }
    return true;
  }

  supersede(attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean {
    return this.#othersWait(attempt) || this.#retry(attempt, failure, now, pause);
  }

  failed(attempt: Try, failure: Failure, now: number, cause: Error): void {
    if (this.#othersWait(attempt) || this.#retry(attempt, failure, now)) return;
    this.#fail(this.#explain(failure, cause, attempt.endpoint));
  }

  broke(error: Error): void {
    for (const other of this.#waiting) other.cancel(error);
    this.#fail(error);
  }

  onComplete(trailers: string[] | null): void {
    if (!this.#end(resultOf(this.#status))) return;
    this.handler.onComplete(trailers);
  }

  #refusal(now: number): RegistryError | undefined {
    const { service, requests, concurrency } = this.#context;
    const { deadline } = this.#options;
    if (deadline !== undefined && now >= deadline.at) {
      this.#tell({ kind: 'refused', reason: 'deadline' });
      return tooLate(this.#what);
    }
    if (requests.current > requests.max) {
      this.#tell({ kind: 'refused', reason: 'requests' });
      return tooMany(service, requests.max, requests.answering);
    }
    if (concurrency !== undefined && !concurrency.allows(requests.current - 1)) {
      this.#tell({ kind: 'refused', reason: 'concurrency' });
      return overloaded(service, requests.current - 1);
    }
    return undefined;
  }

  /** @returns whether there are others now that this try is over */
  #othersWait(attempt: Try): boolean {
    this.#waiting = this.#waiting.filter((other) => other !== attempt);
    return this.#waiting.length > 0;
  }

  #pick(now: number, exclude: readonly Endpoint[]): Endpoint | undefined {
    return this.#context.picker.pick(now, exclude, this.#options.hashKey, this.#header);
  }

  /** @returns whether another try is under way, or will be after a pause */
  #retry({ endpoint: failedAt }: Try, failure: Failure, now: number, pause?: Pause): boolean {
    const { budget } = this.#context;
    if (!this.#tries.failed(failure, now) || this.#over) return false;
    const place = retryPlace(failure, this.#idempotent, this.#body?.replayable ?? true);
    if (place === 'nowhere') return false;
    this.#tries.allow(place);
    // Before the pick: what is picked may be asked only once to see whether it is well again. A try that sent
    // nothing was no load for a backend, so the next one adds none.
    const charged = failure !== 'unsent';
    if (charged && budget.balance(now) < 1) {
      this.#tell({ kind: 'retry-refused', endpoint: failedAt.authority, failure });
      return false;
    }
    const endpoint = pause?.everywhere === true ? undefined : this.#another(now, this.#tries.mayRepeat);
    if (endpoint === undefined && !this.#mayWait(pause, now)) return false;
    if (charged) budget.withdraw(now);
    this.#tell({ kind: 'retry', endpoint: failedAt.authority, failure, tries: this.#tries.count });
    if (endpoint !== undefined) this.#try(endpoint, now);
    else this.#stopWaiting = this.#context.clock.timer(pause?.ms ?? 0, () => this.#resume(failedAt));
    return true;
  }

  /** Whether the endpoints' wish for a pause can be met within the request's time. */
  #mayWait(pause: Pause | undefined, now: number): boolean {
    const { deadline } = this.#options;
    return pause !== undefined && pause.ms <= this.#context.retryAfterMaxMs && now + pause.ms < (deadline?.at ?? Infinity);
  }

  /** The pause is over. */
  #resume(askedFor: Endpoint): void {
    if (this.#over) return;
    const now = this.#context.clock.monotonic();
    const endpoint = this.#another(now, true);
    if (endpoint !== undefined) this.#try(endpoint, now);
    else this.#fail(this.#explain('refused', new Error('it asked for a pause, and then there was no endpoint left'), askedFor));
  }

  /** Somebody who was not tried, or, if there is nobody and it makes sense, somebody who was. */
  #another(now: number, evenAgain: boolean): Endpoint | undefined {
    try {
      return this.#pick(now, this.#tries.endpoints) ?? (evenAgain ? this.#pick(now, nobody) : undefined);
    } catch (error) {
      // Nobody may be asked now: the failure of the last try says more.
      if (isRegistryError(error, 'unavailable')) return undefined;
      throw error;
    }
  }

  #scheduleHedge(now: number): void {
    const { hedging } = this.#context;
    const wanted = this.#options.hedging !== false && this.#tries.several;
    const mayBeHedged = wanted && this.#idempotent && (this.#request.body ?? undefined) === undefined;
    if (mayBeHedged) this.#slow = hedging?.sent(this, now);
  }

  #endHedge(): void {
    if (this.#slow !== undefined) this.#context.hedging?.ended(this.#slow);
    this.#slow = undefined;
  }

  /** One hedge at most, and none after a retry: that one has just begun. */
  hedge(delayMs: number): void {
    const { hedging } = this.#context;
    const [slow] = this.#waiting;
    if (this.#over || this.#answering !== undefined || slow === undefined || this.#tries.count > 1) return;
    const now = this.#context.clock.monotonic();
    const endpoint = hedging?.allows(now) === true ? this.#another(now, false) : undefined;
    if (endpoint === undefined) return;
    hedging?.spend(now);
    this.#hedged = true;
    this.#tell({ kind: 'hedge', endpoint: slow.endpoint.authority, delayMs });
    this.#try(endpoint, now, slow);
  }

  /** @param hedged the try that it is a hedge of */
  #try(endpoint: Endpoint, now: number, hedged?: Try): void {
    const { pools } = this.#context;
    const { tryTimeoutMs = this.#context.tryTimeoutMs } = this.#options;
    const telemetry = this.#telemetry?.try(endpoint, this.#tries.count, hedged?.telemetry);
    this.#tries.begin(endpoint, now);
    const attempt = new Try(this, this.#context, endpoint, now, telemetry);
    this.#waiting = [...this.#waiting, attempt];
    if (tryTimeoutMs !== Infinity) attempt.limit(tryTimeoutMs);
    try {
      const pool = pools.get(endpoint);
      const request = this.#requestNow(now, telemetry);
      if (telemetry === undefined) pool.dispatch(request, attempt);
      else telemetry.sending(() => pool.dispatch(request, attempt));
    } catch (error) {
      attempt.onError(error as Error);
    }
  }

  /** The request as it goes out now: with what is left of its time, its place in a trace, and its body from the beginning. */
  #requestNow(now: number, telemetry: TryTelemetry | undefined): Dispatcher.DispatchOptions {
    const { deadline } = this.#options;
    if (deadline === undefined && this.#body === undefined && telemetry === undefined) return this.#request;
    const added = { ...telemetry?.headers, ...(deadline !== undefined && { [deadlineHeader]: writeDeadline(deadline, now) }) };
    return {
      ...this.#request,
      headers: withHeaders(this.#request.headers, added),
      // Undici takes any async iterable for a body; its types name fewer.
      ...(this.#body === undefined ? {} : { body: this.#body as unknown as NonNullable<Dispatcher.DispatchOptions['body']> }),
    };
  }

  #watchDeadline(now: number): void {
    const { deadline } = this.#options;
    if (deadline === undefined) return;
    this.#stopDeadline = silenceTimer(this.#context.clock, deadline.at - now, () => {
      this.#tell({ kind: 'deadline' });
      const cause = new DOMException('the time for it was over', 'TimeoutError');
      const error = this.#explain('late', cause, this.#answering?.endpoint ?? this.#tries.endpoints.at(-1));
      // Endpoints are charged for it as for a try that took too long.
      for (const attempt of this.#waiting) attempt.cancel(cause);
      this.#answering?.cancel(error);
      this.#fail(error);
    });
  }

  /** @param endpoint the last one tried, if there was any */
  #explain(failure: Failure, cause: Error, endpoint: Endpoint | undefined): RegistryError {
    if (endpoint === undefined) return noList(this.#what, cause);
    if (this.#answering !== undefined) return brokenOff(this.#what, endpoint, cause);
    return noAnswer(this.#what, endpoint, failure, this.#tries.count, this.#idempotent, cause);
  }

  get #what(): string {
    return `${this.#request.method} ${this.#request.path} of ${this.#context.service}`;
  }

  #abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new DOMException('the request was aborted', 'AbortError');
    if (!this.#end('cancelled')) return;
    for (const attempt of this.#waiting) attempt.cancel(error);
    this.#answering?.cancel(error);
    this.handler.onError(error);
  }

  #fail(error: Error): void {
    if (!this.#end(isRegistryError(error) ? error.code : this.#answering === undefined ? 'failed' : 'broken')) return;
    this.handler.onError(error);
  }

  #tell(event: ServiceEvent): void {
    this.#context.onEvent?.(event);
  }

  /** @returns whether it was not over before */
  #end(result: string): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#context.requests.current -= 1;
    if (this.#answering !== undefined) this.#context.requests.answering -= 1;
    this.#endHedge();
    this.#stopDeadline?.();
    this.#stopWaiting?.();
    this.#body?.release();
    this.#telemetry?.ended({
      ...{ result, endpoint: this.#answering?.endpoint ?? this.#tries.endpoints.at(-1) },
      ...{ tries: this.#tries.count, hedged: this.#hedged, durationMs: this.#context.clock.monotonic() - this.#calledAt },
    });
    return true;
  }
}
