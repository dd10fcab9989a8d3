/**
 * The client of xDS for gRPC from npm, `@grpc/grpc-js-xds`, calls real backends that it finds in a real server, in a process of its own. It
 * never stops calling, so a call that should not fail and does is seen.
 */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '@rollcall/protocol';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../packages/server/src/engine/embedded/embedded.ts';
import { memory } from '../../packages/server/src/engine/memory/memory.ts';
import { TestAuthority } from '../../packages/server/src/net/certificates.case.ts';
import { xds } from '../../packages/server/src/frontend/xds/frontend.ts';
import { frontendTable } from '../../packages/server/src/frontends.ts';
import { createServer, startServer, type Server, type ServerOptions } from '../../packages/server/src/server.ts';
import { freePort } from '../free-ports.mjs';
import { deregister, register, startBackend, type Backend } from './backends.ts';
import { Caller, type CallerOptions } from './caller.ts';

let [a, b, c]: Backend[] = [];

beforeAll(async () => {
  [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => startBackend(name)));
  return () => [a, b, c].forEach((each) => each?.close());
});

async function serve(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ grpc: {}, frontends: ['stream', 'xds', 'peer'], ...options });
  onTestFinished(() => server.close());
  return server;
}

const portOf = ({ ports }: Server) => ports.grpc as number;

function call(options: Omit<CallerOptions, 'target'> & { readonly target?: string }): Caller {
  const caller = new Caller({ target: 'xds:///orders', ...options });
  onTestFinished(() => caller.close());
  return caller;
}

const add = ({ registry }: Server, backend: Backend | undefined, more: Parameters<typeof register>[3] = {}, namespace?: string) => register(registry, 'orders', backend as Backend, more, namespace);
const remove = ({ registry }: Server, { name }: Pick<Backend, 'name'>) => deregister(registry, name);

test('endpoints come, drain, weigh and go without a failed call', async () => {
  const server = await serve();
  await add(server, a);
  const caller = call({ ports: [portOf(server)] });
  await caller.answeredBy('a');
  await add(server, b);
  await caller.answeredBy('a', 'b');
  await add(server, a, { status: 'draining' });
  await caller.answeredBy('b');
  await add(server, a);
  await caller.answeredBy('a', 'b');
  await remove(server, { name: 'b' });
  await caller.answeredBy('a');
  await add(server, b);
  await add(server, c, { region: 'elsewhere' });
  await caller.answeredBy('a', 'b', 'c');
  expect(caller.outcomes.failures).toEqual([]);
});

test('the region of the client comes first, and the others are used when it has no instance left', async () => {
  const server = await serve();
  await add(server, a, { region: 'eu', zone: 'eu-1' });
  await add(server, b, { region: 'us', zone: 'us-1' });
  const caller = call({ ports: [portOf(server)], node: { id: 'x', locality: { region: 'eu', zone: 'eu-1' } } });
  await caller.answeredBy('a');
  await add(server, a, { region: 'eu', zone: 'eu-1', status: 'draining' });
  await caller.answeredBy('b');
  await add(server, a, { region: 'eu', zone: 'eu-1' });
  await caller.answeredBy('a');
  expect(caller.outcomes.failures).toEqual([]);
});

test('a service that is removed and added again is called again', async () => {
  const server = await serve();
  await add(server, a);
  const caller = call({ ports: [portOf(server)] });
  await caller.answeredBy('a');
  await remove(server, { name: 'a' });
  await caller.until('a failure', (lines) => lines.every((line) => line.startsWith('! UNAVAILABLE')), 3);
  await add(server, b);
  await caller.answeredBy('b');
});

test('a client that starts before its service waits for it, and finds a service of another namespace by name', async () => {
  const server = await serve();
  await server.registry.submit({ kind: 'namespace-put', name: 'team-a', description: '' });
  const [there, here] = [call({ ports: [portOf(server)], target: 'xds:///orders.team-a.ns' }), call({ ports: [portOf(server)] })];
  await add(server, a);
  await add(server, b, {}, 'team-a');
  await Promise.all([there.answeredBy('b'), here.answeredBy('a')]);
});

test('calls go on while the server is away, and follow it when it is back on the same store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-xds-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const first = await serve({ engine: embedded({ dir: folder }), grpc: { port } });
  await add(first, a);
  const caller = call({ ports: [port] });
  await caller.answeredBy('a');
  await first.close();
  caller.forget();
  await caller.answeredBy('a');
  const second = await serve({ engine: embedded({ dir: folder }), grpc: { port } });
  await add(second, b);
  await caller.answeredBy('a', 'b');
  expect(caller.outcomes.failures).toEqual([]);
});

test('a server that has lost its memory takes no service away from a client before it had time to register again', async () => {
  const port = await freePort();
  const first = await serve({ engine: memory(), grpc: { port } });
  await add(first, a);
  const caller = call({ ports: [port] });
  await caller.answeredBy('a');
  await first.close();
  const second = await serve({ engine: memory(), grpc: { port } });
  // The stream is there when another service is asked for in vain, and calls go on.
  await expect.poll(async () => (await second.metrics.registry.metrics()).match(/^rollcall_xds_streams (\d)/m)?.[1] ?? '0').not.toBe('0');
  caller.forget();
  await caller.answeredBy('a');
  await add(second, b);
  await caller.answeredBy('b');
  expect(caller.outcomes.failures).toEqual([]);
});

test('two nodes of one store: a client follows one, then the other', async () => {
  const store = memory();
  const engine = { ...store, exclusive: false, close: () => Promise.resolve() };
  const port = await freePort();
  const [one, other] = [await serve({ engine, nodeName: 'one', grpc: { port } }), await serve({ engine, nodeName: 'other' })];
  await add(other, a);
  const caller = call({ ports: [port] });
  await caller.answeredBy('a');
  await add(other, b);
  await caller.answeredBy('a', 'b');
  await one.close();
  await add(other, a, { status: 'draining' });
  // The other node answers at the address that the client knows, as behind a load balancer.
  const again = await serve({ engine, nodeName: 'again', grpc: { port } });
  await caller.answeredBy('b');
  await add(again, c);
  await caller.answeredBy('b', 'c');
  expect(caller.outcomes.failures).toEqual([]);
});

describe('a route', () => {
  const versions = async (server: Server) => {
    await add(server, a, { meta: { version: '1' } });
    await add(server, b, { meta: { version: '2' } });
  };
  const put = ({ registry }: Server, route: Route) => registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route });

  test('moves a share of the calls to the canary and back without a failed call, and those with its header', async () => {
    const server = await serve();
    await versions(server);
    const caller = call({ ports: [portOf(server)] });
    const asking = call({ ports: [portOf(server)], headers: ['x-canary=always'] });
    await Promise.all([caller.answeredBy('a', 'b'), asking.answeredBy('a', 'b')]);
    const canary = { select: { version: '2' }, header: 'x-canary' };
    await put(server, { canary: { ...canary, share: 0 } });
    await Promise.all([caller.answeredBy('a'), asking.answeredBy('b')]);
    await put(server, { canary: { ...canary, share: 0.5 } });
    await caller.answeredBy('a', 'b');
    caller.forget();
    await caller.until('many calls', () => Object.values(caller.outcomes.answers).reduce((sum, each) => sum + each, 0) >= 300, 1);
    const { answers, failures } = caller.outcomes;
    // Of 300 calls, 150 ± 6 standard deviations.
    expect((answers['b'] ?? 0) / 300).toBeGreaterThan(0.32);
    expect((answers['b'] ?? 0) / 300).toBeLessThan(0.7);
    expect(failures).toEqual([]);
    await put(server, { canary: { ...canary, share: 1 } });
    await caller.answeredBy('b');
    await add(server, b, { meta: { version: '2' }, status: 'draining' });
    await Promise.all([caller.answeredBy('a'), asking.answeredBy('a')]);
    await server.registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
    await add(server, b, { meta: { version: '2' } });
    await Promise.all([caller.answeredBy('a', 'b'), asking.answeredBy('a', 'b')]);
    expect([caller.outcomes.failures, asking.outcomes.failures]).toEqual([[], []]);
  });

  test('gives calls with one key to one instance, and ends those that take too long', async () => {
    const server = await serve();
    await versions(server);
    const caller = call({ ports: [portOf(server)], headers: ['x-user=ada'] });
    await caller.answeredBy('a', 'b');
    const limits: Route = { requestsMax: 100, endpointRequestsMax: 50, triesMax: 2, tryTimeoutMs: 10_000, retryBudget: { perSecond: 0 }, hedging: false };
    await put(server, { ...limits, balancer: 'ringHash', keyHeader: 'x-user', ejection: { outliers: { consecutiveFailures: 3 } } });
    await caller.until('one instance', (lines) => new Set(lines).size === 1, 50);
    expect(caller.outcomes.failures).toEqual([]);
    await put(server, { timeoutMs: 1, breaker: {} });
    await caller.until('a call that took too long', (lines) => lines.some((line) => line.startsWith('! DEADLINE_EXCEEDED')), 200);
    expect(await server.metrics.registry.metrics()).not.toMatch(/^rollcall_xds_refused_total\{/m);
  });
});

test('a subset of the route leaves each client with a few instances, another client with others, while it is set', async () => {
  const server = await serve();
  const backends = await Promise.all(Array.from({ length: 6 }, async (_, at) => startBackend(`s${at}`)));
  onTestFinished(() => backends.forEach((each) => each.close()));
  for (const each of backends) await add(server, each);
  const all = backends.map(({ name }) => name);
  const client = (ordinal: number) => call({ ports: [portOf(server)], node: { id: 'x', locality: {}, metadata: { ordinal: `${ordinal}` } } });
  const [one, other] = [client(0), client(1)];
  await Promise.all([one.answeredBy(...all), other.answeredBy(...all)]);
  await server.registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route: { subset: { size: 3 } } });
  const few = async (caller: Caller) => {
    let used: readonly string[] = [];
    await caller.until('answers of three instances', (lines) => (used = [...new Set(lines)]).length === 3, 60);
    return used;
  };
  const [ofOne, ofOther] = await Promise.all([few(one), few(other)]);
  // Two clients with numbers that follow each other have halves of the circle.
  expect([...ofOne, ...ofOther].sort()).toEqual(all);
  await server.registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
  await Promise.all([one.answeredBy(...all), other.answeredBy(...all)]);
  expect([one.outcomes.failures, other.outcomes.failures]).toEqual([[], []]);
});

test('clients report their load, which is the rate of an edge', async () => {
  const server = await serve({ frontends: ['stream', 'xds', 'peer', 'clients'] });
  await add(server, a, { region: 'eu', zone: 'eu-1' });
  const caller = call({ ports: [portOf(server)] });
  await caller.answeredBy('a');
  const reported = async () => Number(/^rollcall_xds_client_requests_succeeded_total (\d+)/m.exec(await server.metrics.registry.metrics())?.[1] ?? 0);
  // The server asks for a report every 10 s.
  await expect.poll(reported, { interval: 500 }).toBeGreaterThan(100);
  const ask = async (path: string) => (await fetch(`${server.url}/rollcall/v1/${path}`)).json();
  expect(await ask('clients?service=orders')).toMatchObject({ clients: [{ via: 'xds', version: expect.stringContaining('gRPC') as string, picks: [{ service: 'orders' }] }] });
  const { edges } = (await ask('topology')) as { edges: { to: string; watches: number; picksPerSecond: number; failuresPerSecond: number }[] };
  expect(edges).toMatchObject([{ to: 'orders', watches: 1, failuresPerSecond: 0 }]);
  expect(edges[0]?.picksPerSecond).toBeGreaterThan(5);
});

describe('with access control', () => {
  const acl = { initialManagement: 'management-secret' };
  const node = (token: string) => ({ id: 'x', locality: {}, metadata: { token } });

  test('a client with a token in its bootstrap sees its services, one with a wrong token none', async () => {
    const server = await serve({ acl });
    await add(server, a);
    const right = call({ ports: [portOf(server)], node: node('management-secret') });
    await right.answeredBy('a');
    const wrong = call({ ports: [portOf(server)], node: node('wrong') });
    // This client waits for an answer as long as its calls do.
    await wrong.until('a failure', (lines) => lines.every((line) => line.startsWith('! DEADLINE_EXCEEDED')), 1);
    await right.answeredBy('a');
  });
});

test('over TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-xds-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const authority = new TestAuthority();
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), authority: join(folder, 'ca.pem'), account: join(folder, 'account.json') };
  const { cert, key } = authority.issue();
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  writeFileSync(files.authority, authority.cert);
  // The only credentials with TLS that this client has are those of Google: it signs a token with the key of an account, which this server ignores.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  writeFileSync(files.account, JSON.stringify({ type: 'service_account', client_email: 'x@test', private_key: privateKey, private_key_id: '1', project_id: 'test' }));
  const server = await serve({ grpc: { tls: { certFile: files.certFile, keyFile: files.keyFile } } });
  await add(server, a);
  const env = { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: files.authority, GOOGLE_APPLICATION_CREDENTIALS: files.account };
  const caller = call({ ports: [portOf(server)], host: 'localhost', credentials: 'google_default', env });
  await caller.answeredBy('a');
});

test('traffic leaves a zone whose instance has become slow, as the load reports of the client show, and comes back', async () => {
  const table = { ...frontendTable, xds: { make: (context: Parameters<typeof xds>[0], { zoneLoads }: { readonly zoneLoads: Parameters<typeof xds>[1] }) => xds(context, zoneLoads, { reportMs: 300 }) } };
  const server = await startServer({ grpc: {}, frontends: ['stream', 'xds'] }, table);
  onTestFinished(() => server.close());
  const slow = await startBackend('slow');
  onTestFinished(() => slow.close());
  await add(server, slow, { region: 'eu', zone: 'eu-1' });
  await add(server, b, { region: 'eu', zone: 'eu-2' });
  const caller = call({ ports: [portOf(server)], env: { CALLS_AT_ONCE: '40' }, node: { id: 'x', locality: { region: 'eu', zone: 'eu-1' } } });
  const shareOfSlow = (lines: readonly string[]) => lines.filter((line) => line === 'slow').length / lines.length;
  await caller.until('half of the calls in each zone', (lines) => Math.abs(shareOfSlow(lines) - 0.5) < 0.1, 400);
  // Much longer than any call takes on a busy machine.
  slow.takesMs = 1_000;
  await caller.until('fewer calls in the slow zone', (lines) => shareOfSlow(lines) > 0 && shareOfSlow(lines) < 0.25, 200);
  slow.takesMs = 0;
  await caller.until('half of the calls in each zone again', (lines) => Math.abs(shareOfSlow(lines) - 0.5) < 0.1, 400);
  expect(caller.failures).toEqual([]);
});
