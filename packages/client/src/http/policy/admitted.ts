/** Limits the requests in flight: a fixed limit (`requestsMax`), and one that follows latency (`concurrency`). */

import type { RegistryError } from '@rollcall/protocol';
import { overloaded, tooMany } from '../exchange-errors.ts';
import type { Call } from './call.ts';
import { type Answer, Sending } from './sending.ts';

export class Admitted extends Sending {
  override begin(call: Call, now: number): void {
    call.context.requests.current += 1;
    call.counted = true;
    const refusal = refusalOf(call);
    if (refusal === undefined) super.begin(call, now);
    else call.fail(refusal);
  }

  override answered(call: Call, answer: Answer, now: number): void {
    const { requests, concurrency } = call.context;
    requests.answering += 1;
    // The latency of failures does not show the capacity of a service.
    if (answer.succeeded) concurrency?.observe(Math.max(answer.latencyMs, 0.001), call.inFlight);
    super.answered(call, answer, now);
  }

  override ended(call: Call, result: string): void {
    const { requests } = call.context;
    if (call.counted) requests.current -= 1;
    if (call.answering !== undefined) requests.answering -= 1;
    super.ended(call, result);
  }
}

function refusalOf(call: Call): RegistryError | undefined {
  const { service, requests, concurrency } = call.context;
  if (requests.current > requests.max) {
    call.tell({ kind: 'refused', reason: 'requests' });
    return tooMany(service, requests.max, requests.answering);
  }
  if (concurrency !== undefined && !concurrency.allows(requests.current - 1)) {
    call.tell({ kind: 'refused', reason: 'concurrency' });
    return overloaded(service, requests.current - 1);
  }
  return undefined;
}
