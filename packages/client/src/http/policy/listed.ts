/** Lets a request wait for the first list of instances, when none is known yet. */

import type { Call } from './call.ts';
import { Sending } from './sending.ts';

export class Listed extends Sending {
  override begin(call: Call, now: number): void {
    const { wait } = call.options;
    if (wait === undefined) return super.begin(call, now);
    call.stopListWait = wait((failure) => {
      if (call.over) return;
      if (failure === undefined) super.begin(call, call.context.clock.monotonic());
      else call.fail(failure);
    });
  }

  override ended(call: Call, result: string): void {
    call.stopListWait?.();
    super.ended(call, result);
  }
}
