/**
 * Records one request: a client span and a duration for each try, by the semantic conventions for HTTP
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and …/http-metrics/, both stable); and for the
 * whole request attributes of the caller's span and another duration. The request itself has no span: the
 * conventions require one span for each sending, and none around them.
 *
 *     caller's span ─┬─ GET 10.0.0.1:80   (error.type: 503)
 *                    └─ GET 10.0.0.2:80   (http.request.resend_count: 1)
 *
 *     caller's span ─┬─ GET 10.0.0.1:80   (rollcall.result: superseded) ◄─┐ link
 *                    └─ GET 10.0.0.2:80   (rollcall.hedge: true) ─────────┘
 */

import { trace } from '@opentelemetry/api';
import type { Endpoint } from '../endpoint.ts';
import type { RecordedRequest, Recording } from './recording.ts';
import { TryTelemetry } from './try-telemetry.ts';

/** The outcome of a request. */
export interface RequestEnd {
  /**
   * `ok`, `4xx` or `5xx` for an answer that was read to its end; otherwise the reason why there is no answer. A
   * closed list.
   */
  readonly result: string;
  /** The endpoint that answered, or the last one tried. */
  readonly endpoint: Endpoint | undefined;
  readonly tries: number;
  readonly hedged: boolean;
  readonly durationMs: number;
}

export class RequestTelemetry {
  readonly #recording: Recording;
  readonly #request: RecordedRequest;

  constructor(recording: Recording, request: RecordedRequest) {
    this.#recording = recording;
    this.#request = request;
  }

  /**
   * A try begins.
   * @param resends number of earlier tries
   * @param hedged the try for which this one is the hedge
   */
  try(endpoint: Endpoint, resends: number, hedged: TryTelemetry | undefined): TryTelemetry {
    return new TryTelemetry(this.#recording, this.#request, endpoint, resends, hedged);
  }

  ended({ result, endpoint, tries, hedged, durationMs }: RequestEnd): void {
    const { service, instruments } = this.#recording;
    instruments?.requests.record(durationMs / 1000, { 'rollcall.service': service, 'rollcall.result': result }, this.#request.context);
    trace.getSpan(this.#request.context)?.setAttributes({
      'rollcall.service': service,
      'rollcall.result': result,
      'rollcall.tries': tries,
      'rollcall.hedged': hedged,
      ...(endpoint === undefined ? {} : { 'rollcall.instance': endpoint.authority }),
    });
  }
}
