/** A running client under a route that changes: real registries, real instances, requests all the time. */

import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '@rollcall/protocol';
import { createServer, memory, type Server } from '@rollcall/server';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeRow, keyOf } from '../../server/src/registry/kinds.ts';
import { grantor, management } from '../../server/src/security/grantor.case.ts';
import { type WebServer, webServer } from './http/web-server.case.ts';
import { connect, roundRobin, type Rollcall, type ServiceClient, type ServiceEvent, type ServiceOptions } from './index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: Parameters<typeof createServer>[0] = {}): Promise<Server> {
  const server = await createServer({ http: { port: 0 }, ...options });
  closing.push(() => server.close());
  return server;
}

async function client(servers: readonly string[], options: { cacheDir?: string } = {}): Promise<Rollcall> {
  const rollcall = await connect({ servers, onEvent: () => {}, ...options });
  closing.push(() => rollcall.close());
  return rollcall;
}

const set = (server: Server, route: Route, service = 'orders') => server.registry.submit({ kind: 'route-set', namespace: 'default', service, route });

/** A web server as an instance of `orders`. */
async function instance(rollcall: Rollcall, version: string, answer: (request: IncomingMessage, response: ServerResponse) => unknown = (_request, response) => response.end(version)): Promise<WebServer> {
  const web = await webServer(answer);
  closing.push(() => web.kill());
  await rollcall.register({ id: `${version}-${web.authority}`, service: 'orders', address: '127.0.0.1', port: Number(web.authority.split(':')[1]), meta: { version } });
  return web;
}

interface Followed {
  readonly orders: ServiceClient;
  readonly events: ServiceEvent[];
  /** Resolves with the next event of this kind that has not been taken. */
  readonly event: (kind: ServiceEvent['kind']) => Promise<ServiceEvent>;
}

function follow(rollcall: Rollcall, options: ServiceOptions = {}): Followed {
  const events: ServiceEvent[] = [];
  const waiting = new Set<() => void>();
  const onEvent = (event: ServiceEvent) => {
    events.push(event);
    for (const wake of waiting) wake();
  };
  const orders = rollcall.service('orders', { ...options, onEvent });
  const event = (kind: ServiceEvent['kind']) =>
    new Promise<ServiceEvent>((resolve) => {
      const look = () => {
        const at = events.findIndex((each) => each.kind === kind);
        if (at < 0) return;
        waiting.delete(look);
        resolve(events.splice(at, 1)[0] as ServiceEvent);
      };
      waiting.add(look);
      look();
    });
  return { orders, events, event };
}

const text = async (orders: ServiceClient, init?: Parameters<ServiceClient['fetch']>[1]) => (await orders.fetch('/', init)).text();

/** Share of the answers of `count` requests that are of a version. */
async function shareOf(orders: ServiceClient, version: string, count = 460): Promise<number> {
  let found = 0;
  for (let sent = 0; sent < count; sent += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => text(orders)));
    found += answers.filter((answer) => answer === version).length;
  }
  return found / count;
}

/** Six standard deviations of a share of `count` requests: four are exceeded once in some thousand runs. */
const tolerance = (share: number, count = 460) => 6 * Math.sqrt((share * (1 - share)) / count);

describe('a canary', () => {
  it('goes from 0 to 10, 50 and 100 % while requests flow, and none of them fails', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    for (const version of ['1', '1', '2']) await instance(rollcall, version);
    await set(server, { canary: { select: { version: '2' }, share: 0, header: 'x-canary' } });
    // Takes turns, so that without the route the share of a version is that of its instances: the default goes by load. A hedge goes to another instance.
    const { orders, event } = follow(rollcall, { balancer: roundRobin(), hedging: false });
    const over = new AbortController();
    let flowed = 0;
    const flow = (async () => {
      while (!over.signal.aborted) {
        await text(orders);
        flowed++;
      }
    })();
    // The route came before the first list: not one request went by the program's options.
    expect(await shareOf(orders, '2', 200)).toBe(0);
    expect(await text(orders, { headers: { 'x-canary': 'always' } })).toBe('2');
    await event('route');
    for (const share of [0.1, 0.5, 1]) {
      await set(server, { canary: { select: { version: '2' }, share, header: 'x-canary' } });
      await event('route');
      expect(Math.abs((await shareOf(orders, '2')) - share)).toBeLessThanOrEqual(tolerance(share));
    }
    expect(await text(orders, { headers: { 'x-canary': 'never' } })).toBe('1');
    await server.registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
    expect(await event('route')).toMatchObject({ words: [] });
    expect(Math.abs((await shareOf(orders, '2')) - 1 / 3)).toBeLessThanOrEqual(tolerance(1 / 3));
    over.abort();
    await flow;
    expect(flowed).toBeGreaterThan(50);
  });

  it('keeps connections and requests in flight when it begins, moves and ends', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const webs = await Promise.all(['1', '2'].map((version) => instance(rollcall, version, (request, response) => (request.url === '/slow' ? held.then(() => response.end(version)) : response.end(version)))));
    const { orders, event } = follow(rollcall, { hedging: false });
    const slow = Promise.all([1, 2, 3, 4].map(async () => (await orders.fetch('/slow')).text()));
    while (webs.reduce((sum, { requests }) => sum + requests, 0) < 4) await text(orders);
    const sockets = () => webs.reduce((sum, web) => sum + web.sockets.size, 0);
    const before = sockets();
    for (const share of [0.5, 1]) {
      await set(server, { canary: { select: { version: '2' }, share } });
      await event('route');
      await text(orders);
      const inFlight = orders.explain().instances.reduce((sum, each) => sum + each.inFlight, 0);
      expect(inFlight).toBe(4);
    }
    expect(sockets()).toBeLessThanOrEqual(before + 2);
    release();
    expect(await slow).toHaveLength(4);
  });

  it('stays on the side of its key, which a header names', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    for (const version of ['1', '2']) await instance(rollcall, version);
    await set(server, { canary: { select: { version: '2' }, share: 0.5 }, keyHeader: 'X-User' });
    const { orders } = follow(rollcall);
    const sides = new Set<string>();
    for (let user = 0; user < 40; user++) {
      const answers = new Set<string>();
      for (let n = 0; n < 3; n++) answers.add(await text(orders, { headers: { 'x-user': `u${user}` } }));
      expect(answers.size).toBe(1);
      sides.add([...answers][0] as string);
    }
    expect(sides.size).toBe(2);
  });
});

describe('limits of requests', () => {
  /** Never answers. */
  const slow = () => {};

  it('a time-out reaches requests that begin after it, and those of a program win for single requests', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    let arrived = () => {};
    const underWay = new Promise<void>((resolve) => (arrived = resolve));
    await instance(rollcall, '1', arrived);
    const { orders, event } = follow(rollcall, { hedging: false });
    const under = orders.fetch('/');
    under.catch(() => {});
    await underWay;
    await set(server, { timeoutMs: 60 });
    await event('route');
    await expect(orders.fetch('/')).rejects.toMatchObject({ cause: { code: 'deadline_exceeded' } });
    const own = orders.fetch('/', { timeoutMs: 20_000 });
    own.catch(() => {});
    await set(server, {});
    await event('route');
    // Neither the request from before nor the one with its own time has ended.
    expect(await Promise.race([under, own, Promise.resolve('both wait')].map((each) => Promise.resolve(each).catch(() => 'failed')))).toBe('both wait');
  });

  it('reach the first request of a process, which waits for the first list', async () => {
    const server = await start();
    const owner = await client([server.url]);
    await instance(owner, '1', (_request, response) => response.writeHead(503).end());
    await instance(owner, '2', slow);
    await set(server, { select: { version: '1' }, triesMax: 1 });
    const first = follow(await client([server.url]), { hedging: false });
    expect((await first.orders.fetch('/')).status).toBe(503);
    expect(first.events.map(({ kind }) => kind)).toEqual(['route']);
    await set(server, { select: { version: '2' }, timeoutMs: 60 });
    const second = follow(await client([server.url]), { hedging: false });
    await expect(second.orders.fetch('/')).rejects.toMatchObject({ cause: { code: 'deadline_exceeded' } });
  });

  it('a retry budget and the number of tries follow', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    for (const version of ['1', '2']) await instance(rollcall, version, (_request, response) => response.writeHead(503).end());
    const { orders, event, events } = follow(rollcall, { hedging: false, ejection: { outliers: false } });
    await orders.fetch('/');
    expect(events.filter(({ kind }) => kind === 'retry')).not.toHaveLength(0);
    await set(server, { retryBudget: { share: 0, perSecond: 0 } });
    await event('route');
    events.length = 0;
    await orders.fetch('/');
    expect(events.map(({ kind }) => kind)).toEqual(['retry-refused']);
    expect(orders.explain()).toMatchObject({ retriesLeft: 0, route: { words: ['retryBudget'] } });
    await set(server, { triesMax: 1 });
    await event('route');
    events.length = 0;
    await orders.fetch('/');
    expect(events).toEqual([]);
  });

  it('outlier limits follow: an instance that fails is left out only when the route says so', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    await instance(rollcall, 'bad', (_request, response) => response.writeHead(500).end('bad'));
    await instance(rollcall, 'good');
    // The balancer by default avoids an instance that fails, and may choose it too rarely for an ejection.
    const { orders, event } = follow(rollcall, { balancer: roundRobin(), ejection: { outliers: false } });
    expect(await shareOf(orders, 'bad', 100)).toBeGreaterThan(0);
    await set(server, { ejection: { baseMs: 60_000, maxMs: 60_000, outliers: { consecutiveFailures: 2, maxShare: 0.5 } } });
    await event('route');
    await shareOf(orders, 'bad', 100);
    expect(await event('ejected')).toMatchObject({ reason: 'outlier', lengthMs: 60_000 });
    expect(await shareOf(orders, 'good', 100)).toBe(1);
  });

  it('requests per instance, weights and subsets follow', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    for (const version of ['1', '2', '3']) await instance(rollcall, version);
    const { orders, event } = follow(rollcall);
    await set(server, { weights: [{ select: { version: '1' }, weight: 0 }, { select: { version: '2' }, weight: 3 }], balancer: 'weightedRandom' });
    await event('route');
    expect(await shareOf(orders, '1', 200)).toBe(0);
    expect(Math.abs((await shareOf(orders, '2')) - 0.75)).toBeLessThanOrEqual(tolerance(0.75));
    await set(server, { subset: { size: 1 } });
    await event('route');
    expect(orders.explain().instances.filter(({ standing }) => standing === 'eligible')).toHaveLength(1);
    await set(server, { endpointRequestsMax: 1, select: { version: '3' } });
    await event('route');
    const first = orders.pick();
    expect(() => orders.pick()).toThrow('which is their limit');
    first.done();
    expect(orders.pick().instance.meta['version']).toBe('3');
  });
});

describe('a route', () => {
  it('that is unknown to this client leaves the last one, and an event tells', async () => {
    const engine = memory();
    const server = await start({ engine: { ...engine, exclusive: false } });
    const rollcall = await client([server.url]);
    for (const version of ['1', '2']) await instance(rollcall, version);
    const { orders, event } = follow(rollcall);
    await set(server, { select: { version: '2' } });
    await event('route');
    // As a newer node of the store writes it.
    const newer = { select: { version: '1' }, teleport: 1 } as Route;
    const row = { kind: 'route', namespace: 'default', service: 'orders', route: newer, created: 0, modified: 0 } as const;
    await engine.commit({ expect: [], put: [{ key: keyOf(row), value: encodeRow(row) }], delete: [] });
    expect(await event('route-refused')).toMatchObject({ reason: expect.stringContaining('the route has the unknown field "teleport"') as string });
    expect(await shareOf(orders, '2', 40)).toBe(1);
    expect(orders.explain().route).toMatchObject({ words: ['select'], refused: { reason: expect.stringContaining('teleport') as string } });
    await set(server, { select: { version: '1' } });
    await event('route');
    expect(await shareOf(orders, '1', 40)).toBe(1);
  });

  it('is not followed by a program that says so', async () => {
    const server = await start();
    const rollcall = await client([server.url]);
    for (const version of ['1', '2']) await instance(rollcall, version);
    await set(server, { select: { version: '2' } });
    const { orders } = follow(rollcall, { followRoute: false });
    expect(await shareOf(orders, '1', 100)).toBeGreaterThan(0);
    expect(orders.explain().route).toBeUndefined();
  });

  it('is followed with a token that may read the service, and no more', async () => {
    const server = await start({ acl: { initialManagement: management } });
    const grants = grantor(server.registry);
    closing.push(() => grants.close());
    const owner = await connect({ servers: [server.url], token: management, onEvent: () => {} });
    closing.push(() => owner.close());
    await instance(owner, '1');
    await set(server, { select: { version: 'none' } });
    const { secret } = await grants.token('service "orders" { policy = "read" } node_prefix "" { policy = "read" }');
    const reader = await connect({ servers: [server.url], token: secret, onEvent: () => {} });
    closing.push(() => reader.close());
    await expect(text(reader.service('orders'))).rejects.toMatchObject({ cause: { code: 'unavailable' } });
  });

  it('stays while the registry is down, and the next process has it from the disk cache', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'routes-'));
    closing.push(() => rm(cacheDir, { recursive: true }));
    const server = await start();
    const owner = await client([server.url]);
    for (const version of ['1', '2']) await instance(owner, version);
    await set(server, { select: { version: '2' }, timeoutMs: 5_000 });
    const rollcall = await client([server.url], { cacheDir });
    const { orders, event } = follow(rollcall);
    await event('route');
    expect(await shareOf(orders, '2', 40)).toBe(1);
    await server.close();
    expect(await shareOf(orders, '2', 40)).toBe(1);
    await rollcall.close();
    const next = await client([server.url], { cacheDir });
    const { orders: later } = follow(next);
    expect(await shareOf(later, '2', 40)).toBe(1);
    expect(later.explain()).toMatchObject({ list: { origin: 'disk cache' }, route: { words: ['select', 'timeoutMs'] } });
  });

  it('that was set on one node reaches the clients of the other', async () => {
    const engine = memory();
    // The store outlives the node that ends.
    const shared = { ...engine, exclusive: false, close: () => Promise.resolve() };
    const one = await start({ engine: shared, nodeName: 'one' });
    const other = await start({ engine: shared, nodeName: 'other' });
    const rollcall = await client([other.url]);
    for (const version of ['1', '2']) await instance(rollcall, version);
    const { orders, event } = follow(rollcall);
    await text(orders);
    await set(one, { select: { version: '2' } });
    await event('route');
    expect(await shareOf(orders, '2', 40)).toBe(1);
    // The node that is asked goes; the client continues on the other one.
    const both = await client([other.url, one.url]);
    const second = follow(both);
    await second.event('route');
    await other.close();
    await set(one, { select: { version: '1' } });
    await second.event('route');
    expect(await shareOf(second.orders, '1', 40)).toBe(1);
  });
});
