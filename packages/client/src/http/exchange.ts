/**
 * One request of `fetch`: its policies, in the order in which they wrap each other, and its tries. Undici's `fetch` has
 * it in place of a connection, below redirects, decoding and the `Response`, so `fetch` does not see retries. It speaks
 * the handler interface that undici 7 uses between `fetch` and a dispatcher
 * (https://undici.nodejs.org/#/docs/api/Dispatcher, "onConnect").
 *
 *     fetch ── Exchange ─ policies ──► Try (endpoint 1) ✗ failed: retry
 *                                 ├──► Try (endpoint 2) … slow: hedge
 *                                 └──► Try (endpoint 3) ──► headers, data, end ──► fetch
 */

import type { Dispatcher } from 'undici';
import type { Failure } from '../resilience/retry.ts';
import { resultOf } from '../telemetry/result.ts';
import type { ExchangeContext, ExchangeOptions } from './exchange-context.ts';
import { Abortable } from './policy/abortable.ts';
import { Admitted } from './policy/admitted.ts';
import { Call } from './policy/call.ts';
import { Hedged } from './policy/hedged.ts';
import { Listed } from './policy/listed.ts';
import { Recorded } from './policy/recorded.ts';
import { Retried } from './policy/retried.ts';
import type { Sending } from './policy/sending.ts';
import { Sent } from './policy/sent.ts';
import { Timed } from './policy/timed.ts';
import type { FetchHandler, Pause, Try } from './try.ts';

/** Outermost first. They have no state, so all requests share them. */
const policies: Sending = new Recorded(new Abortable(new Timed(new Admitted(new Listed(new Hedged(new Retried(new Sent())))))));

export class Exchange extends Call {
  constructor(context: ExchangeContext, request: Dispatcher.DispatchOptions, handler: FetchHandler, options: ExchangeOptions = {}) {
    super(context, request, handler, options);
  }

  start(): void {
    policies.begin(this, this.context.clock.monotonic());
  }

  claim(attempt: Try, status: number, latencyMs: number, succeeded: boolean, now: number): boolean {
    if (this.answering !== undefined || this.over) return false;
    this.answering = attempt;
    this.status = status;
    policies.answered(this, { attempt, latencyMs, succeeded }, now);
    return true;
  }

  supersede(attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean {
    this.waiting = this.waiting.filter((other) => other !== attempt);
    return policies.failed(this, attempt, failure, now, pause);
  }

  failed(attempt: Try, failure: Failure, now: number, cause: Error): void {
    if (!this.supersede(attempt, failure, now, undefined)) this.fail(this.explain(failure, cause, attempt.endpoint));
  }

  broke(error: Error): void {
    this.cancelWaiting(error);
    this.fail(error);
  }

  hedge(delayMs: number): void {
    policies.slow(this, delayMs);
  }

  onComplete(trailers: string[] | null): void {
    if (this.end(resultOf(this.status))) this.handler.onComplete(trailers);
  }

  protected release(result: string): void {
    policies.ended(this, result);
  }
}
