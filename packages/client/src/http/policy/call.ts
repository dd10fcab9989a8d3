/**
 * One request under way, as its policies see it: its input, its tries, and the resources that each policy frees
 * at the end. It decides nothing; `exchange.ts` joins it with the policies.
 */

import { isRegistryError, type RegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { Endpoint } from '../../endpoint.ts';
import type { Hedgeable, Waiting } from '../../resilience/hedging.ts';
import { type Failure, isIdempotent } from '../../resilience/retry.ts';
import type { ServiceEvent } from '../../resilience/service-event.ts';
import { Tries } from '../../resilience/tries.ts';
import type { HeaderReader } from '../../routing/canary.ts';
import type { RequestTelemetry } from '../../telemetry/request-telemetry.ts';
import type { ExchangeContext, ExchangeOptions } from '../exchange-context.ts';
import { brokenOff, noAnswer, noList } from '../exchange-errors.ts';
import { isReadOnce, ReplayBody } from '../replay-body.ts';
import { headerReader } from '../request-headers.ts';
import type { FetchHandler, Pause, Try, TryListener } from '../try.ts';

const noTries: readonly Try[] = [];

export abstract class Call implements TryListener, Hedgeable {
  context: ExchangeContext;
  readonly request: Dispatcher.DispatchOptions;
  /** Receives the answer. */
  readonly handler: FetchHandler;
  options: ExchangeOptions;
  readonly header: HeaderReader;
  /** Whether sending the request twice has the same effect as once. */
  readonly idempotent: boolean;
  /** A body that can be read only once, with its chunks kept for a retry; undefined for other bodies or none. */
  readonly body: ReplayBody | undefined;
  tries: Tries;

  /** Tries that may still answer: one, or two after a hedge. */
  waiting: readonly Try[] = noTries;
  /** The try whose answer counts, from its headers on. */
  answering: Try | undefined = undefined;
  /** Status of the answer that counts; 0 before it. */
  status = 0;
  /** Whether the handler was told that the request ended, or is being told now. */
  over = false;

  // State that single policies keep for this request.
  /** `Recorded`: when the caller asked. */
  calledAt = 0;
  telemetry: RequestTelemetry | undefined = undefined;
  /** `Timed`: stops the timer of the whole request. */
  stopDeadline: (() => void) | undefined = undefined;
  /** `Admitted`: whether the request counts as in flight. */
  counted = false;
  /** `Listed`: ends the wait for the first list. */
  stopListWait: (() => void) | undefined = undefined;
  /** `Hedged`: start of the first try, its slot among requests that may be hedged, and whether it was hedged. */
  startedAt = 0;
  slow: Waiting | undefined = undefined;
  hedged = false;
  /** `Retried`: ends the pause before the next try. */
  stopPause: (() => void) | undefined = undefined;
  /** `Sent`: requests in flight when this one was first sent, including itself. */
  inFlight = 0;

  constructor(context: ExchangeContext, request: Dispatcher.DispatchOptions, handler: FetchHandler, options: ExchangeOptions) {
    this.context = context;
    this.request = request;
    this.handler = handler;
    this.options = options;
    this.tries = new Tries(options.triesMax ?? context.triesMax);
    this.header = headerReader(request.headers);
    this.idempotent = options.idempotent ?? isIdempotent(request.method);
    const { body } = request;
    this.body = isReadOnce(body) ? new ReplayBody(body, this.idempotent ? context.replayBytesMax : 0) : undefined;
  }

  /** Goes by other rules; only before the first try. */
  goBy(context: ExchangeContext): void {
    this.context = context;
    this.tries = new Tries(this.options.triesMax ?? context.triesMax);
  }

  abstract claim(attempt: Try, status: number, latencyMs: number, succeeded: boolean, now: number): boolean;
  abstract supersede(attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean;
  abstract failed(attempt: Try, failure: Failure, now: number, cause: Error): void;
  abstract broke(error: Error): void;
  abstract onComplete(trailers: string[] | null): void;
  abstract hedge(delayMs: number): void;

  /** Lets every policy free what it holds. Called once, by `end`. */
  protected abstract release(result: string): void;

  get bodyFailed(): boolean {
    return this.body?.failed ?? false;
  }

  /** The endpoint that answers, or the one tried last; undefined before the first try. */
  get lastEndpoint(): Endpoint | undefined {
    return this.answering?.endpoint ?? this.tries.endpoints.at(-1);
  }

  /** Names the request in errors. */
  get what(): string {
    return `${this.request.method} ${this.request.path} of ${this.context.service}`;
  }

  tell(event: ServiceEvent): void {
    this.context.onEvent?.(event);
  }

  /** @param endpoint the one tried last; undefined before the first try */
  explain(failure: Failure, cause: Error, endpoint: Endpoint | undefined): RegistryError {
    if (endpoint === undefined) return noList(this.what, cause);
    if (this.answering !== undefined) return brokenOff(this.what, endpoint, cause);
    return noAnswer(this.what, endpoint, failure, this.tries.count, this.idempotent, cause);
  }

  /** The caller aborted the request. */
  abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new DOMException('the request was aborted', 'AbortError');
    if (!this.end('cancelled')) return;
    this.cancelWaiting(error);
    this.answering?.cancel(error);
    this.handler.onError(error);
  }

  fail(error: Error): void {
    if (!this.end(isRegistryError(error) ? error.code : this.answering === undefined ? 'failed' : 'broken')) return;
    this.handler.onError(error);
  }

  cancelWaiting(reason: Error): void {
    for (const attempt of this.waiting) attempt.cancel(reason);
  }

  /** @returns whether this call ended it */
  end(result: string): boolean {
    if (this.over) return false;
    this.over = true;
    this.release(result);
    return true;
  }
}
