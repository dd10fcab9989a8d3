/**
 * Sends a request again after a try failed: to another endpoint if there is one, while that is safe, the deadline has
 * not passed, and the budget and the number of tries allow it. `resilience/retry.ts` decides when it is safe.
 */

import { type Failure, retryPlace } from '../../resilience/retry.ts';
import type { Endpoint } from '../../endpoint.ts';
import type { Pause, Try } from '../try.ts';
import type { Call } from './call.ts';
import { anotherEndpoint } from './sent.ts';
import { Sending } from './sending.ts';

export class Retried extends Sending {
  override begin(call: Call, now: number): void {
    call.context.budget.deposit(now);
    super.begin(call, now);
  }

  override failed(call: Call, { endpoint: failedAt }: Try, failure: Failure, now: number, pause: Pause | undefined): boolean {
    const { budget, clock } = call.context;
    const { authority } = failedAt;
    if (!call.tries.failed(failure, now) || call.over) return false;
    const place = retryPlace(failure, call.idempotent, call.body?.replayable ?? true);
    if (place === 'nowhere') return false;
    call.tries.allow(place);
    // Called before the pick: an endpoint on trial is picked only once. A try that sent nothing put no load on a
    // backend, so a retry does not add load.
    const charged = failure !== 'unsent';
    if (charged && budget.balance(now) < 1) {
      call.tell({ kind: 'retry-refused', endpoint: authority, failure });
      return false;
    }
    const endpoint = pause?.everywhere === true ? undefined : anotherEndpoint(call, now, call.tries.mayRepeat);
    if (endpoint === undefined && !mayPause(call, pause, now)) return false;
    if (charged) budget.withdraw(now);
    call.tell({ kind: 'retry', endpoint: authority, failure, tries: call.tries.count });
    if (endpoint !== undefined) this.send(call, endpoint, now);
    else call.stopPause = clock.timer(pause?.ms ?? 0, () => this.#resume(call, failedAt));
    return true;
  }

  override ended(call: Call, result: string): void {
    call.stopPause?.();
    super.ended(call, result);
  }

  /** The pause from `Retry-After` is over. */
  #resume(call: Call, askedFor: Endpoint): void {
    if (call.over) return;
    const now = call.context.clock.monotonic();
    const endpoint = anotherEndpoint(call, now, true);
    if (endpoint !== undefined) this.send(call, endpoint, now);
    else call.fail(call.explain('refused', new Error('it asked for a pause, and then there was no endpoint left'), askedFor));
  }
}

/** Whether the pause that an endpoint asked for ends within the request's time. */
function mayPause({ options, context }: Call, pause: Pause | undefined, now: number): boolean {
  return pause !== undefined && pause.ms <= context.retryAfterMaxMs && now + pause.ms < (options.deadline?.at ?? Infinity);
}
