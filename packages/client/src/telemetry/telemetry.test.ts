import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { context, metrics, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, suppressTracing, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { inOrder } from '../balancer/in-order.case.ts';
import { serviceDispatcher } from '../integration/dispatcher.ts';
import { deadAuthority, type WebServer, webServer } from '../http/web-server.case.ts';
import { ServiceClient } from '../service-client.ts';
import type { ServiceOptions } from '../service-options.ts';
import { StaticSource } from '../source/static-source.ts';
import { namedMax, NamedInstances } from './named-instances.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const spans = new InMemorySpanExporter();
let exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
let meters = new MeterProvider();

/** Sets up the SDK as a program does. */
function setUpSdk(): void {
  spans.reset();
  exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 1e9 })] });
  metrics.setGlobalMeterProvider(meters);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
}

beforeEach(setUpSdk);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await meters.shutdown();
  for (const api of [metrics, trace, context, propagation]) api.disable();
});

async function serve(...args: Parameters<typeof webServer>): Promise<WebServer> {
  const server = await webServer(...args);
  cleanups.push(() => server.kill());
  return server;
}

const answering = (status: number) => serve((_request, response) => response.writeHead(status).end());

function client(instances: readonly string[], options: ServiceOptions = {}) {
  const clock = manualClock();
  const web = new ServiceClient(new StaticSource({ web: instances }), 'web', { balancer: inOrder, ejection: { maxShare: 0, unreachable: false }, ...options }, { clock });
  cleanups.push(() => web.close());
  return { web, clock };
}

/** Runs a request in a span of its caller. */
async function called<T>(run: () => Promise<T>): Promise<{ result: T; caller: ReadableSpan }> {
  const span = trace.getTracer('test').startSpan('caller');
  try {
    return { result: await context.with(trace.setSpan(context.active(), span), run), caller: span as Span & ReadableSpan };
  } finally {
    span.end();
  }
}

const ofTries = () => spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);

/** The attributes of the spans of tries, without the attributes that all have. */
const described = () => ofTries().map(({ attributes: { 'url.full': _url, 'server.address': _address, ...attributes }, status }) => ({ ...attributes, status: status.code }));

const portOf = (authority: string) => Number(authority.split(':')[1]);

/** The points of a metric: attributes, and counts. */
async function points(name: string): Promise<{ attributes: object; count: number; sum: number }[]> {
  exported.reset();
  await meters.forceFlush();
  const all = exported.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const metric = all.find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => {
    const { count, sum } = typeof value === 'number' ? { count: value, sum: value } : (value as { count: number; sum?: number });
    return { attributes, count, sum: sum ?? NaN };
  });
}

const same = (authority: string) => ({ 'http.request.method': 'GET', 'server.port': portOf(authority), 'rollcall.service': 'web' });
const unset = SpanStatusCode.UNSET;
const failed = SpanStatusCode.ERROR;

describe('a request that succeeds', () => {
  it('has one client span below its caller’s, and carries that span’s context', async () => {
    const seen: IncomingMessage['headers'][] = [];
    const server = await serve((request, response) => response.end(String(seen.push(request.headers))));
    const { web } = client([server.authority]);
    const { caller } = await called(async () => (await web.fetch('/cart?item=7&sig=secret', { headers: { 'x-mine': '1' } })).text());
    const [span] = ofTries();
    expect(span).toMatchObject({ name: 'GET', kind: SpanKind.CLIENT, parentSpanContext: caller.spanContext(), links: [] });
    expect(span?.attributes).toEqual({
      ...same(server.authority),
      'server.address': '127.0.0.1',
      'url.full': `http://${server.authority}/cart?item=7&sig=REDACTED`,
      'http.response.status_code': 200,
      'rollcall.result': 'ok',
    });
    expect(seen).toMatchObject([{ 'x-mine': '1', traceparent: `00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-01` }]);
    expect(caller.attributes).toEqual({
      'rollcall.service': 'web',
      'rollcall.instance': server.authority,
      'rollcall.result': 'ok',
      'rollcall.tries': 1,
      'rollcall.hedged': false,
    });
  });

  it('is recorded as a duration in seconds by instance, and another by service', async () => {
    const clock = manualClock();
    const server = await serve((_request, response) => {
      clock.advance(250);
      response.end();
    });
    const web = new ServiceClient(new StaticSource({ web: [server.authority] }), 'web', {}, { clock });
    cleanups.push(() => web.close());
    await (await web.fetch('/')).text();
    const tried = { ...same(server.authority), 'server.address': '127.0.0.1', 'http.response.status_code': 200, 'rollcall.result': 'ok' };
    expect(await points('http.client.request.duration')).toEqual([{ attributes: tried, count: 1, sum: 0.25 }]);
    expect(await points('rollcall.client.request.duration')).toEqual([
      { attributes: { 'rollcall.service': 'web', 'rollcall.result': 'ok' }, count: 1, sum: 0.25 },
    ]);
  });

  it('is recorded through a dispatcher, too', async () => {
    const { request } = await import('undici');
    const server = await answering(204);
    const { web } = client([server.authority]);
    const dispatcher = serviceDispatcher(() => web);
    await (await request('http://web.rollcall/', { dispatcher })).body.dump();
    await dispatcher.close();
    expect(described()).toEqual([{ ...same(server.authority), 'http.response.status_code': 204, 'rollcall.result': 'ok', status: unset }]);
  });
});

describe('an answer that is an error', () => {
  it.each([
    [404, '4xx'],
    [429, '4xx'],
    [500, '5xx'],
  ])('%i is %s, and no success', async (status, result) => {
    const server = await answering(status);
    const { web } = client([server.authority]);
    const { caller } = await called(async () => (await web.fetch('/')).text());
    const outcome = { 'http.response.status_code': status, 'rollcall.result': result, 'error.type': String(status) };
    expect(described()).toEqual([{ ...same(server.authority), ...outcome, status: failed }]);
    // The status code gives the reason, so there is no message.
    expect(ofTries()[0]?.status.message).toBeUndefined();
    expect(caller.attributes['rollcall.result']).toBe(result);
    expect(await points('http.client.request.duration')).toMatchObject([{ attributes: outcome, count: 1 }]);
    expect(await points('rollcall.client.request.duration')).toMatchObject([{ attributes: { 'rollcall.result': result }, count: 1 }]);
  });

  it('followed by a successful retry has two spans', async () => {
    const [busy, good] = [await answering(503), await answering(200)];
    const { web } = client([busy.authority, good.authority]);
    const { caller } = await called(async () => (await web.fetch('/')).text());
    expect(described()).toEqual([
      { ...same(busy.authority), 'http.response.status_code': 503, 'rollcall.result': '5xx', 'error.type': '503', status: failed },
      { ...same(good.authority), 'http.response.status_code': 200, 'rollcall.result': 'ok', 'http.request.resend_count': 1, status: unset },
    ]);
    expect(caller.attributes).toMatchObject({ 'rollcall.result': 'ok', 'rollcall.tries': 2, 'rollcall.instance': good.authority });
    expect(await points('rollcall.client.events')).toEqual([
      { attributes: { 'rollcall.service': 'web', 'rollcall.event': 'retry' }, count: 1, sum: 1 },
    ]);
  });
});

describe('a try without an answer', () => {
  it('records the error code of a refused connection, and the number of the retry', async () => {
    const [dead, good] = [await deadAuthority(), await answering(200)];
    const { web } = client([dead, good.authority]);
    const { caller } = await called(async () => (await web.fetch('/')).text());
    expect(described()).toEqual([
      { ...same(dead), 'rollcall.result': 'unsent', 'error.type': 'ECONNREFUSED', status: failed },
      { ...same(good.authority), 'http.response.status_code': 200, 'rollcall.result': 'ok', 'http.request.resend_count': 1, status: unset },
    ]);
    const both = [caller.spanContext().spanId, caller.spanContext().spanId];
    expect(ofTries().map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(both);
    expect(ofTries()[0]?.status.message).toContain('ECONNREFUSED');
  });

  it('in time is late, and so is the request', async () => {
    const silent = await serve(() => {});
    const { web, clock } = client([silent.authority], { hedging: false });
    const asked = once(silent.server, 'request');
    const response = called(() => web.fetch('/', { timeoutMs: 300 }));
    await asked;
    clock.advance(300);
    await expect(response).rejects.toThrow();
    expect(described()).toEqual([{ ...same(silent.authority), 'rollcall.result': 'late', 'error.type': 'late', status: failed }]);
    expect(await points('http.client.request.duration')).toMatchObject([{ sum: 0.3 }]);
    expect(await points('rollcall.client.request.duration')).toEqual([
      { attributes: { 'rollcall.service': 'web', 'rollcall.result': 'deadline_exceeded' }, count: 1, sum: 0.3 },
    ]);
  });

  it('is cancelled when its caller aborts with any reason', async () => {
    const silent = await serve(() => {});
    const { web } = client([silent.authority]);
    const asked = once(silent.server, 'request');
    const abort = new AbortController();
    const response = web.fetch('/', { signal: abort.signal });
    await asked;
    abort.abort(Object.assign(new Error('changed my mind'), { name: 'Mood', code: 'EMOOD' }));
    await expect(response).rejects.toThrow('changed my mind');
    expect(described()).toEqual([{ ...same(silent.authority), 'rollcall.result': 'cancelled', 'error.type': 'cancelled', status: failed }]);
    expect(await points('rollcall.client.request.duration')).toMatchObject([{ attributes: { 'rollcall.result': 'cancelled' }, count: 1 }]);
  });

  it('creates no span when nothing was sent', async () => {
    const { web } = client([]);
    await expect(web.fetch('/')).rejects.toThrow();
    expect(ofTries()).toEqual([]);
    expect(await points('rollcall.client.request.duration')).toMatchObject([{ attributes: { 'rollcall.result': 'unavailable' }, count: 1 }]);
  });
});

it('an answer that is cut off ends its span as ok, and its request as broken', async () => {
  const half = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('half', () => response.destroy());
  });
  const { web } = client([half.authority]);
  const response = await web.fetch('/');
  await expect(response.text()).rejects.toThrow();
  expect(described()).toMatchObject([{ 'rollcall.result': 'ok', status: unset }]);
  expect(await points('rollcall.client.request.duration')).toMatchObject([{ attributes: { 'rollcall.result': 'broken' }, count: 1 }]);
});

it('a hedge links to the try that it hedges, which is superseded and not an error', async () => {
  const [slow, quick] = [await serve(() => {}), await answering(200)];
  const { web, clock } = client([slow.authority, quick.authority]);
  const asked = once(slow.server, 'request');
  const response = called(async () => (await web.fetch('/')).text());
  const [request] = (await asked) as [IncomingMessage];
  const givenUp = new Promise<void>((resolve) => request.once('close', resolve));
  clock.advance(1_000);
  const { caller } = await response;
  await givenUp;
  const [hedge, hedged] = ofTries();
  expect(described()).toEqual([
    {
      ...{ ...same(quick.authority), 'http.response.status_code': 200, 'rollcall.result': 'ok' },
      ...{ 'http.request.resend_count': 1, 'rollcall.hedge': true, status: unset },
    },
    { ...same(slow.authority), 'rollcall.result': 'superseded', status: unset },
  ]);
  expect(hedge?.links.map((link) => link.context)).toEqual([hedged?.spanContext()]);
  expect(hedged?.links).toEqual([]);
  expect(caller.attributes).toMatchObject({ 'rollcall.hedged': true, 'rollcall.tries': 2, 'rollcall.instance': quick.authority });
  const results = (await points('http.client.request.duration')).map(({ attributes, count }) => [attributes, count]);
  expect(results).toHaveLength(2);
  expect(results).toContainEqual([expect.objectContaining({ 'rollcall.result': 'superseded', 'server.port': portOf(slow.authority) }), 1]);
});

it('a non-standard method is _OTHER in metrics and in the name of its span', async () => {
  const server = await serve((_request, response) => response.end());
  const { web } = client([server.authority]);
  await (await web.fetch('/', { method: 'PURGE' })).text();
  expect(ofTries()[0]).toMatchObject({ name: 'HTTP', attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' } });
  expect(await points('http.client.request.duration')).toMatchObject([{ attributes: { 'http.request.method': '_OTHER' }, count: 1 }]);
});

describe('without an SDK', () => {
  const seenBy = async () => {
    const seen: IncomingMessage['headers'][] = [];
    const server = await serve((request, response) => response.end(String(seen.push(request.headers))));
    return { seen, ...client([server.authority]) };
  };

  it('no headers are added, and an SDK that is set up later records later requests', async () => {
    for (const api of [metrics, trace, context, propagation]) api.disable();
    const { web, seen } = await seenBy();
    await (await web.fetch('/')).text();
    expect(Object.keys(seen[0] ?? {})).not.toContain('traceparent');
    setUpSdk();
    await (await web.fetch('/')).text();
    expect(seen[1]).toHaveProperty('traceparent');
    expect(await points('rollcall.client.request.duration')).toMatchObject([{ count: 1 }]);
    expect(ofTries()).toHaveLength(1);
  });

  it('with a propagator, the active context is propagated', async () => {
    for (const api of [metrics, trace]) api.disable();
    const { web, seen } = await seenBy();
    const active = propagation.setBaggage(context.active(), propagation.createBaggage({ tenant: { value: 'seven' } }));
    await (await context.with(active, () => web.fetch('/'))).text();
    expect(seen[0]).toMatchObject({ baggage: 'tenant=seven' });
    expect(seen[0]).not.toHaveProperty('traceparent');
  });
});

it('other instrumentation creates no span for a try', async () => {
  const { channel } = await import('node:diagnostics_channel');
  const server = await answering(200);
  const { web } = client([server.authority]);
  const states: boolean[] = [];
  // The channel that instrumentation of undici listens to.
  const created = () => states.push(trace.getTracer('another').startSpan('second', {}, context.active()).isRecording());
  const requests = channel('undici:request:create');
  requests.subscribe(created);
  cleanups.push(async () => requests.unsubscribe(created));
  await (await web.fetch('/')).text();
  expect(states).toEqual([false]);
  // Uses the same key as the SDK's function.
  expect(trace.getTracer('another').startSpan('second', {}, suppressTracing(context.active())).isRecording()).toBe(false);
});

it('names only as many instances as an SDK keeps series for, and counts the others as one', () => {
  const named = new NamedInstances();
  for (let n = 0; n < namedMax; n++) expect(named.has(`10.0.${n >> 8}.${n & 255}:80`)).toBe(true);
  expect(named.has('10.9.9.9:80')).toBe(false);
  expect(named.has('10.0.0.7:80')).toBe(true);
});
