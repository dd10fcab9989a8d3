/**
 * The port between the policies of a request. A policy wraps the one below it: each hook is called on the
 * outermost policy and goes inwards, and a policy passes on what it does not decide. Policies are shared by all
 * requests and keep no state; the state of a request is in its `Call`.
 */

import type { Endpoint } from '../../endpoint.ts';
import type { Failure } from '../../resilience/retry.ts';
import type { Pause, Try } from '../try.ts';
import type { Call } from './call.ts';

/** The first answer that counts. */
export interface Answer {
  readonly attempt: Try;
  /** From the start of its try to the headers, in milliseconds. */
  readonly latencyMs: number;
  /** Whether the answer is not a failure of the endpoint. */
  readonly succeeded: boolean;
}

export class Sending {
  readonly #inner: Sending | undefined;

  /** @param inner the policy that this one wraps; undefined for the innermost */
  constructor(inner?: Sending) {
    this.#inner = inner;
  }

  /** Starts the request: sends it for the first time, or ends it with `call.fail`. Called once. */
  begin(call: Call, now: number): void {
    this.#inner?.begin(call, now);
  }

  /**
   * Sends the request to an endpoint.
   * @param hedged the try for which this one is the hedge
   */
  send(call: Call, endpoint: Endpoint, now: number, hedged?: Try): void {
    this.#inner?.send(call, endpoint, now, hedged);
  }

  /** Called when no answer has come for `delayMs`, and only after `hedging.sent`. */
  slow(call: Call, delayMs: number): void {
    this.#inner?.slow(call, delayMs);
  }

  /** The first answer that counts has begun. Called once at most. */
  answered(call: Call, answer: Answer, now: number): void {
    this.#inner?.answered(call, answer, now);
  }

  /**
   * A try has ended without an answer to pass on.
   * @param pause when to try again, as the answer asked
   * @returns whether another try is in progress, or will be after a pause
   */
  failed(call: Call, attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean {
    return this.#inner?.failed(call, attempt, failure, now, pause) ?? false;
  }

  /** The request is over: frees what the policy holds for it. Called once. */
  ended(call: Call, result: string): void {
    this.#inner?.ended(call, result);
  }
}
