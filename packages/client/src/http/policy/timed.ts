/** The deadline of the whole request: refuses a request after its deadline, and ends one that passes it. */

import { silenceTimer } from '../../resilience/held-up.ts';
import { tooLate } from '../exchange-errors.ts';
import type { Call } from './call.ts';
import type { Deadline } from '../../resilience/deadline.ts';
import { Sending } from './sending.ts';

export class Timed extends Sending {
  override begin(call: Call, now: number): void {
    const { deadline } = call.options;
    if (deadline !== undefined && now >= deadline.at) {
      call.tell({ kind: 'refused', reason: 'deadline' });
      return call.fail(tooLate(call.what));
    }
    if (deadline !== undefined) limitTime(call, deadline, now);
    super.begin(call, now);
  }

  override ended(call: Call, result: string): void {
    call.stopDeadline?.();
    super.ended(call, result);
  }
}

/** Ends the request at its deadline, which it carries from now on. */
export function limitTime(call: Call, deadline: Deadline, now: number): void {
  call.options = call.options.deadline === deadline ? call.options : { ...call.options, deadline };
  call.stopDeadline = silenceTimer(call.context.clock, deadline.at - now, () => expire(call));
}

function expire(call: Call): void {
  call.tell({ kind: 'deadline' });
  const cause = new DOMException('the time for it was over', 'TimeoutError');
  const error = call.explain('late', cause, call.lastEndpoint);
  // The endpoints count it as a try that took too long.
  call.cancelWaiting(cause);
  call.answering?.cancel(error);
  call.fail(error);
}
