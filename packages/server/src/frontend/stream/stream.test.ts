import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { findCheck, findInstance } from '../../registry/kind/catalog/find.ts';
import { checksView } from '../../registry/kind/catalog/views.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import { createServer, type Server } from '../../server.ts';
import { SocketClient, newSession, type Told } from './socket-client.case.ts';

let server: Server;
let clients: SocketClient[] = [];

beforeEach(async () => {
  server = await createServer({ nodeName: 'here', limits: { instancesPerStreamMax: 3, watchesPerStreamMax: 3, kvValueBytesMax: 100 } });
});
afterEach(async () => {
  for (const { webSocket } of clients) webSocket.terminate();
  clients = [];
  await server.close();
});

async function greeted(hello: object = {}, headers: Record<string, string> = {}): Promise<SocketClient> {
  const client = await SocketClient.greeted(server.url, hello, { headers });
  clients.push(client);
  return client;
}

async function opened(): Promise<SocketClient> {
  const client = await SocketClient.open(server.url);
  clients.push(client);
  return client;
}

const web = (id: string, fields: object = {}) => ({ type: 'register', instances: [{ id, service: 'web', port: 80, ...fields }] });
const watchWeb = { type: 'watch', views: [{ kind: 'service', name: 'web' }] };
const instanceOf = (id: string, node = 'here') => findInstance(server.registry.state, 'default', node, id);
const checkOf = (id: string, node = 'here') => findCheck(server.registry.state, 'default', node, id);

/** The instances of a push, be it a snapshot or a delta. */
const told = (push: Told) => push['put'] ?? push['items'];

/** Resolves once `holds`; checks after every change of a view. */
function becomes(view: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = server.registry.views.watch(view, look);
    look();
  });
}

describe('the handshake', () => {
  it('refuses a browser page of another origin, and a request that is not a WebSocket handshake', async () => {
    const status = (headers: Record<string, string>, path = '/rollcall/v1/stream') =>
      new Promise((resolve) => {
        const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers });
        webSocket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        webSocket.on('error', () => {});
        webSocket.on('open', () => webSocket.close());
        webSocket.on('close', () => resolve('opened'));
      });
    expect(await status({ origin: 'http://evil.example' })).toBe(403);
    expect(await status({ origin: server.url })).toBe('opened');
    expect(await status({}, '/rollcall/v1/streams')).toBe(404);
    expect((await fetch(`${server.url}/rollcall/v1/stream`)).status).toBe(426);
  });
});

describe('hello', () => {
  it('must come first, and only once', async () => {
    const client = await opened();
    expect(await client.ask(watchWeb)).toMatchObject({ type: 'error', id: 1, code: 'failed_precondition' });
    expect(await client.ask({ type: 'hello', protocol: 1, client: 'x' })).toMatchObject({
      type: 'welcome',
      node: 'here',
      resumed: false,
      graceMs: 10_000,
      pingMs: 1_000,
      pickReportMs: 10_000,
    });
    expect(await client.ask({ type: 'hello', protocol: 1, client: 'x' })).toMatchObject({ code: 'failed_precondition' });
  });

  it('with another protocol version is refused, and may be repeated', async () => {
    const client = await opened();
    expect(await client.ask({ type: 'hello', protocol: 2, client: 'x' })).toMatchObject({ code: 'unimplemented' });
    expect(await client.ask({ type: 'hello', protocol: 1, client: 'x', node: 'no node' })).toMatchObject({ code: 'invalid_argument' });
    expect(await client.ask({ type: 'hello', protocol: 1, client: 'x' })).toMatchObject({ type: 'welcome' });
  });

  it('may name the node; a proxy may name it for the client', async () => {
    const [named, proxied] = [await greeted({ node: 'n1', session: newSession() }), await greeted({ session: newSession() }, { 'x-rollcall-node': 'n2' })];
    await named.ask(web('a'));
    await proxied.ask(web('a'));
    expect([instanceOf('a', 'n1')?.service, instanceOf('a', 'n2')?.service]).toEqual(['web', 'web']);
  });

  it('of a client that only watches causes no write', async () => {
    const { revision } = server.registry.state;
    const client = await greeted({ session: newSession() });
    await client.ask(watchWeb);
    expect(server.registry.state.revision).toBe(revision);
  });
});

describe('a registration', () => {
  it('is one commit, in one round trip with the hello, and visible to Consul clients', async () => {
    const { revision } = server.registry.state;
    const client = await opened();
    const session = newSession();
    const answers = [client.ask({ type: 'hello', protocol: 1, client: 'shop', session }), client.ask(web('web-1'))];
    expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['welcome', 'done']);
    expect(server.registry.state.revision).toBe(revision + 1);
    expect(instanceOf('web-1')).toMatchObject({ service: 'web', session: session.id });
    expect(checkOf('stream:web-1')).toMatchObject({ type: 'stream', status: 'passing', instance: 'web-1' });
    const seen = (await (await fetch(`${server.url}/v1/health/service/web?passing`)).json()) as { Service: { ID: string } }[];
    expect(seen.map(({ Service }) => Service.ID)).toEqual(['web-1']);
    const stored = findSession(server.registry.state, 'default', session.id);
    expect(stored).toMatchObject({ name: 'shop', liveness: 'stream', ttlMs: 10_000, behavior: 'delete', lockDelayMs: 0 });
    expect(JSON.stringify(stored)).not.toContain(session.token);
  });

  it('is refused as a whole when one instance cannot be', async () => {
    const client = await greeted({ session: newSession() });
    const both = { type: 'register', instances: [{ id: 'a', service: 'web' }, { id: 'b', service: 'no service' }] };
    expect(await client.ask(both)).toMatchObject({ type: 'error', code: 'invalid_argument' });
    expect(instanceOf('a')).toBeUndefined();
    expect(await client.ask({ type: 'register', instances: ['a', 'b', 'c', 'd'].map((id) => ({ id, service: 'web' })) })).toMatchObject({
      code: 'resource_exhausted',
    });
    expect(instanceOf('a')).toBeUndefined();
    expect(await client.ask(web('a'))).toMatchObject({ type: 'done', applied: true });
  });

  it('needs a session', async () => {
    const client = await greeted();
    expect(await client.ask(web('a'))).toMatchObject({ code: 'failed_precondition' });
  });

  it('may not take over a check of another instance', async () => {
    const client = await greeted({ session: newSession() });
    await client.ask(web('a', { checks: [{ name: 'b:c', ttlMs: 1_000 }] }));
    const refused = await client.ask(web('a:b', { checks: [{ name: 'c', ttlMs: 1_000 }] }));
    expect(refused).toMatchObject({
      code: 'already_exists',
      message: 'check a:b:c belongs to instance a on node here; give the check another id, or deregister that one first',
    });
    expect([checkOf('a:b:c')?.instance, instanceOf('a:b')]).toEqual(['a', undefined]);
  });

  it('does not lift maintenance', async () => {
    const client = await greeted({ session: newSession() });
    await client.ask(web('a', { checks: [{ name: 'beat', ttlMs: 60_000 }] }));
    await fetch(`${server.url}/v1/agent/service/maintenance/a?enable=true`, { method: 'PUT' });
    await client.ask(web('a'));
    expect([checkOf('a:beat'), checkOf('_service_maintenance:a')?.status]).toEqual([undefined, 'critical']);
  });

  it('replaces the former one, with its checks and administrative status', async () => {
    const client = await greeted({ session: newSession() });
    await client.ask(web('a', { tags: ['old'], checks: [{ name: 'beat', ttlMs: 60_000 }] }));
    await client.ask({ type: 'drain', instances: ['a'] });
    expect(checkOf('_rollcall_status:a')?.status).toBe('critical');
    await client.ask(web('a', { tags: ['new'] }));
    expect(instanceOf('a')?.tags).toEqual(['new']);
    expect([checkOf('a:beat'), checkOf('_rollcall_status:a')]).toEqual([undefined, undefined]);
    await client.ask(web('a', { status: 'draining' }));
    expect(checkOf('_rollcall_status:a')?.status).toBe('critical');
  });

  it('has the address of its client, also when the node of that name has another one', async () => {
    await server.registry.submit({ kind: 'register', namespace: 'default', nodeMode: 'update', node: { name: 'n1', address: '10.9.9.9' } });
    const client = await greeted({ session: newSession(), node: 'n1' });
    await client.ask(web('a'));
    await client.ask(web('b', { address: '10.1.1.1' }));
    expect([instanceOf('a', 'n1')?.address, instanceOf('b', 'n1')?.address]).toEqual(['127.0.0.1', '10.1.1.1']);
  });

  it('accepts heartbeats only for its own checks', async () => {
    const client = await greeted({ session: newSession() });
    await client.ask(web('a', { checks: [{ name: 'beat', ttlMs: 60_000 }] }));
    const beat = { type: 'beat', instance: 'a', check: 'beat', status: 'passing', output: 'ok' };
    expect(checkOf('a:beat')?.status).toBe('critical');
    expect(await client.ask(beat)).toMatchObject({ type: 'done' });
    expect(checkOf('a:beat')?.status).toBe('passing');
    expect(await client.ask({ ...beat, check: 'none' })).toMatchObject({ code: 'not_found' });
    const other = await greeted({ session: newSession() });
    expect(await other.ask(beat)).toMatchObject({ code: 'not_found' });
  });

  it('cannot be drained or removed by another session, nor by its former one', async () => {
    const [old, other] = [await greeted({ session: newSession() }), await greeted({ session: newSession() })];
    await old.ask(web('a'));
    expect(await other.ask({ type: 'deregister', instances: ['a'] })).toMatchObject({ applied: false });
    expect(await other.ask({ type: 'drain', instances: ['a'] })).toMatchObject({ applied: false });
    expect(checkOf('_rollcall_status:a')).toBeUndefined();
    // A new process of the same instance, while the old one still runs.
    await other.ask(web('a', { port: 81 }));
    await old.ask({ type: 'goodbye' });
    await old.ended;
    expect(instanceOf('a')).toMatchObject({ port: 81 });
    expect(checkOf('stream:a')?.status).toBe('passing');
    expect(await other.ask({ type: 'deregister', instances: ['a'] })).toMatchObject({ applied: true });
    expect(instanceOf('a')).toBeUndefined();
  });
});

describe('a session', () => {
  it('becomes critical when its socket closes, and is resumed with its instances', async () => {
    const session = newSession();
    const [client, watcher] = [await greeted({ session }), await greeted()];
    await client.ask(web('a'));
    await watcher.ask(watchWeb);
    await watcher.push('web');
    client.webSocket.terminate();
    expect(told(await watcher.push('web'))).toMatchObject([{ id: 'a', status: 'critical' }]);
    const again = await opened();
    expect(await again.ask({ type: 'hello', protocol: 1, client: 'x', session })).toMatchObject({ type: 'welcome', resumed: true });
    expect(told(await watcher.push('web'))).toMatchObject([{ id: 'a', status: 'passing' }]);
  });

  it('belongs to the newest stream; the late end of the old one changes nothing', async () => {
    const session = newSession();
    const [old, watcher] = [await greeted({ session }), await greeted()];
    await old.ask(web('a'));
    await watcher.ask(watchWeb);
    await watcher.push('web');
    const { revision } = server.registry.state;
    const again = await opened();
    expect(await again.ask({ type: 'hello', protocol: 1, client: 'x', session })).toMatchObject({ resumed: true });
    expect(await old.ended).toMatchObject({ code: 4001, reason: 'taken over' });
    expect(await again.ask(web('a'))).toMatchObject({ applied: true });
    expect(server.registry.state.revision).toBe(revision);
    expect(watcher.inbox).toEqual([]);
  });

  it('can be resumed only with its token', async () => {
    const session = newSession();
    const client = await greeted({ session });
    const thief = await opened();
    const steal = { type: 'hello', protocol: 1, client: 'x', session: { ...session, token: newSession().token } };
    expect(await thief.ask(steal)).toMatchObject({ code: 'permission_denied' });
    await client.ask(web('a'));
    expect(await thief.ask(steal)).toMatchObject({ code: 'permission_denied' });
    client.webSocket.terminate();
    await becomes(checksView('default'), () => checkOf('stream:a')?.status === 'critical');
    expect(await thief.ask(steal)).toMatchObject({ code: 'permission_denied' });
  });

  it('of another protocol cannot be taken over', async () => {
    await server.registry.submit({ kind: 'register', namespace: 'default', nodeMode: 'ensure', node: { name: 'here', address: '127.0.0.1' } });
    const { id, token } = newSession();
    const consul = { kind: 'session-create', namespace: 'default', id, name: 'lock', node: 'here', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] } as const;
    await server.registry.submit(consul);
    const client = await opened();
    expect(await client.ask({ type: 'hello', protocol: 1, client: 'x', session: { id, token } })).toMatchObject({ code: 'permission_denied' });
  });

  it('that moves to another node leaves no rows on the old one', async () => {
    const session = newSession();
    const client = await greeted({ session, node: 'n1' });
    await client.ask(web('a'));
    client.webSocket.terminate();
    const moved = await opened();
    expect(await moved.ask({ type: 'hello', protocol: 1, client: 'x', session, node: 'n2' })).toMatchObject({ resumed: false });
    expect(instanceOf('a', 'n1')).toBeUndefined();
    expect(await moved.ask(web('a'))).toMatchObject({ applied: true });
    expect(instanceOf('a', 'n2')).toBeDefined();
  });

  it('that another caller ends is reported lost, and can be registered again', async () => {
    const session = newSession();
    const client = await greeted({ session });
    await client.ask(web('a'));
    await server.registry.submit({ kind: 'session-destroy', namespace: 'default', id: session.id });
    await client.take(({ type }) => type === 'session-lost');
    expect(instanceOf('a')).toBeUndefined();
    expect(await client.ask(web('a'))).toMatchObject({ applied: true });
    expect(checkOf('stream:a')?.status).toBe('passing');
  });

  it('drains after goodbye, then all of its rows are removed', async () => {
    const session = newSession();
    const [client, watcher] = [await greeted({ session }), await greeted()];
    await client.ask(web('a'));
    await watcher.ask(watchWeb);
    await watcher.push('web');
    expect(await client.ask({ type: 'goodbye' })).toMatchObject({ type: 'done' });
    expect(await client.ended).toMatchObject({ code: 1000 });
    expect(told(await watcher.push('web'))).toMatchObject([{ id: 'a', status: 'draining' }]);
    expect(await watcher.push('web')).toMatchObject({ type: 'snapshot', items: [] });
    expect(findSession(server.registry.state, 'default', session.id)).toBeUndefined();
  });
});

describe('watches', () => {
  it('resume from the revision that the client has', async () => {
    const [client, other] = [await greeted(), await greeted({ session: newSession() })];
    await other.ask(web('a'));
    await client.ask(watchWeb);
    const { revision } = (await client.push('web')) as { revision: number };
    expect(await client.ask({ type: 'unwatch', views: watchWeb.views })).toMatchObject({ applied: true });
    expect(await client.ask({ type: 'unwatch', views: watchWeb.views })).toMatchObject({ applied: false });
    const resume = { type: 'watch', views: [{ kind: 'service', name: 'web', revision }] };
    expect(await client.ask(resume)).toMatchObject({ type: 'watching', revisions: [revision] });
    expect(client.inbox).toEqual([]);
    await other.ask(web('b'));
    expect(await client.push('web')).toMatchObject({ put: [{ id: 'b' }] });
    expect(await client.ask(resume)).toMatchObject({ type: 'watching' });
    // The client continues from its former revision.
    expect(await client.push('web')).toMatchObject({ type: 'delta', from: revision, put: [{ id: 'b' }] });
  });

  it('have a limit; those below it continue', async () => {
    const client = await greeted();
    const views = ['a', 'b', 'c', 'd'].map((name) => ({ kind: 'key', name }));
    expect(await client.ask({ type: 'watch', views: views.slice(0, 2) })).toMatchObject({ type: 'watching' });
    expect(await client.ask({ type: 'watch', views: views.slice(1) })).toMatchObject({ code: 'resource_exhausted' });
    expect(server.registry.views.watching).toBe(2);
    expect(await client.ask({ type: 'watch', views: views.slice(0, 3) })).toMatchObject({ revisions: { length: 3 } });
  });

  it('end with the socket at once', async () => {
    const client = await greeted();
    await client.ask({ type: 'watch', views: [{ kind: 'service', name: 'web' }, { kind: 'services', name: '' }] });
    expect(server.registry.views.watching).toBe(3);
    client.webSocket.terminate();
    await expect.poll(() => server.registry.views.watching).toBe(0);
  });
});

describe('keys', () => {
  it('are written, read, compared and deleted, with all 64 bits of their flags', async () => {
    const client = await greeted();
    const get = () => client.ask({ type: 'get', view: { kind: 'key', name: 'a' } });
    const put = { type: 'kv-put', key: 'a', value: Buffer.from([0, 255]).toString('base64'), flags: '18446744073709551615' };
    expect(await client.ask({ ...put, cas: 0 })).toMatchObject({ applied: true });
    const [item] = (await get())['items'] as { revision: number }[];
    expect(item).toMatchObject({ key: 'a', value: 'AP8=', flags: '18446744073709551615' });
    expect(await client.ask({ ...put, cas: 0 })).toMatchObject({ applied: false });
    expect(await client.ask({ type: 'kv-delete', key: 'a', cas: (item?.revision ?? 0) + 1 })).toMatchObject({ applied: false });
    expect(await client.ask({ type: 'kv-delete', key: 'a', cas: item?.revision })).toMatchObject({ applied: true });
    expect(await get()).toMatchObject({ items: [] });
  });

  it('are deleted below a prefix', async () => {
    const client = await greeted();
    for (const key of ['a/1', 'a/2', 'b']) await client.ask({ type: 'kv-put', key, value: '' });
    await client.ask({ type: 'kv-delete', key: 'a/', recurse: true });
    const left = (await client.ask({ type: 'get', view: { kind: 'prefix', name: '' } }))['items'] as { key: string }[];
    expect(left.map(({ key }) => key)).toEqual(['b']);
  });

  it('have a limit', async () => {
    const client = await greeted();
    const value = Buffer.alloc(101).toString('base64');
    expect(await client.ask({ type: 'kv-put', key: 'a', value })).toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a server that closes', () => {
  it('tells streams to use another server, and treats no instance as lost', async () => {
    const client = await greeted({ session: newSession() });
    await client.ask(web('a'));
    const { registry } = server;
    await server.close();
    expect(await client.take(({ type }) => type === 'go-elsewhere')).toMatchObject({ servers: [] });
    expect(await client.ended).toMatchObject({ code: 1001 });
    expect(findCheck(registry.state, 'default', 'here', 'stream:a')?.status).toBe('passing');
  });

  it('does not wait for a client that does not answer', async () => {
    const client = await greeted();
    client.webSocket.pause();
    await server.close();
    client.webSocket.resume();
    await client.ended;
  });
});

describe('a bad frame', () => {
  it('is refused with its id, and the stream continues', async () => {
    const client = await greeted();
    const refused: Told[] = [];
    for (const frame of ['{"id":7,"type":"hack"}', '[]', '{"id":"x","type":"goodbye"}', '{"type":"get"}', 'null']) {
      client.send(frame);
      refused.push(await client.take(({ type }) => type === 'error'));
    }
    expect(refused.map(({ id, code }) => [id, code])).toEqual([
      [7, 'invalid_argument'],
      [undefined, 'invalid_argument'],
      [undefined, 'invalid_argument'],
      [undefined, 'invalid_argument'],
      [undefined, 'invalid_argument'],
    ]);
    expect(await client.ask(watchWeb)).toMatchObject({ type: 'watching' });
  });

  it('may not have the id of a request in progress', async () => {
    const client = await greeted({ session: newSession() });
    client.send(JSON.stringify({ id: 50, ...web('a') }));
    client.send(JSON.stringify({ id: 50, ...web('b') }));
    expect(await client.take(({ type }) => type === 'error')).toMatchObject({ message: expect.stringContaining('request 50 is still under way') });
    expect(await client.take(({ id }) => id === 50)).toMatchObject({ type: 'done' });
    expect([instanceOf('a')?.id, instanceOf('b')?.id]).toEqual(['a', undefined]);
  });

  it.each<[string, (client: SocketClient) => void, number]>([
    ['is not JSON', (client) => client.send('{"id":1'), 1008],
    ['is binary', (client) => client.send(Buffer.from('{"id":1,"type":"goodbye"}')), 1008],
    ['is too large', (client) => client.send('x'.repeat(1_048_577)), 1009],
    ['is not UTF-8', (client) => client.webSocket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false }), 1007],
  ])('ends the stream when it %s', async (_what, send, code) => {
    const client = await greeted();
    await client.ask(watchWeb);
    send(client);
    expect((await client.ended).code).toBe(code);
    await expect.poll(() => server.registry.views.watching).toBe(0);
    expect(await (await greeted()).ask(watchWeb)).toMatchObject({ type: 'watching' });
  });
});
