/** Records the outcome of a request and the time since its caller sent it. Outermost: refusals are recorded, too. */

import type { Call } from './call.ts';
import { Sending } from './sending.ts';

export class Recorded extends Sending {
  override begin(call: Call, now: number): void {
    const { method, path } = call.request;
    call.calledAt = now;
    call.telemetry = call.context.telemetry?.begin(method, path);
    super.begin(call, now);
  }

  override ended(call: Call, result: string): void {
    super.ended(call, result);
    const { telemetry, lastEndpoint: endpoint, hedged } = call;
    if (telemetry === undefined) return;
    const durationMs = call.context.clock.monotonic() - call.calledAt;
    telemetry.ended({ result, endpoint, tries: call.tries.count, hedged, durationMs });
  }
}
