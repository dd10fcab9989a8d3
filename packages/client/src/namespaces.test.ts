/** The client in namespaces: against a real registry, and against one that does not know them. */

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import * as grpc from '@grpc/grpc-js';
import { createServer, memory, type Server } from '@rollcall/server';
import { request } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { backend, bytes, cleanUp, service as echo } from './grpc/echo.case.ts';
import { channelOptions, registerRollcall } from './grpc/index.ts';
import { connect, type ConnectOptions, type Rollcall, type ServiceClient } from './index.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await cleanUp();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function registry(): Promise<Server> {
  const server = await createServer({ engine: memory(), http: { port: 0 } });
  cleanups.push(() => server.close());
  await createNamespaces(server);
  return server;
}

async function createNamespaces({ url }: { readonly url: string }): Promise<void> {
  for (const Name of ['team-a', 'team-b']) {
    const { status } = await fetch(`${url}/v1/namespace`, { method: 'PUT', body: JSON.stringify({ Name }) });
    expect(status).toBe(200);
  }
}

async function client(server: { readonly url: string }, options: ConnectOptions = {}): Promise<Rollcall> {
  const rollcall = await connect({ servers: [server.url], ...options });
  cleanups.push(() => rollcall.close());
  return rollcall;
}

/** An HTTP server that answers with its name. */
async function named(name: string): Promise<number> {
  const server = createHttpServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  cleanups.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const portsOf = async (service: ServiceClient) => (await service.instances()).map(({ port }) => port).sort((a, b) => a - b);

describe('a client in a namespace', () => {
  it('registers, finds, lists and writes keys there, and sees no other namespace', async () => {
    const server = await registry();
    const [a, b, none] = [await client(server, { namespace: 'team-a' }), await client(server, { namespace: 'team-b' }), await client(server)];
    await a.register({ service: 'web', id: 'web-1', port: 1 });
    await b.register({ service: 'web', id: 'web-1', port: 2 });
    await b.register({ service: 'db', port: 3 });
    await a.kv.put('k', 'a');
    expect([await portsOf(a.service('web')), await portsOf(b.service('web')), await portsOf(none.service('web'))]).toEqual([[1], [2], []]);
    const namesOf = async (rollcall: Rollcall) => (await rollcall.services()).map(({ service }) => service);
    expect([await namesOf(a), await namesOf(b), await namesOf(none)]).toEqual([['web'], ['db', 'web'], ['consul']]);
    expect([Buffer.from((await a.kv.get('k'))?.value ?? []).toString(), await b.kv.get('k'), (await none.kv.list('')).length]).toEqual(['a', undefined, 0]);
    expect(a.explain('web').instances.map(({ instance }) => instance.port)).toEqual([1]);
    expect([a.namespace, none.namespace]).toEqual(['team-a', 'default']);
  });

  it('reads, watches and writes keys of another namespace, and lists its services, if a call names it', async () => {
    const server = await registry();
    const [a, none] = [await client(server, { namespace: 'team-a' }), await client(server)];
    const shared = a.kv.inNamespace('default');
    await none.kv.put('config', 'of all');
    expect(Buffer.from((await shared.get('config'))?.value ?? []).toString()).toBe('of all');
    expect(await a.kv.get('config')).toBeUndefined();
    const seen = shared.watch({ prefix: 'con' });
    expect((await seen.next()).value?.entries.map(({ key }) => key)).toEqual(['config']);
    const b = none.kv.inNamespace('team-b');
    expect(await b.put('k', '1')).toBe(true);
    expect((await a.kv.inNamespace('team-b').list('')).map(({ key }) => key)).toEqual(['k']);
    expect(await b.delete('', { recurse: true })).toBe(true);
    expect(await b.list('')).toEqual([]);
    expect((await none.kv.list('')).map(({ key }) => key)).toEqual(['config']);
    expect(a.kv.inNamespace('team-a')).toBe(a.kv);
    expect(() => a.kv.inNamespace('a.b')).toThrow('namespace is "a.b"');
    await expect(none.kv.inNamespace('team-x').put('k', '1')).rejects.toMatchObject({ code: 'not_found' });
    await a.register({ id: 'web-1', service: 'web', address: '10.0.0.1', port: 80 });
    expect((await none.services({ namespace: 'team-a' })).map(({ service }) => service)).toEqual(['web']);
    expect((await none.watchServices({ namespace: 'team-a' }).next()).value?.map(({ service }) => service)).toEqual(['web']);
    expect((await none.services()).map(({ service }) => service)).not.toContain('web');
  });

  it('finds services of another namespace when a call names it', async () => {
    const server = await registry();
    const [a, none] = [await client(server, { namespace: 'team-a' }), await client(server)];
    await a.register({ service: 'web', port: 1 });
    const web = none.service('web', { namespace: 'team-a' });
    expect([await portsOf(web), await portsOf(none.service('web'))]).toEqual([[1], []]);
    expect(none.service('web', { namespace: 'team-a' })).toBe(web);
    expect(a.service('web', { namespace: 'team-a' })).toBe(a.service('web'));
    expect(none.explain('web', { namespace: 'team-a' }).instances).toHaveLength(1);
    expect(() => none.service('web', { namespace: 'team-a', triesMax: 1 })).toThrow(/in use already/);
    expect(() => none.service('web', { namespace: 'a.b' })).toThrow('namespace is "a.b"; it must be 1 to 63 letters, digits and inner hyphens');
  });

  it('reads the namespace from the environment if no option is set', async () => {
    const server = await registry();
    vi.stubEnv('ROLLCALL_NAMESPACE', 'team-a');
    expect((await client(server)).namespace).toBe('team-a');
    expect((await client(server, { namespace: 'team-b' })).namespace).toBe('team-b');
    vi.stubEnv('ROLLCALL_NAMESPACE', 'team a');
    await expect(client(server)).rejects.toThrow('namespace is "team a"');
  });

  it('gets an error while its namespace does not exist, and is registered once it does', async () => {
    const server = await registry();
    const events: string[] = [];
    const late = await client(server, { namespace: 'team-x', onEvent: (event) => events.push(event.kind) });
    expect(await late.service('web').instances()).toEqual([]);
    await expect(late.register({ service: 'web', port: 1 })).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('team-x') as string });
    late.announce({ service: 'web', port: 2 });
    await vi.waitFor(() => expect(events).toContain('not-registered'), 10_000);
    await fetch(`${server.url}/v1/namespace`, { method: 'PUT', body: JSON.stringify({ Name: 'team-x' }) });
    // Tried again every 5 to 10 s.
    await vi.waitFor(async () => expect(await portsOf(late.service('web'))).toEqual([2]), { timeout: 20_000, interval: 100 });
  });

  it('leases ordinals for subsets of services in its own and in other namespaces', async () => {
    const server = await registry();
    const [a, none] = [await client(server, { namespace: 'team-a' }), await client(server)];
    await Promise.all([1, 2, 3, 4].map((port) => a.register({ service: 'web', id: `web-${port}`, port })));
    const routing = { subset: { size: 2 } };
    a.service('web', { routing });
    none.service('web', { routing, namespace: 'team-a' });
    const keysOf = async (rollcall: Rollcall) => (await rollcall.kv.list('rollcall/ordinals/')).map(({ key }) => key);
    await vi.waitFor(async () => expect([await keysOf(a), await keysOf(none)]).toEqual([['rollcall/ordinals/web/0'], ['rollcall/ordinals/team-a/web/0']]), { timeout: 20_000 });
  });

  it('starts with cached lists of that namespace', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'rollcall-cache-'));
    cleanups.push(() => rm(cacheDir, { recursive: true }));
    const server = await createServer({ engine: memory(), http: { port: 0 } });
    const { url } = server;
    await createNamespaces(server);
    const writer = await connect({ servers: [url], namespace: 'team-a', cacheDir });
    await writer.register({ service: 'web', port: 1 });
    expect(await portsOf(writer.service('web'))).toEqual([1]);
    // The list is saved before the registration ends.
    await server.close();
    await writer.close();
    const [again, other] = [await client({ url }, { namespace: 'team-a', cacheDir }), await client({ url }, { cacheDir, timeoutMs: 50 })];
    expect(again.service('web').snapshot()).toMatchObject({ stale: true, origin: 'disk cache', instances: [{ port: 1 }] });
    expect(other.service('web').snapshot()).toBeUndefined();
  });
});

it('a client whose token has no rights in its namespace gets that error', async () => {
  const server = await createServer({ engine: memory(), http: { port: 0 }, acl: { initialManagement: 'root' } });
  cleanups.push(() => server.close());
  const created = await fetch(`${server.url}/v1/acl/token`, { method: 'PUT', headers: { authorization: 'Bearer root' }, body: '{}' });
  const { SecretID: token } = (await created.json()) as { SecretID: string };
  await fetch(`${server.url}/v1/namespace`, { method: 'PUT', headers: { authorization: 'Bearer root' }, body: '{"Name":"team-a"}' });
  const rollcall = await client(server, { namespace: 'team-a', token });
  await expect(rollcall.register({ service: 'web', port: 1 })).rejects.toMatchObject({ code: 'permission_denied', message: expect.stringContaining('team-a') as string });
  await expect(rollcall.service('web').instances()).rejects.toMatchObject({ code: 'permission_denied' });
});

describe('requests to services by URL', () => {
  it('name the namespace as in DNS; without one, the client’s own is used', async () => {
    const server = await registry();
    const [a, none] = [await client(server, { namespace: 'team-a' }), await client(server)];
    await a.register({ service: 'web', port: await named('of team-a') });
    await none.register({ service: 'web', port: await named('of default') });
    const text = async (rollcall: Rollcall, url: string) => (await rollcall.fetch(url)).text();
    expect([await text(a, 'http://web.rollcall/'), await text(none, 'http://web.rollcall/')]).toEqual(['of team-a', 'of default']);
    expect(await text(none, 'http://web.team-a.ns.rollcall/')).toBe('of team-a');
    expect(await text(a, 'http://web.team-a.ns.rollcall/')).toBe('of team-a');
    expect(await text(a, 'http://web.default.ns.rollcall/')).toBe('of default');
    const service = none.service('web', { namespace: 'team-a' });
    expect(await (await service.fetch('/path')).text()).toBe('of team-a');
    await expect(service.fetch('http://web.rollcall/')).rejects.toThrow('neither a path nor a URL under http://web.team-a.ns.rollcall');
    const { body } = await request('http://web.team-a.ns.rollcall/', { dispatcher: none.dispatcher() });
    expect(await body.text()).toBe('of team-a');
    const { data } = await axios.get<string>('http://web.team-a.ns.rollcall/', { httpAgent: none.httpAgent() });
    expect(data).toBe('of team-a');
  });

  it('of gRPC name it in the place of a host', async () => {
    const server = await registry();
    const [a, none] = [await client(server, { namespace: 'team-a' }), await client(server)];
    await a.register({ service: 'echo', port: (await backend('of team-a')).port });
    await none.register({ service: 'echo', port: (await backend('of default')).port });
    cleanups.push(registerRollcall(none.source));
    const who = async (target: string) => {
      const made = new grpc.Client(target, grpc.credentials.createInsecure(), channelOptions('round_robin'));
      cleanups.push(() => made.close());
      return new Promise((resolve, reject) =>
        made.makeUnaryRequest(echo.who.path, bytes.serialize, bytes.deserialize, 'x', { deadline: Date.now() + 10_000 }, (error, name) =>
          error ? reject(error) : resolve(name),
        ),
      );
    };
    expect([await who('rollcall://team-a/echo'), await who('rollcall:///echo'), await who('rollcall://default/echo')]).toEqual(['of team-a', 'of default', 'of default']);
  });
});

describe('a registry without namespaces', () => {
  /** It welcomes every hello as such a registry does, and records all other frames. */
  async function old(): Promise<{ url: string; heard: { type: string }[] }> {
    const http = createHttpServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    const sockets = new WebSocketServer({ server: http });
    const heard: { type: string }[] = [];
    sockets.on('connection', (socket: WebSocket) => {
      socket.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as { id: number; type: string; views?: readonly object[] };
        if (frame.type !== 'hello') heard.push(frame);
        const welcome = { type: 'welcome', protocol: 1, registry: 'r', server: { name: 's', version: '0' }, node: 'n', resumed: false, graceMs: 10_000, pingMs: 1_000 };
        if (frame.type === 'hello') socket.send(JSON.stringify({ ...welcome, id: frame.id }));
        else if (frame.type === 'watch') {
          for (const view of frame.views ?? []) socket.send(JSON.stringify({ type: 'snapshot', view, revision: 1, items: [] }));
          socket.send(JSON.stringify({ type: 'watching', id: frame.id, revisions: (frame.views ?? []).map(() => 1) }));
        } else socket.send(JSON.stringify({ type: 'done', id: frame.id, applied: true }));
      });
    });
    cleanups.push(() => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      http.close();
    });
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, heard };
  }

  it('gets no registration from a client of a namespace, which reports why', async () => {
    const { url, heard } = await old();
    const events: string[] = [];
    const rollcall = await client({ url }, { namespace: 'team-a', onEvent: (event) => events.push('reason' in event ? `${event.kind}: ${event.reason}` : event.kind) });
    const refusal = { code: 'unimplemented', message: expect.stringContaining(`the registry at ${url} does not know namespaces`) as string };
    await expect(rollcall.register({ service: 'web', port: 1 })).rejects.toMatchObject(refusal);
    await expect(rollcall.kv.put('k', 'v')).rejects.toMatchObject(refusal);
    await expect(rollcall.service('web').instances()).rejects.toMatchObject(refusal);
    expect(heard).toEqual([]);
    expect(events[0]).toContain('refused: ');
  });

  it('serves a client of default, except services of other namespaces', async () => {
    const { url, heard } = await old();
    const rollcall = await client({ url });
    expect(await rollcall.service('web').instances()).toEqual([]);
    await expect(rollcall.service('web', { namespace: 'team-a' }).instances()).rejects.toMatchObject({ code: 'unimplemented' });
    expect(JSON.stringify(heard)).not.toContain('team-a');
  });
});
