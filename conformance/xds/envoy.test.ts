/**
 * Envoy itself, with both variants of xDS, sends requests to real backends that it finds in a real server. Requests never stop, so one that
 * should not fail and does is seen. Run by `npm run conformance:envoy`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '@rollcall/protocol';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../packages/server/src/engine/embedded/embedded.ts';
import { memory } from '../../packages/server/src/engine/memory/memory.ts';
import { xds } from '../../packages/server/src/frontend/xds/frontend.ts';
import { frontendTable } from '../../packages/server/src/frontends.ts';
import { startServer, type Server, type ServerOptions } from '../../packages/server/src/server.ts';
import { deregister, register } from './backends.ts';
import { Envoy, startHttpBackend, type EnvoyOptions, type HttpBackend, type Variant } from './envoy.ts';

const program = process.env['ROLLCALL_ENVOY'] ?? '';

let [a, b, c]: HttpBackend[] = [];
let servers: Server[] = [];

beforeAll(async () => {
  [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => startHttpBackend(name)));
  return () => [a, b, c].forEach((each) => each?.close());
});

afterEach(() => {
  servers = [];
  for (const each of [a, b, c]) change(each, { takesMs: 0, status: 200 });
});

const change = (backend: HttpBackend | undefined, to: Partial<HttpBackend>) => Object.assign(backend ?? {}, to);

/** Clients report every 300 ms in place of every 10 s. */
const table = { ...frontendTable, xds: { make: (context: Parameters<typeof xds>[0], { zoneLoads }: { readonly zoneLoads: Parameters<typeof xds>[1] }) => xds(context, zoneLoads, { reportMs: 300 }) } };

async function serve(options: ServerOptions = {}): Promise<Server> {
  const server = await startServer({ grpc: {}, frontends: ['stream', 'xds', 'peer'], ...options }, table);
  onTestFinished(() => server.close());
  servers.push(server);
  return server;
}

async function start(variant: Variant, of: readonly Server[], more: Partial<EnvoyOptions> = {}): Promise<Envoy> {
  const envoy = await Envoy.start({ program, variant, ports: of.map(({ ports }) => ports.grpc as number), ...more });
  onTestFinished(() => envoy.close());
  return envoy;
}

const add = ({ registry }: Server, backend: HttpBackend | undefined, more: Parameters<typeof register>[3] = {}, service = 'orders') => register(registry, service, backend as HttpBackend, more);

const put = ({ registry }: Server, route: Route) => registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route });

/** Ports of the endpoints that Envoy has of the service, and what it says of their health. */
async function endpointsOf(envoy: Envoy | undefined): Promise<ReadonlyMap<number, string>> {
  const lines = ((await envoy?.admin('/clusters')) ?? '').split('\n');
  return new Map(lines.flatMap((line) => {
    const [, port, flags] = /^orders::127\.0\.0\.1:(\d+)::health_flags::(.*)$/.exec(line) ?? [];
    return port === undefined ? [] : [[Number(port), flags ?? ''] as const];
  }));
}

/** No response was refused, and Envoy has complained of none. */
async function assertNothingRefused(envoy: Envoy | undefined): Promise<void> {
  for (const server of servers) expect(await server.metrics.registry.metrics()).not.toMatch(/^rollcall_xds_refused_total\{/m);
  expect(await envoy?.admin('/stats?filter=update_rejected')).not.toMatch(/update_rejected: [1-9]/);
}

describe.each<Variant>(['GRPC', 'DELTA_GRPC'])('%s', (variant) => {
  test('endpoints come, drain, weigh and go without a failed request', async () => {
    const server = await serve();
    await add(server, a);
    const envoy = await start(variant, [server]);
    await envoy.answeredBy('a');
    envoy.forget();
    await add(server, b);
    await envoy.answeredBy('a', 'b');
    await add(server, a, { status: 'draining' });
    await envoy.answeredBy('b');
    await add(server, a);
    await envoy.answeredBy('a', 'b');
    await deregister(server.registry, 'b');
    await envoy.answeredBy('a');
    await add(server, b, { weight: 9 });
    await envoy.answeredBy('a', 'b');
    envoy.forget();
    await envoy.until('500 answers', () => Object.values(envoy.answers).reduce((sum, each) => sum + each, 0) >= 500, 1);
    expect((envoy.answers['b'] ?? 0) / 500).toBeGreaterThan(0.8);
    expect(envoy.failures, envoy.log).toEqual([]);
    await assertNothingRefused(envoy);
  });

  test('a cluster that is removed and added again gets requests again', async () => {
    const server = await serve();
    await add(server, a);
    await add(server, c, {}, 'other');
    const envoy = await start(variant, [server]);
    await envoy.answeredBy('a');
    for (const again of [a, b, a]) {
      await deregister(server.registry, 'a');
      await deregister(server.registry, 'b');
      await envoy.until('a failure', (lines) => lines.every((line) => line.startsWith('! 503')), 5);
      await expect.poll(() => envoy.admin('/clusters')).not.toContain('orders::');
      await add(server, again);
      await envoy.answeredBy(again?.name ?? '');
    }
    await assertNothingRefused(envoy);
  });

  test('requests go on while the server restarts, and follow it when it is back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-xds-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const first = await serve({ engine: embedded({ dir: folder }) });
    const { grpc: port = 0 } = first.ports;
    await add(first, a);
    const envoy = await start(variant, [first]);
    await envoy.answeredBy('a');
    envoy.forget();
    await first.close();
    await envoy.answeredBy('a');
    servers = [];
    const second = await serve({ engine: embedded({ dir: folder }), grpc: { port } });
    await add(second, b);
    await envoy.answeredBy('a', 'b');
    await add(second, a, { status: 'draining' });
    await envoy.answeredBy('b');
    expect(envoy.failures, envoy.log).toEqual([]);
    await assertNothingRefused(envoy);
  });

  test('two nodes of one store: when one goes, Envoy follows the other', async () => {
    const store = memory();
    const engine = { ...store, exclusive: false, close: () => Promise.resolve() };
    const [one, other] = [await serve({ engine, nodeName: 'one' }), await serve({ engine, nodeName: 'other' })];
    await add(other, a);
    const envoy = await start(variant, [one, other]);
    await envoy.answeredBy('a');
    envoy.forget();
    await add(other, b);
    await envoy.answeredBy('a', 'b');
    // The one that Envoy has its stream with.
    const pages = await Promise.all([one, other].map(({ metrics }) => metrics.registry.metrics()));
    const [gone, left] = pages[0]?.includes('rollcall_xds_streams 1') ? [one, other] : [other, one];
    await gone.close();
    servers = [left];
    await add(left, a, { status: 'draining' });
    await envoy.answeredBy('b');
    await add(left, c);
    await envoy.answeredBy('b', 'c');
    expect(envoy.failures, envoy.log).toEqual([]);
    await assertNothingRefused(envoy);
  });

  test('the region of the proxy comes first, and the others are used when it has no instance left', async () => {
    const server = await serve();
    await add(server, a, { region: 'eu', zone: 'eu-1' });
    await add(server, b, { region: 'us', zone: 'us-1' });
    const envoy = await start(variant, [server], { locality: { region: 'eu', zone: 'eu-1' } });
    await envoy.answeredBy('a');
    await add(server, a, { region: 'eu', zone: 'eu-1', status: 'draining' });
    await envoy.answeredBy('b');
    await assertNothingRefused(envoy);
  });

  test('a route moves a share of the requests to the canary and back without a failed request', async () => {
    const server = await serve();
    await add(server, a, { meta: { version: '1' } });
    await add(server, b, { meta: { version: '2' } });
    const envoy = await start(variant, [server]);
    await envoy.answeredBy('a', 'b');
    envoy.forget();
    const canary = { select: { version: '2' } };
    for (let round = 0; round < 3; round++) {
      await put(server, { canary: { ...canary, share: 0 } });
      await envoy.answeredBy('a');
      await put(server, { canary: { ...canary, share: 1 } });
      await envoy.answeredBy('b');
      await put(server, { canary: { ...canary, share: 0.5 }, triesMax: 2, timeoutMs: 2_000, requestsMax: 100, retryBudget: { share: 0.2 }, ejection: {}, slowStart: { windowMs: 1_000 }, panicThreshold: 0.5 });
      await envoy.answeredBy('a', 'b');
      await put(server, { balancer: 'ringHash', keyHeader: 'x-user' });
      await envoy.until('many answers', () => Object.values(envoy.answers).reduce((sum, each) => sum + each, 0) >= 100, 1);
      await server.registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
      await expect.poll(() => envoy.admin('/clusters')).not.toContain('orders~canary::');
      await envoy.answeredBy('a', 'b');
    }
    expect(envoy.failures, envoy.log).toEqual([]);
    await assertNothingRefused(envoy);
  });

  test('a subset of the route leaves it with a few endpoints, and another proxy with others', async () => {
    const server = await serve();
    const backends = await Promise.all(Array.from({ length: 6 }, async (_, at) => startHttpBackend(`s${at}`)));
    onTestFinished(() => backends.forEach((each) => each.close()));
    for (const each of backends) await add(server, each);
    // Hashes of these ids are numbers with different parts of the circle.
    const [one, other] = await Promise.all(['edge-1', 'edge-2'].map(async (id) => start(variant, [server], { id })));
    const sizes = async () => Promise.all([one, other].map(async (envoy) => (await endpointsOf(envoy)).size));
    await expect.poll(sizes, { timeout: 10_000 }).toEqual([6, 6]);
    await put(server, { subset: { size: 2 } });
    await expect.poll(sizes, { timeout: 10_000 }).toEqual([2, 2]);
    const [ofOne, ofOther] = await Promise.all([one, other].map(async (envoy) => [...(await endpointsOf(envoy)).keys()].sort((x, y) => x - y)));
    expect(ofOne).not.toEqual(ofOther);
    const names = backends.filter(({ port }) => ofOne?.includes(port)).map(({ name }) => name);
    await one?.answeredBy(...names);
    // One that gets no traffic stays, and another one is beside it.
    await add(server, backends.find(({ name }) => name === names[0]), { status: 'draining' });
    await expect.poll(async () => [...(await endpointsOf(one)).values()].sort(), { timeout: 10_000 }).toEqual(['/eds_status_draining', 'healthy', 'healthy']);
    await server.registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
    await expect.poll(sizes, { timeout: 10_000 }).toEqual([6, 6]);
    for (const envoy of [one, other]) {
      expect(envoy?.failures, envoy?.log).toEqual([]);
      await assertNothingRefused(envoy);
    }
  });

  test('traffic leaves a loaded zone, as its own load reports show, and comes back, whichever of two nodes has the reports', async () => {
    const engine = { ...memory(), exclusive: false, close: () => Promise.resolve() };
    const [one, other] = [await serve({ engine, nodeName: 'one' }), await serve({ engine, nodeName: 'other' })];
    await add(one, a, { region: 'eu', zone: 'eu-1' });
    await add(other, b, { region: 'eu', zone: 'eu-2' });
    const envoy = await start(variant, [one, other], { locality: { region: 'eu', zone: 'eu-1' }, callers: 40 });
    const shareOfA = (lines: readonly string[]) => lines.filter((line) => line === 'a').length / lines.length;
    await envoy.until('half of the requests in each zone', (lines) => Math.abs(shareOfA(lines) - 0.5) < 0.1, 400);
    // Much longer than any request takes on a busy machine.
    change(a, { takesMs: 1_000 });
    await envoy.until('fewer requests in the slow zone', (lines) => shareOfA(lines) > 0 && shareOfA(lines) < 0.25, 200);
    change(a, { takesMs: 0 });
    await envoy.until('half of the requests in each zone again', (lines) => Math.abs(shareOfA(lines) - 0.5) < 0.1, 400);
    expect(envoy.failures, envoy.log).toEqual([]);
    await assertNothingRefused(envoy);
  });

  test('a request that may be sent twice is tried again elsewhere when a try takes too long, another one is not', async () => {
    const server = await serve();
    await add(server, a);
    await add(server, b);
    const envoy = await start(variant, [server]);
    await put(server, { triesMax: 2, tryTimeoutMs: 150, hedging: { maxShare: 0.1 } });
    await envoy.answeredBy('a', 'b');
    change(a, { takesMs: 60_000 });
    envoy.forget();
    await envoy.until('answers of b alone', (lines) => lines.every((line) => line === 'b'), 40);
    a?.requests.clear();
    const posts: string[] = [];
    for (let count = 0; count < 6; count++) posts.push(await envoy.request('POST'));
    expect([posts.filter((line) => line === 'b').length, posts.filter((line) => line.startsWith('! 504')).length], posts.join()).toEqual([6 - (a?.requests.get('POST') ?? 0), a?.requests.get('POST') ?? 0]);
    expect(a?.requests.get('POST')).toBeGreaterThan(0);
    await assertNothingRefused(envoy);
  });

  test('an instance has no more requests at once than the route allows, and one whose answers fail is left out', async () => {
    const server = await serve();
    await add(server, a);
    await put(server, { endpointRequestsMax: 2, breaker: { failureShare: 0.5, requestsMin: 5, windowMs: 500, openMs: 2_000 }, retryBudget: { perSecond: 0 }, triesMax: 2 });
    const envoy = await start(variant, [server], { callers: 10 });
    await envoy.answeredBy('a');
    change(a, { atOnce: 0, takesMs: 50 });
    envoy.forget();
    await envoy.until('100 requests', () => true, 100);
    expect(a?.atOnce).toBe(2);
    expect(envoy.failures, envoy.log).toEqual([]);
    change(a, { status: 500 });
    // It is the only instance: a breaker may leave out all.
    await envoy.until('no instance left', (lines) => lines.every((line) => line.startsWith('! 503 no healthy upstream')), 20);
    change(a, { status: 200 });
    await envoy.answeredBy('a');
    await assertNothingRefused(envoy);
  });

  test('with access control it sees what its token may read', async () => {
    const server = await serve({ acl: { initialManagement: 'management-secret' } });
    await add(server, a);
    const envoy = await start(variant, [server], { token: 'management-secret' });
    await envoy.answeredBy('a');
    await assertNothingRefused(envoy);
  });
});
