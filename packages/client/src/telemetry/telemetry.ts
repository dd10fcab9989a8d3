/**
 * OpenTelemetry for one service: its instruments, and the start of each request's record. Only the API is used
 * (https://opentelemetry.io/docs/specs/otel/overview/#api). A program without an SDK pays for three look-ups a
 * request, and may set one up at any time. `request-telemetry.ts` records a request.
 */

import { context, createNoopMeter, metrics, propagation, ProxyTracer, trace, type Tracer } from '@opentelemetry/api';
import { isSecure, type TlsOptions } from '../http/connecting.ts';
import type { ServiceEvent } from '../resilience/service-event.ts';
import { NamedInstances } from './named-instances.ts';
import type { Instruments, Recording } from './recording.ts';
import { RequestTelemetry } from './request-telemetry.ts';

/** Name of the meter and of the tracer. */
const scope = '@rollcall/client';

/** Bucket bounds that the conventions advise for HTTP, in seconds. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export class Telemetry {
  /** Set by the first look-up that finds an SDK. */
  readonly #recording: { -readonly [K in keyof Recording]: Recording[K] };

  /** @param tls option of the service: determines which instances are reached by `https:` */
  constructor(service: string, tls: TlsOptions) {
    this.#recording = {
      ...{ service, tracer: undefined, instruments: undefined },
      ...{ named: new NamedInstances(), isSecure: (instance) => isSecure(instance, tls) },
    };
  }

  event({ kind }: ServiceEvent): void {
    const recording = this.#recording;
    recording.instruments ??= instrumentsOfSdk();
    recording.instruments?.events.add(1, { 'rollcall.service': recording.service, 'rollcall.event': kind });
  }

  /**
   * Starts the record of a request; its spans are children of the active span.
   * @param path path with its query
   * @returns undefined when there is neither a recorder nor a propagator
   */
  begin(method: string, path: string): RequestTelemetry | undefined {
    const recording = this.#recording;
    recording.tracer ??= tracerOfSdk();
    recording.instruments ??= instrumentsOfSdk();
    const isIdle = recording.tracer === undefined && recording.instruments === undefined;
    if (isIdle && propagation.fields().length === 0) return undefined;
    return new RequestTelemetry(recording, { method, path, context: context.active() });
  }
}

/** The API returns a proxy until a provider is registered. */
function tracerOfSdk(): Tracer | undefined {
  const tracer = trace.getTracer(scope);
  return tracer instanceof ProxyTracer ? undefined : tracer;
}

/** A meter that was created before the provider would stay without one. */
function instrumentsOfSdk(): Instruments | undefined {
  const meter = metrics.getMeter(scope);
  if (meter === createNoopMeter()) return undefined;
  const advice = { explicitBucketBoundaries: boundaries };
  return {
    tries: meter.createHistogram('http.client.request.duration', { description: 'Duration of HTTP client requests.', unit: 's', advice }),
    requests: meter.createHistogram('rollcall.client.request.duration', {
      description: 'From the call to the last byte of the answer or to the error, over all tries, by service and result',
      ...{ unit: 's', advice },
    }),
    events: meter.createCounter('rollcall.client.events', {
      description: 'Retries, hedges, ejections, breakers, changes of what leaves a zone, and refusals, by service and kind',
    }),
  };
}
