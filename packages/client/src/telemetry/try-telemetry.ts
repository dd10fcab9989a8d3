/**
 * Records one try: its span, whose context the program's propagator writes into the request's headers, and its
 * duration. Both end when the headers of the answer arrive: a program may never read the body, and then the
 * span would end only when the answer is garbage-collected.
 */

import { type Attributes, type Context, context, createContextKey, type Link, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Endpoint } from '../endpoint.ts';
import type { Failure } from '../resilience/retry.ts';
import type { RecordedRequest, Recording } from './recording.ts';
import { resultOf } from './result.ts';

/**
 * Why a try has no answer: how it failed; `superseded` by the answer of another endpoint, which is not an error;
 * `cancelled` by the caller, or with the client; or `invalid`: the request cannot be sent to any endpoint.
 */
export type TryEnd = Failure | 'superseded' | 'cancelled' | 'invalid';

/** Other methods become `_OTHER`, as the conventions require: a caller may invent any number of them. */
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** Query values that the conventions require to be redacted: they sign requests. */
const signatures = /([?&](?:AWSAccessKeyId|Signature|sig|X-Goog-Signature)=)[^&#]*/g;

/**
 * The key of `suppressTracing` in @opentelemetry/core; equal names are equal keys. Instrumentation of undici would
 * make a second span of the same try, and send a second `traceparent`.
 */
const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

export class TryTelemetry {
  readonly #recording: Recording;
  readonly #context: Context;
  readonly #span: Span | undefined;
  /** Labels of the metric. */
  readonly #attributes: Attributes;

  constructor(recording: Recording, request: RecordedRequest, endpoint: Endpoint, resends: number, hedged: TryTelemetry | undefined) {
    const { service, tracer, named, isSecure } = recording;
    const method = knownMethods.has(request.method) ? request.method : '_OTHER';
    const { instance, authority } = endpoint;
    const { address, port } = instance;
    this.#recording = recording;
    this.#attributes = {
      'http.request.method': method,
      ...(named.has(authority) ? { 'server.address': address, 'server.port': port } : { 'server.address': '_OTHER' }),
      'rollcall.service': service,
    };
    this.#span = tracer?.startSpan(
      method === '_OTHER' ? 'HTTP' : method,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': method,
          'server.address': address,
          'server.port': port,
          'url.full': `${isSecure(instance) ? 'https' : 'http'}://${authority}${request.path.replace(signatures, '$1REDACTED')}`,
          'rollcall.service': service,
          ...(method === '_OTHER' && { 'http.request.method_original': request.method }),
          ...(resends > 0 && { 'http.request.resend_count': resends }),
          ...(hedged !== undefined && { 'rollcall.hedge': true }),
        },
        links: hedged === undefined ? [] : hedged.#links,
      },
      request.context,
    );
    this.#context = this.#span === undefined ? request.context : trace.setSpan(request.context, this.#span);
  }

  /** Link for the span of a hedge of this try. */
  get #links(): Link[] {
    return this.#span === undefined ? [] : [{ context: this.#span.spanContext() }];
  }

  /** Headers that carry the span, and baggage, to the instance; empty without a propagator. */
  get headers(): Readonly<Record<string, string>> {
    const carrier: Record<string, string> = {};
    propagation.inject(this.#context, carrier);
    return carrier;
  }

  /** Calls `send`, which passes the request to the transport. */
  sending(send: () => void): void {
    if (this.#span === undefined) send();
    else context.with(this.#context.setValue(suppressed, true), send);
  }

  /** @param latencyMs from the start of the try to the headers */
  answered(status: number, latencyMs: number): void {
    const result = resultOf(status);
    this.#end(latencyMs, { 'rollcall.result': result, 'http.response.status_code': status, ...(result !== 'ok' && { 'error.type': String(status) }) });
  }

  /** @param error the transport's error, if any */
  failed(end: TryEnd, latencyMs: number, error?: Error): void {
    this.#end(latencyMs, { 'rollcall.result': end, ...(end !== 'superseded' && { 'error.type': errorType(end, error) }) }, error);
  }

  #end(latencyMs: number, outcome: Attributes, error?: Error): void {
    const { instruments } = this.#recording;
    instruments?.tries.record(latencyMs / 1000, { ...this.#attributes, ...outcome }, this.#context);
    if (this.#span === undefined) return;
    this.#span.setAttributes(outcome);
    if (outcome['error.type'] !== undefined) {
      // An error that the status code shows needs no message.
      this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(error !== undefined && { message: error.message }) });
    }
    this.#span.end();
  }
}

/** The code of Node, OpenSSL or undici (a small set); otherwise the outcome of the try. */
function errorType(end: TryEnd, error: Error | undefined): string {
  const code = error !== undefined && 'code' in error ? error.code : undefined;
  const isCode = end !== 'cancelled' && typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code);
  return isCode ? code : end;
}
