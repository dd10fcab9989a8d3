/** Lets a request wait for the first list of instances, when none is known yet; then it goes by the rules that have come with the list. */

import type { Call } from './call.ts';
import { Sending } from './sending.ts';
import { limitTime } from './timed.ts';

export class Listed extends Sending {
  override begin(call: Call, now: number): void {
    const { wait } = call.options;
    if (wait === undefined) return super.begin(call, now);
    call.stopListWait = wait((failure) => {
      if (call.over) return;
      if (failure !== undefined) return call.fail(failure);
      const began = call.context.clock.monotonic();
      const now = call.options.afterWait?.();
      if (now !== undefined) {
        call.goBy(now.context);
        if (call.options.deadline === undefined && now.timeoutMs !== Infinity) limitTime(call, { at: began + now.timeoutMs }, began);
      }
      super.begin(call, began);
    });
  }

  override ended(call: Call, result: string): void {
    call.stopListWait?.();
    super.ended(call, result);
  }
}
