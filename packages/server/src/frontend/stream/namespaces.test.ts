/** Namespaces on the stream: instances, keys and ordinals of one namespace are not visible in another. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { grantor, management } from '../../security/grantor.case.ts';
import { createServer, type Server } from '../../server.ts';
import { newSession, SocketClient, type Told } from './socket-client.case.ts';

let server: Server;
let clients: SocketClient[];

beforeEach(async () => {
  clients = [];
  server = await createServer({ engine: memory(), http: { port: 0 }, nodeName: 'here' });
  await createNamespaces();
});

afterEach(async () => {
  for (const { webSocket } of clients) webSocket.terminate();
  await server.close();
});

async function createNamespaces(): Promise<void> {
  for (const name of ['team-a', 'team-b']) await server.registry.submit({ kind: 'namespace-put', name });
}

async function client(namespace: string | undefined, hello: object = { session: newSession() }, token?: string): Promise<SocketClient> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const made = await SocketClient.greeted(server.url, { ...hello, ...(namespace !== undefined && { namespace }) }, { headers });
  clients.push(made);
  return made;
}

const register = (port: number) => ({ type: 'register', instances: [{ id: 'web-1', service: 'web', port }] });
const view = (namespace: string | undefined, kind: string, name: string) => ({ kind, ...(namespace !== undefined && { namespace }), name });
const portsIn = (told: Told) => ('items' in told ? (told.items as readonly { port: number }[]).map(({ port }) => port) : told);

describe('instances', () => {
  it('of the same id, service and node are separate in two namespaces', async () => {
    const [none, a, b] = [await client(undefined), await client('team-a'), await client('team-b')];
    expect(await a.ask(register(1))).toMatchObject({ applied: true });
    expect(await b.ask(register(2))).toMatchObject({ applied: true });
    for (const asking of [none, a, b]) {
      expect(portsIn(await asking.ask({ type: 'get', view: view('team-a', 'service', 'web') }))).toEqual([1]);
      expect(portsIn(await asking.ask({ type: 'get', view: view('team-b', 'service', 'web') }))).toEqual([2]);
      expect(portsIn(await asking.ask({ type: 'get', view: view(undefined, 'service', 'web') }))).toEqual([]);
    }
    await a.ask({ type: 'goodbye' });
    expect(portsIn(await none.ask({ type: 'get', view: view('team-a', 'service', 'web') }))).toEqual([]);
    expect(portsIn(await none.ask({ type: 'get', view: view('team-b', 'service', 'web') }))).toEqual([2]);
  });

  it('are pushed with the namespace of their view, which is left out for default', async () => {
    const [watcher, a, none] = [await client(undefined, {}), await client('team-a'), await client(undefined)];
    const views = [view('team-a', 'service', 'web'), view(undefined, 'service', 'web'), view('default', 'services', '')];
    await watcher.ask({ type: 'watch', views });
    watcher.inbox.splice(0);
    await a.ask(register(1));
    expect(await watcher.push('web')).toMatchObject({ view: { kind: 'service', namespace: 'team-a', name: 'web' } });
    await none.ask(register(0));
    const pushes = [await watcher.take((told) => 'view' in told), await watcher.take((told) => 'view' in told)];
    expect(pushes.map((told) => 'view' in told && told.view).toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)))).toEqual([
      { kind: 'service', name: 'web' },
      { kind: 'services', name: '' },
    ]);
  });

  it('do not wake the watchers of another namespace', async () => {
    const [watcher, a] = [await client(undefined, {}), await client('team-a')];
    await watcher.ask({ type: 'watch', views: [view('team-b', 'service', 'web'), view('team-b', 'services', ''), view('team-b', 'prefix', '')] });
    watcher.inbox.splice(0);
    const { received } = watcher;
    await a.ask(register(1));
    await a.ask({ type: 'kv-put', key: 'k', value: 'AA==' });
    // The answer on the same stream comes after the earlier pushes.
    await watcher.ask({ type: 'get', view: view('team-a', 'service', 'web') });
    expect(watcher.received).toBe(received + 1);
  });
});

it('a welcome repeats the namespace, which is default when the hello has none', async () => {
  for (const [namespace, expected] of [['team-a', 'team-a'], ['default', 'default'], [undefined, 'default']] as const) {
    const opened = await SocketClient.open(server.url);
    clients.push(opened);
    expect(await opened.ask({ type: 'hello', protocol: 1, client: 'test', ...(namespace && { namespace }) })).toMatchObject({ type: 'welcome', namespace: expected });
  }
  const opened = await SocketClient.open(server.url);
  clients.push(opened);
  expect(await opened.ask({ type: 'hello', protocol: 1, client: 'test', namespace: 'a b' })).toMatchObject({ type: 'error', code: 'invalid_argument' });
});

it('a namespace that does not exist can be watched, and accepts no writes until it is created', async () => {
  const stranger = await client('team-x');
  expect(await stranger.ask({ type: 'watch', views: [view('team-x', 'service', 'web')] })).toMatchObject({ type: 'watching' });
  for (const write of [register(1), { type: 'kv-put', key: 'k', value: 'AA==' }, { type: 'lease', pool: 'web', namespace: 'team-x' }]) {
    expect(await stranger.ask(write)).toMatchObject({ type: 'error', code: 'not_found', message: expect.stringContaining('team-x') as string });
  }
  await server.registry.submit({ kind: 'namespace-put', name: 'team-x' });
  expect(await stranger.ask(register(1))).toMatchObject({ applied: true });
  // A snapshot, since that is no longer than the change; the first one was empty.
  expect(portsIn(await stranger.take((told) => told.type === 'snapshot' && told.items.length > 0))).toEqual([1]);
});

it('a session is resumed only in its namespace', async () => {
  const session = newSession();
  const first = await client('team-a', { session });
  await first.ask(register(1));
  const opened = await SocketClient.open(server.url);
  clients.push(opened);
  expect(await opened.ask({ type: 'hello', protocol: 1, client: 'test', session, namespace: 'team-b' })).toMatchObject({ resumed: false });
  const again = await SocketClient.open(server.url);
  clients.push(again);
  expect(await again.ask({ type: 'hello', protocol: 1, client: 'test', session, namespace: 'team-a' })).toMatchObject({ resumed: true });
  expect(portsIn(await again.ask({ type: 'get', view: view('team-a', 'service', 'web') }))).toEqual([1]);
});

it('keys of the same name are separate, and are written in the namespace of the hello', async () => {
  const [a, b] = [await client('team-a'), await client('team-b')];
  await a.ask({ type: 'kv-put', key: 'k', value: 'QQ==' });
  await b.ask({ type: 'kv-put', key: 'k', value: 'Qg==' });
  const valueIn = async (namespace: string | undefined) => {
    const told = await a.ask({ type: 'get', view: view(namespace, 'key', 'k') });
    return 'items' in told ? (told.items as readonly { value: string }[]).map(({ value }) => value) : told;
  };
  expect([await valueIn('team-a'), await valueIn('team-b'), await valueIn(undefined)]).toEqual([['QQ=='], ['Qg=='], []]);
  await b.ask({ type: 'kv-delete', key: '', recurse: true });
  expect([await valueIn('team-a'), await valueIn('team-b')]).toEqual([['QQ=='], []]);
});

it('ordinals are leased among the callers of a service of one namespace', async () => {
  const [a, b] = [await client('team-a'), await client('team-b')];
  const lease = async (asking: SocketClient, namespace?: string) => {
    const told = await asking.ask({ type: 'lease', pool: 'web', ...(namespace !== undefined && { namespace }) });
    return 'ordinal' in told ? told.ordinal : told;
  };
  const again = await client('team-a');
  expect([await lease(a, 'team-a'), await lease(again, 'team-a'), await lease(a), await lease(b, 'team-a')]).toEqual([0, 1, 0, 0]);
});

it('a token of one namespace neither reads nor writes another', async () => {
  await server.close();
  server = await createServer({ engine: memory(), http: { port: 0 }, acl: { initialManagement: management }, nodeName: 'here' });
  await createNamespaces();
  const grants = grantor(server.registry);
  const { secret } = await grants.token('namespace "team-a" { service_prefix "" { policy = "write" } key_prefix "" { policy = "write" } node_prefix "" { policy = "read" } }');
  const admin = await client('team-b', { session: newSession() }, management);
  await admin.ask(register(2));
  await admin.ask({ type: 'kv-put', key: 'k', value: 'AA==' });
  const own = await client('team-a', { session: newSession() }, secret);
  expect(await own.ask(register(1))).toMatchObject({ applied: true });
  expect(portsIn(await own.ask({ type: 'get', view: view('team-a', 'service', 'web') }))).toEqual([1]);
  // The token belongs to default, so it may learn of default and of no other namespace.
  for (const [namespace, list] of [['team-b', { code: 'permission_denied' }], [undefined, { items: [] }]] as const) {
    expect(await own.ask({ type: 'get', view: view(namespace, 'service', 'web') })).toMatchObject({ code: 'permission_denied' });
    expect(await own.ask({ type: 'watch', views: [view(namespace, 'key', 'k')] })).toMatchObject({ code: 'permission_denied' });
    expect(await own.ask({ type: 'get', view: view(namespace, 'services', '') })).toMatchObject(list);
    expect(await own.ask({ type: 'get', view: view(namespace, 'prefix', '') })).toMatchObject(list);
    expect(await own.ask({ type: 'lease', pool: 'web', ...(namespace !== undefined && { namespace }) })).toMatchObject({ code: 'permission_denied' });
  }
  const elsewhere = await SocketClient.open(server.url, { headers: { authorization: `Bearer ${secret}` } });
  clients.push(elsewhere);
  const hello = { type: 'hello', protocol: 1, client: 'test', namespace: 'team-b', session: newSession() };
  expect(await elsewhere.ask(hello)).toMatchObject({ code: 'permission_denied' });
  grants.close();
});
