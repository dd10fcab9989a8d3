/**
 * What the client decided, as OpenTelemetry sees it: counters, and attributes of the caller's span. Only
 * the API is used (https://opentelemetry.io/docs/specs/otel/overview/#api): without an SDK in the program
 * all of this does nothing.
 */

import { metrics, trace, type Attributes, type Counter, type Span } from '@opentelemetry/api';
import type { Endpoint } from './endpoint.ts';
import type { ServiceEvent } from './resilience/service-event.ts';

/** Of one service. */
export class Telemetry {
  readonly #service: string;
  readonly #events: Counter;
  readonly #requests: Counter;
  /** Attributes by result: one object for all requests that end alike. */
  readonly #results = new Map<string, Attributes>();

  constructor(service: string) {
    const meter = metrics.getMeter('@rollcall/client');
    this.#service = service;
    this.#requests = meter.createCounter('rollcall.client.requests', {
      description: 'Requests that ended, by service and result: ok, or the code of the error',
    });
    this.#events = meter.createCounter('rollcall.client.events', {
      description: 'Retries, hedges, ejections, breakers and refusals, by service and kind',
    });
  }

  /** The span of the caller, to be described when its request has ended. */
  span(): Span | undefined {
    return trace.getActiveSpan();
  }

  event({ kind }: ServiceEvent): void {
    this.#events.add(1, { 'rollcall.service': this.#service, 'rollcall.event': kind });
  }

  /**
   * A request has ended.
   * @param result `ok` for an answer, whatever its status; else the code of the error
   * @param endpoint the one that answered, or the last one asked
   */
  ended(span: Span | undefined, result: string, endpoint: Endpoint | undefined, tries: number, hedged: boolean): void {
    let attributes = this.#results.get(result);
    if (attributes === undefined) this.#results.set(result, (attributes = { 'rollcall.service': this.#service, 'rollcall.result': result }));
    this.#requests.add(1, attributes);
    span?.setAttributes({
      'rollcall.service': this.#service,
      'rollcall.result': result,
      'rollcall.tries': tries,
      'rollcall.hedged': hedged,
      ...(endpoint === undefined ? {} : { 'rollcall.instance': endpoint.authority }),
    });
  }
}
