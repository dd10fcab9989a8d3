/**
 * Sends a request to a second endpoint when the first one takes longer than nearly all answers do; the first answer
 * counts. `resilience/hedging.ts` decides when to hedge, and how often.
 */

import type { Failure } from '../../resilience/retry.ts';
import type { Pause, Try } from '../try.ts';
import type { Call } from './call.ts';
import { anotherEndpoint } from './sent.ts';
import { type Answer, Sending } from './sending.ts';

export class Hedged extends Sending {
  override begin(call: Call, now: number): void {
    call.startedAt = now;
    if (mayBeHedged(call)) call.slow = call.context.hedging?.sent(call, now);
    super.begin(call, now);
  }

  /** Sends one hedge at most, and none after a retry, since the retry has just begun. */
  override slow(call: Call, delayMs: number): void {
    const { hedging, clock } = call.context;
    const [slow] = call.waiting;
    if (call.over || call.answering !== undefined || slow === undefined || call.tries.count > 1) return;
    const now = clock.monotonic();
    // The first endpoint may yet answer, so there is no need to show the request to the other side of a canary.
    const endpoint = hedging?.allows(now) === true ? anotherEndpoint(call, now, false, false) : undefined;
    if (endpoint === undefined) return;
    hedging?.spend(now);
    call.hedged = true;
    call.tell({ kind: 'hedge', endpoint: slow.endpoint.authority, delayMs });
    this.send(call, endpoint, now, slow);
  }

  override answered(call: Call, answer: Answer, now: number): void {
    endWait(call);
    // Counted from the first try: a hedge that answers fast shows that the first try is slow.
    call.context.hedging?.answered(now - call.startedAt, now);
    super.answered(call, answer, now);
    const { waiting } = call;
    call.waiting = [];
    for (const other of waiting) {
      if (other !== answer.attempt) other.cancel(new DOMException('another endpoint answered first', 'AbortError'), 'superseded');
    }
  }

  /** While the other of two tries may still answer, the request needs no retry. */
  override failed(call: Call, attempt: Try, failure: Failure, now: number, pause: Pause | undefined): boolean {
    return call.waiting.length > 0 || super.failed(call, attempt, failure, now, pause);
  }

  override ended(call: Call, result: string): void {
    endWait(call);
    super.ended(call, result);
  }
}

/** Whether the request may be sent twice, has no body, and may have a second try. */
function mayBeHedged({ options, tries, idempotent, request }: Call): boolean {
  return options.hedging !== false && tries.several && idempotent && (request.body ?? undefined) === undefined;
}

function endWait(call: Call): void {
  if (call.slow !== undefined) call.context.hedging?.ended(call.slow);
  call.slow = undefined;
}
