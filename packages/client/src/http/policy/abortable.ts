/** Lets the caller abort the request from now on, before anything is decided or sent for it. */

import type { Call } from './call.ts';
import { Sending } from './sending.ts';

export class Abortable extends Sending {
  override begin(call: Call): void {
    try {
      call.handler.onConnect((reason) => call.abort(reason));
    } catch (error) {
      call.fail(error as Error);
    }
    // The caller may already have aborted.
    if (!call.over) super.begin(call, call.context.clock.monotonic());
  }
}
