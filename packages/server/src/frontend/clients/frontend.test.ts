/** Who is connected and who uses which service, over HTTP from real servers: one, two on one store, and what rights leave out. */

import { expect, onTestFinished, test } from 'vitest';
import type { ListedClient, TopologyEdge } from '@rollcall/protocol';
import type { Engine } from '../../engine/engine.ts';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { grantor, management } from '../../security/grantor.case.ts';
import { createServer, type Server } from '../../server.ts';
import type { ServerOptions } from '../../server-options.ts';
import { SocketClient } from '../stream/socket-client.case.ts';

async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ nodeName: 's1', ...options });
  onTestFinished(() => server.close());
  return server;
}

async function ask({ url }: Server, path: string, token?: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/rollcall/v1/${path}`, { headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag') ?? '', json: (text === '' ? {} : JSON.parse(text)) as { clients: ListedClient[]; edges: TopologyEdge[]; count: number; missing: string[]; unknown: { node: string }[] } };
}

async function connect({ url }: Server, hello: object, token?: string): Promise<SocketClient> {
  const socket = await SocketClient.greeted(url, hello, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  onTestFinished(() => socket.webSocket.terminate());
  return socket;
}

const session = { id: '3f0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c11', token: '0c6a1f7e-5b7f-4a55-9b3b-2f1a8b1f0d9e' };

/** A client that is an instance of `shop`, watches `orders` and follows a configuration. */
async function shop(server: Server, token?: string): Promise<SocketClient> {
  const socket = await connect(server, { client: 'shop', version: 'lib/1.0', session }, token);
  await socket.ask({ type: 'register', instances: [{ id: 'shop-1', service: 'shop', port: 80 }] });
  await socket.ask({ type: 'watch', views: [{ kind: 'service', name: 'orders' }, { kind: 'config', name: 'shop/main' }] });
  return socket;
}

const report = (service: string, picks: number, failures: number) => ({ type: 'pick-report', intervalMs: 10_000, services: [{ service, picks, failures, meanMs: 5, p99Ms: 20 }] });

test('a client of the stream is listed with what it watches and has reported, until it leaves', async () => {
  const server = await start();
  await fetch(`${server.url}/rollcall/v1/config/publish?app=shop&name=main`, { method: 'POST', body: JSON.stringify({ content: 'a=1' }) });
  const socket = await shop(server);
  await socket.ask({ type: 'config-report', name: 'shop/main', release: 1, applied: true });
  await socket.ask(report('orders', 30, 10));
  const { clients, count, missing } = (await ask(server, 'clients')).json;
  expect([count, missing]).toEqual([1, []]);
  expect(clients).toEqual([
    {
      ...{ id: expect.any(String) as string, client: 'shop', namespace: 'default', version: 'lib/1.0', address: '127.0.0.1', node: 's1', via: 'stream', sinceMs: expect.any(Number) as number },
      ...{ instances: [{ namespace: 'default', service: 'shop', node: 's1', id: 'shop-1' }], instanceCount: 1 },
      ...{ watches: [{ kind: 'service', namespace: 'default', name: 'orders' }, { kind: 'config', namespace: 'default', name: 'shop/main' }], watchCount: 2 },
      releases: [{ namespace: 'default', name: 'shop/main', release: 1, applied: true }],
      picks: [{ namespace: 'default', service: 'orders', picksPerSecond: 3, failuresPerSecond: 1, meanMs: 5, p99Ms: 20 }],
      can: ['read', 'inspect'],
    },
  ]);
  expect((await ask(server, 'topology')).json.edges).toEqual([
    { from: 'shop', fromKind: 'service', fromNamespace: 'default', to: 'orders', toNamespace: 'default', watches: 1, picksPerSecond: 3, failuresPerSecond: 1, meanMs: 5, p99Ms: 20 },
  ]);
  socket.webSocket.terminate();
  await expect.poll(async () => (await ask(server, 'clients')).json.count).toBe(0);
});

test('a configuration that no client follows any more shows when one was last seen', async () => {
  const clock = manualClock();
  const server = await start({ clock, acl: { initialManagement: management } });
  const beganMs = clock.now();
  const last = async (name: string, token: string = management) => ((await ask(server, `clients?config=${name}`, token)).json as { lastFollower?: object }).lastFollower;
  expect(await last('shop/main')).toEqual({ sinceMs: beganMs, knownMs: beganMs });
  const socket = await shop(server, management);
  clock.advance(1_000);
  expect(await last('shop/main')).toBeUndefined();
  // A question about the present makes a look.
  clock.advance(1_000);
  expect((await ask(server, `clients?at=${clock.now()}`, management)).json.count).toBe(1);
  const seenMs = clock.now();
  socket.webSocket.terminate();
  await expect.poll(async () => {
    clock.advance(1_000);
    return (await ask(server, 'clients', management)).json.count;
  }).toBe(0);
  expect(await last('shop/main')).toEqual({ sinceMs: beganMs, knownMs: beganMs, lastMs: seenMs });
  expect(await last('shop/other')).toEqual({ sinceMs: beganMs, knownMs: beganMs });
  const grants = grantor(server.registry);
  onTestFinished(() => grants.close());
  expect(await last('shop/main', (await grants.token('service_prefix "" { policy = "read" }')).secret)).toBeUndefined();
});

test('a page that has seen the newest answer gets 304', async () => {
  const server = await start();
  await shop(server);
  for (const path of ['clients', 'topology']) {
    const { etag } = await ask(server, path);
    expect((await ask(server, path, undefined, { 'if-none-match': etag })).status).toBe(304);
    expect((await ask(server, path, undefined, { 'if-none-match': '"other"' })).status).toBe(200);
  }
});

test('clients of both servers of a store are listed by each, and their edges add up', async () => {
  const store = memory();
  onTestFinished(() => store.close());
  const engine: Engine = { ...store, exclusive: false, close: () => Promise.resolve() };
  const one = await start({ engine });
  const two = await start({ engine, nodeName: 's2' });
  for (const server of [one, two]) await server.registry.barrier();
  const left = await connect(one, { client: 'same' });
  const right = await connect(two, { client: 'same' });
  for (const socket of [left, right]) {
    await socket.ask({ type: 'watch', views: [{ kind: 'service', name: 'orders' }] });
    await socket.ask(report('orders', 10, 0));
  }
  for (const server of [one, two]) {
    const { clients, missing } = (await ask(server, 'clients?service=orders')).json;
    expect(missing).toEqual([]);
    expect(clients.map(({ node }) => node).toSorted()).toEqual(['s1', 's2']);
    expect(new Set(clients.map(({ id }) => id)).size).toBe(2);
    expect((await ask(server, 'topology')).json.edges).toMatchObject([{ fromKind: 'client', from: 'same', to: 'orders', watches: 2, picksPerSecond: 2 }]);
  }
});

test.each([
  ['clients?limit=0', 'limit is "0", it must be a whole number from 1 to 10000'],
  ['clients?limit=10001', 'limit is "10001", it must be a whole number from 1 to 10000'],
  ['clients?namespace=a%20b', 'namespace "a b" is not a DNS label of letters, digits and hyphens, 63 characters at most'],
  [`topology?namespace=${'x'.repeat(100)}`, `namespace "${'x'.repeat(80)}" is not a DNS label of letters, digits and hyphens, 63 characters at most`],
  [`clients?search=${'x'.repeat(512)}`, 'search has 512 characters, the limit is 511'],
])('%s is refused by name', async (path, message) => {
  const server = await start();
  expect(await ask(server, path)).toMatchObject({ status: 400, json: { code: 'invalid_argument', message } });
});

test('a caller sees of a client what it could read itself; address and token are for operators', async () => {
  const server = await start({ acl: { initialManagement: management } });
  const grants = grantor(server.registry);
  onTestFinished(() => grants.close());
  const token = async (rules: string) => (await grants.token(rules)).secret;
  const own = await token('service "shop" { policy = "write" } service "orders" { policy = "read" } config "shop/main" { policy = "read" }');
  const socket = await shop(server, own);
  await socket.ask(report('orders', 10, 0));
  await socket.ask(report('hidden', 10, 0));
  const seen = async (secret: string, path = 'clients') => (await ask(server, path, secret)).json.clients.map(({ address, principal, instances, watches, picks, watchCount }) => [address !== undefined, principal !== undefined, instances.length, watches.map(({ name }) => name), picks.length, watchCount]);

  const can = async (secret: string) => (await ask(server, 'clients', secret)).json.clients.map((each) => each.can);
  expect(await seen(management)).toEqual([[true, true, 1, ['orders', 'shop/main'], 1, 2]]);
  const operator = await token('operator = "read"');
  expect(await seen(operator)).toEqual([[true, true, 0, [], 0, 0]]);
  const ofOrders = await token('service "orders" { policy = "read" }');
  expect(await seen(ofOrders)).toEqual([[false, false, 0, ['orders'], 1, 1]]);
  const ofShop = await token('service "shop" { policy = "read" }');
  expect(await seen(ofShop)).toEqual([[false, false, 1, [], 0, 0]]);
  expect([await can(management), await can(operator), await can(ofShop)]).toEqual([[['read', 'inspect']], [['read', 'inspect']], [['read']]]);
  const other = await token('service "stock" { policy = "read" }');
  expect(await seen(other)).toEqual([]);
  // A question about what the caller may not read has no answer, also if another part of the client is visible.
  expect(await seen(ofShop, 'clients?service=orders')).toEqual([]);
  expect(await seen(ofOrders, 'clients?config=shop/main')).toEqual([]);
  expect(await seen(ofOrders, 'clients?search=127.0.0')).toEqual([]);
  expect(await seen(operator, 'clients?search=127.0.0')).toHaveLength(1);
  expect((await ask(server, 'clients', 'wrong')).status).toBe(401);

  const edges = async (secret: string) => (await ask(server, 'topology', secret)).json.edges.map(({ from, to }) => `${from} ${to}`);
  expect(await edges(management)).toEqual(['shop orders']);
  expect(await edges(ofOrders)).toEqual([]);
  expect(await edges(ofShop)).toEqual([]);
  expect(await edges(own)).toEqual(['shop orders']);
});

test('as of a past time it has the clients and edges of all nodes that know them, and says which nodes do not', async () => {
  const engine: Engine = { ...memory(), exclusive: false, close: () => Promise.resolve() };
  const clock = manualClock();
  const nodes = [await start({ engine, clock, nodeName: 's1' }), await start({ engine, clock, nodeName: 's2' })] as const;
  const beginMs = clock.now() - 1;
  let asked = 0;
  const sockets = [await shop(nodes[0]), await connect(nodes[1], { client: 'report' })] as const;
  await sockets[1].ask({ type: 'watch', views: [{ kind: 'service', name: 'orders' }] });
  await sockets[0].ask(report('orders', 30, 0));
  // In steps with requests between them, so that connections stay alive.
  const pass = async () => {
    for (let step = 0; step < 40; step++) {
      clock.advance(250);
      await Promise.all(nodes.map((node) => ask(node, 'clients')));
    }
  };
  await pass();
  const both = clock.now();
  sockets[0].webSocket.terminate();
  await expect.poll(async () => (await ask(nodes[0], `clients?search=shop&limit=${++asked}`)).json.count).toBe(0);
  await pass();
  const late = await start({ engine, clock, nodeName: 's3' });
  const clients = async (server: Server, at: number | string) => (await ask(server, `clients?at=${at}`)).json;
  const names = (list: { clients: ListedClient[] }) => list.clients.map(({ client, node }) => `${client} ${node}`).toSorted();
  const then = await clients(late, both);
  expect([names(then), then.unknown.map(({ node }) => node), then.missing]).toEqual([['report s2', 'shop s1'], ['s3'], []]);
  expect(names(await clients(nodes[0], clock.now()))).toEqual(['report s2']);
  expect((await ask(nodes[1], `topology?at=${both}`)).json.edges.map(({ from, to, watches, picksPerSecond }) => `${from} ${to} ${watches} ${picksPerSecond}`).toSorted()).toEqual(['report orders 1 0', 'shop orders 1 3']);
  const early = await ask(nodes[0], `clients?at=${beginMs}`);
  expect([early.status, JSON.stringify(early.json)]).toEqual([412, expect.stringContaining(`s1 since ${new Date(beginMs + 1).toISOString()}`) as string]);
});
