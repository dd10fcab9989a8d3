/** The innermost policy: picks an endpoint, and sends the request to it once. */

import { isRegistryError } from '@rollcall/protocol';
import type { Dispatcher } from 'undici';
import type { Endpoint } from '../../endpoint.ts';
import { deadlineHeader, writeDeadline } from '../../resilience/deadline.ts';
import type { TryTelemetry } from '../../telemetry/try-telemetry.ts';
import { noInstance } from '../exchange-errors.ts';
import { withHeaders } from '../request-headers.ts';
import { Try } from '../try.ts';
import type { Call } from './call.ts';
import { Sending } from './sending.ts';

const noEndpoints: readonly Endpoint[] = [];

export class Sent extends Sending {
  override begin(call: Call, now: number): void {
    const { service, requests } = call.context;
    call.inFlight = requests.current;
    try {
      const endpoint = pick(call, now, noEndpoints);
      if (endpoint === undefined) throw noInstance(service);
      this.send(call, endpoint, now);
    } catch (error) {
      if (isRegistryError(error, 'unavailable')) call.tell({ kind: 'refused', reason: 'endpoints' });
      call.fail(error as Error);
    }
  }

  override send(call: Call, endpoint: Endpoint, now: number, hedged?: Try): void {
    const { context } = call;
    const { tryTimeoutMs = context.tryTimeoutMs } = call.options;
    const telemetry = call.telemetry?.try(endpoint, call.tries.count, hedged?.telemetry);
    call.tries.begin(endpoint, now);
    const attempt = new Try(call, context, endpoint, now, telemetry);
    call.waiting = hedged === undefined ? [attempt] : [...call.waiting, attempt];
    if (tryTimeoutMs !== Infinity) attempt.limit(tryTimeoutMs);
    try {
      const pool = context.pools.get(endpoint);
      const request = requestNow(call, now, telemetry);
      if (telemetry === undefined) pool.dispatch(request, attempt);
      else telemetry.sending(() => pool.dispatch(request, attempt));
    } catch (error) {
      attempt.onError(error as Error);
    }
  }

  override ended(call: Call): void {
    call.body?.release();
  }
}

/**
 * Picks an endpoint that was not tried for this request.
 * @param evenAgain whether an endpoint that was tried may be picked when there is no other
 * @param mayLeave whether it may be of the other side of a canary when the request's own side has no other
 * @returns undefined when there is none, or none may get requests now: then the error of the last try is more
 *   useful
 */
export function anotherEndpoint(call: Call, now: number, evenAgain: boolean, mayLeave = true): Endpoint | undefined {
  try {
    return pick(call, now, call.tries.endpoints, mayLeave) ?? (evenAgain ? pick(call, now, noEndpoints) : undefined);
  } catch (error) {
    if (isRegistryError(error, 'unavailable')) return undefined;
    throw error;
  }
}

function pick({ context, options, header }: Call, now: number, exclude: readonly Endpoint[], mayLeave = true): Endpoint | undefined {
  const { keyHeader } = context;
  const key = options.hashKey ?? (keyHeader === undefined ? undefined : header(keyHeader));
  return context.picker.pick(now, exclude, key, header, mayLeave);
}

/** The request as it is sent now: with its remaining time, its place in a trace, and its body from the beginning. */
function requestNow({ request, options, body }: Call, now: number, telemetry: TryTelemetry | undefined): Dispatcher.DispatchOptions {
  const { deadline } = options;
  if (deadline === undefined && body === undefined && telemetry === undefined) return request;
  const added = { ...telemetry?.headers, ...(deadline !== undefined && { [deadlineHeader]: writeDeadline(deadline, now) }) };
  return {
    ...request,
    headers: withHeaders(request.headers, added),
    // Undici accepts any async iterable as a body; its types list fewer.
    ...(body === undefined ? {} : { body: body as unknown as NonNullable<Dispatcher.DispatchOptions['body']> }),
  };
}
