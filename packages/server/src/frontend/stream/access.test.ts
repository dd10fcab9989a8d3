/** Permissions on the stream, over a real server with access control. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestFrame } from '@rollcall/protocol';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { findCheck, findInstance, findNode } from '../../registry/kind/catalog/find.ts';
import { serviceView } from '../../registry/kind/catalog/views.ts';
import type { TokenWithSecret } from '../../security/admin.ts';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import type { ServerOptions } from '../../server-options.ts';
import { createServer, type Server } from '../../server.ts';
import { requestAccess } from './access.ts';
import { SocketClient, newSession } from './socket-client.case.ts';

let server: Server;
let grants: Grantor;
let clients: SocketClient[] = [];

async function start(options: ServerOptions = {}): Promise<void> {
  server = await createServer({ acl: { initialManagement: management }, nodeName: 'here', ...options });
  grants = grantor(server.registry);
}

async function stop(): Promise<void> {
  for (const { webSocket } of clients) webSocket.terminate();
  clients = [];
  grants.close();
  await server.close();
}

beforeEach(() => start());
afterEach(stop);

const headersOf = (token: TokenWithSecret | string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${typeof token === 'string' ? token : token.secret}` };

async function greeted(token: TokenWithSecret | string | undefined, hello: object = {}): Promise<SocketClient> {
  const client = await SocketClient.greeted(server.url, hello, { headers: headersOf(token) });
  clients.push(client);
  return client;
}

/** The answer to a handshake that is refused. */
function refusal(headers: Record<string, string>): Promise<{ status: number | undefined; text: string; headers: object }> {
  return new Promise((resolve) => {
    const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}/rollcall/v1/stream`, { headers });
    webSocket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, text, headers: response.headers }));
    });
    webSocket.on('open', () => {
      webSocket.close();
      resolve({ status: 101, text: '', headers: {} });
    });
    webSocket.on('error', () => {});
  });
}

const register = (id = 'web-1', service = 'web') => ({ type: 'register', instances: [{ id, service, port: 80 }] });
const put = (key: string) => ({ type: 'kv-put', key, value: 'AA==' });
const watch = (kind: string, name: string, revision?: number) => ({ type: 'watch', views: [{ kind, name, ...(revision === undefined ? {} : { revision }) }] });
const view = (kind: string, name: string) => ({ kind, name });
const instanceOf = (id: string) => findInstance(server.registry.state, 'default', 'here', id);

/** The whole state that a client could see. */
async function fill(): Promise<void> {
  const admin = await greeted(management, { session: newSession() });
  await admin.ask(register('web-1', 'web'));
  await admin.ask(register('db-1', 'db'));
  for (const key of ['app/a', 'secret/b']) await admin.ask(put(key));
  const session = newSession();
  await admin.ask({ type: 'lock-session', session, ttlMs: 60_000, name: 'jobs/a' });
  await admin.ask({ type: 'lock-acquire', session: session.id, name: 'jobs/a', contender: newSession().id });
  const content = Buffer.from('a=1');
  await server.registry.submit({ kind: 'config-publish', namespace: 'default', app: 'web', cluster: 'default', name: 'main', content, md5: '', hash: '' });
}

/** Resolves once `holds`; checks after every change of a view. */
function becomes(name: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      unwatch();
      resolve();
    };
    const unwatch = server.registry.views.watch(name, look);
    look();
  });
}

const rules = {
  read: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } key_prefix "" { policy = "read" } lock_prefix "" { policy = "read" } config_prefix "" { policy = "read" }',
  write: 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } key_prefix "" { policy = "write" } lock_prefix "" { policy = "write" }',
};
const callers = ['no token', 'wrong token', 'read', 'write', 'management'] as const;
type Who = (typeof callers)[number];

async function tokenOf(who: Who): Promise<TokenWithSecret | string | undefined> {
  if (who === 'no token') return undefined;
  if (who === 'wrong token') return 'an unknown secret';
  return who === 'management' ? management : grants.token(rules[who]);
}

type Outcome = 'done' | 'denied' | 'missing' | 'empty' | 'seen';

/** Each caller has its own server, so all may use the same session. */
const lockSession = newSession();
const contender = { session: lockSession.id, name: 'jobs/b', contender: newSession().id };

/** Each request with its result for each token that may connect. */
const matrix: Readonly<Record<RequestFrame['type'], readonly [frame: object, outcomes: Readonly<Record<Exclude<Who, 'wrong token'>, Outcome>>][]>> = {
  // These requests are sent after the hello.
  hello: [[{ type: 'hello', protocol: 1, client: 'x' }, { 'no token': 'missing', read: 'missing', write: 'missing', management: 'missing' }]],
  register: [[register('own'), { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }]],
  drain: [[{ type: 'drain', instances: ['web-1'] }, { 'no token': 'missing', read: 'missing', write: 'missing', management: 'missing' }]],
  deregister: [[{ type: 'deregister', instances: ['web-1'] }, { 'no token': 'missing', read: 'missing', write: 'missing', management: 'missing' }]],
  beat: [[{ type: 'beat', instance: 'web-1', check: 'x', status: 'passing' }, { 'no token': 'missing', read: 'missing', write: 'missing', management: 'missing' }]],
  watch: [
    [watch('service', 'web'), { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
    [watch('services', ''), { 'no token': 'empty', read: 'seen', write: 'seen', management: 'seen' }],
    [watch('key', 'app/a'), { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
    [watch('config', 'web/main'), { 'no token': 'denied', read: 'seen', write: 'denied', management: 'seen' }],
    [watch('prefix', ''), { 'no token': 'empty', read: 'seen', write: 'seen', management: 'seen' }],
    [watch('lock', 'jobs/a'), { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
  ],
  get: [
    [{ type: 'get', view: view('service', 'web') }, { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
    [{ type: 'get', view: view('services', '') }, { 'no token': 'empty', read: 'seen', write: 'seen', management: 'seen' }],
    [{ type: 'get', view: view('key', 'app/a') }, { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
    [{ type: 'get', view: view('prefix', '') }, { 'no token': 'empty', read: 'seen', write: 'seen', management: 'seen' }],
    [{ type: 'get', view: view('lock', 'jobs/a') }, { 'no token': 'denied', read: 'seen', write: 'seen', management: 'seen' }],
  ],
  'config-report': [[{ type: 'config-report', name: 'web/main', release: 1, applied: true }, { 'no token': 'missing', read: 'done', write: 'missing', management: 'done' }]],
  unwatch: [[{ type: 'unwatch', views: [view('service', 'web')] }, { 'no token': 'missing', read: 'done', write: 'done', management: 'done' }]],
  'kv-put': [[put('app/new'), { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }]],
  'kv-delete': [
    [{ type: 'kv-delete', key: 'app/a' }, { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }],
    [{ type: 'kv-delete', key: 'app/', recurse: true }, { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }],
  ],
  lease: [[{ type: 'lease', pool: 'web' }, { 'no token': 'denied', read: 'done', write: 'done', management: 'done' }]],
  'lock-session': [[{ type: 'lock-session', session: lockSession, ttlMs: 10_000, name: 'jobs/b' }, { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }]],
  'lock-acquire': [[{ type: 'lock-acquire', ...contender, waitMs: 0 }, { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }]],
  'lock-renew': [[{ type: 'lock-renew', session: lockSession.id, grants: [] }, { 'no token': 'missing', read: 'missing', write: 'done', management: 'done' }]],
  'lock-transfer': [[{ type: 'lock-transfer', ...contender, to: newSession().id }, { 'no token': 'denied', read: 'denied', write: 'missing', management: 'missing' }]],
  'lock-release': [[{ type: 'lock-release', ...contender }, { 'no token': 'missing', read: 'missing', write: 'done', management: 'done' }]],
  'lock-end': [[{ type: 'lock-end', session: lockSession.id }, { 'no token': 'missing', read: 'missing', write: 'done', management: 'done' }]],
  'lock-queue': [[{ type: 'lock-queue', name: 'jobs/a' }, { 'no token': 'denied', read: 'done', write: 'done', management: 'done' }]],
  txn: [
    [{ type: 'txn', grants: [], operations: [{ type: 'put', key: 'app/new', value: 'AA==' }] }, { 'no token': 'denied', read: 'denied', write: 'done', management: 'done' }],
    [{ type: 'txn', grants: [{ name: 'jobs/a', contender: contender.contender, token: '1' }], operations: [] }, { 'no token': 'denied', read: 'missing', write: 'missing', management: 'missing' }],
  ],
  'pick-report': [[{ type: 'pick-report', intervalMs: 10_000, services: [{ service: 'web', picks: 1, failures: 0 }] }, { 'no token': 'done', read: 'done', write: 'done', management: 'done' }]],
  goodbye: [[{ type: 'goodbye' }, { 'no token': 'done', read: 'done', write: 'done', management: 'done' }]],
};

describe('the matrix', () => {
  it('has every request', () => {
    expect(Object.keys(matrix).toSorted()).toEqual(Object.keys(requestAccess).toSorted());
  });

  it.each(callers)('%s', async (who) => {
    await fill();
    const token = await tokenOf(who);
    if (who === 'wrong token') {
      expect(await refusal(headersOf(token))).toMatchObject({ status: 401, text: expect.stringContaining('no token has this secret, or the token has expired') });
      return;
    }
    const client = await greeted(token, { session: newSession() });
    for (const [frame, outcomes] of Object.values(matrix).flat()) {
      const outcome = await outcomeOf(client, frame as { type: string; views?: [{ name: string }] });
      expect([frame, outcome], JSON.stringify(frame)).toEqual([frame, outcomes[who]]);
    }
    // None of the requests changed rows of other sessions.
    expect(instanceOf('web-1')).toBeDefined();
  });
});

async function outcomeOf(client: SocketClient, frame: { type: string; views?: [{ name: string }] }): Promise<Outcome> {
  const told = await client.ask(frame);
  if (told.type === 'error') return told.code === 'permission_denied' ? 'denied' : 'missing';
  if (told.type === 'done') return told.applied ? 'done' : 'missing';
  if (told.type === 'leased' || told.type === 'locked' || told.type === 'lock-waiting') return 'done';
  if (told.type === 'lock-renewed' || told.type === 'committed') return told.applied ? 'done' : 'missing';
  const seen = told.type === 'watching' ? await client.push(frame.views?.[0].name ?? '') : told;
  return seen.type === 'snapshot' && seen.items.length > 0 ? 'seen' : 'empty';
}

describe('the handshake', () => {
  it('is refused for a wrong token with the reason, and after several guesses with 429', async () => {
    expect(await refusal({ authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      text: 'no token has this secret, or the token has expired',
    });
    let last = await refusal({ authorization: 'Bearer wrong' });
    for (let guesses = 0; guesses < 100 && last.status === 401; guesses++) last = await refusal({ authorization: `Bearer guess-${guesses}` });
    expect(last).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, text: expect.stringContaining('too many') });
  });

  it('ignores a token in the URL', async () => {
    const token = await grants.token(rules.write);
    const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}/rollcall/v1/stream?token=${token.secret}`);
    await new Promise((resolve) => webSocket.once('open', resolve));
    const answer = new Promise<string>((resolve) => webSocket.on('message', (data: Buffer) => resolve(data.toString())));
    webSocket.send('{"id":1,"type":"hello","protocol":1,"client":"x"}');
    expect(await answer).toContain('welcome');
    const denied = new Promise<string>((resolve) => webSocket.on('message', (data: Buffer) => resolve(data.toString())));
    webSocket.send('{"id":2,"type":"kv-put","key":"a","value":""}');
    expect(await denied).toContain("anonymous token lacks permission 'key:write'");
    webSocket.terminate();
  });
});

describe('a registration', () => {
  it('needs only the service identity of its service', async () => {
    const token = await grants.token('', { serviceIdentities: [{ service: 'web', datacenters: [] }] });
    const client = await greeted(token, { session: newSession() });
    expect(await client.ask(register('web-1', 'web'))).toMatchObject({ type: 'done' });
    expect(await client.ask(register('db-1', 'db'))).toMatchObject({ code: 'permission_denied' });
    // A service identity may read all other services.
    expect(await client.ask({ type: 'get', view: view('service', 'db') })).toMatchObject({ type: 'snapshot' });
  });

  it('is refused for another service, also one that it would replace', async () => {
    await fill();
    const client = await greeted(await grants.token('service "web" { policy = "write" }'), { session: newSession() });
    expect(await client.ask(register('web-2', 'web'))).toMatchObject({ type: 'done' });
    expect(await client.ask(register('x', 'db'))).toMatchObject({ message: expect.stringContaining(`lacks permission 'service:write' on "db"`) });
    expect(await client.ask(register('db-1', 'web'))).toMatchObject({ message: expect.stringContaining(`'service:write' on "db"`) });
    expect(instanceOf('db-1')?.service).toBe('db');
  });

  it('creates its node, and never changes an existing one', async () => {
    const own = await grants.token('service "web" { policy = "write" }');
    const named = await greeted(own, { session: newSession(), node: 'elsewhere' });
    expect(await named.ask(register())).toMatchObject({ type: 'done' });
    await server.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'db-host', address: '10.0.0.9' }, nodeMode: 'update' });
    const there = await greeted(own, { session: newSession(), node: 'db-host' });
    expect(await there.ask(register())).toMatchObject({ type: 'done' });
    expect(findNode(server.registry.state, 'db-host')?.address).toBe('10.0.0.9');
  });

  it('is removed by its session without any permission', async () => {
    const token = await grants.token('service "web" { policy = "write" }');
    const client = await greeted(token, { session: newSession() });
    await client.ask(register());
    await grants.change(token, 'service "web" { policy = "deny" }');
    expect(await client.ask(register('web-2'))).toMatchObject({ code: 'permission_denied' });
    expect(await client.ask({ type: 'drain', instances: ['web-1'] })).toMatchObject({ applied: true });
    expect(await client.ask({ type: 'deregister', instances: ['web-1'] })).toMatchObject({ applied: true });
  });
});

describe('a token that is deleted', () => {
  it('ends its streams with a reason, and no others', async () => {
    const [token, other] = [await grants.token(rules.read), await grants.token(rules.read)];
    const [cut, stays] = [await greeted(token), await greeted(other)];
    await cut.ask(watch('service', 'web'));
    await grants.revoke(token);
    expect(await cut.ended).toEqual({ code: 4003, reason: 'token gone' });
    expect(cut.inbox.at(-1)).toMatchObject({ type: 'error', code: 'unauthenticated', message: expect.stringContaining('no token has this secret, or the token has expired') });
    expect(await stays.ask({ type: 'get', view: view('services', '') })).toMatchObject({ type: 'snapshot' });
    expect(await refusal(headersOf(token))).toMatchObject({ status: 401 });
  });

  it('keeps its instances unchanged for the grace, then they are removed', async () => {
    const token = await grants.token(rules.write);
    const client = await greeted(token, { session: newSession(), graceMs: 1_000 });
    await client.ask(register());
    await grants.revoke(token);
    await client.ended;
    expect(findCheck(server.registry.state, 'default', 'here', 'stream:web-1')?.status).toBe('passing');
    await becomes(serviceView('default', 'web'), () => instanceOf('web-1') === undefined);
  });

  it('can be replaced: a stream with a new token resumes the session, and no watcher sees a change', async () => {
    const session = newSession();
    const token = await grants.token(rules.write);
    const client = await greeted(token, { session, graceMs: 1_000 });
    await client.ask(register());
    const before = instanceOf('web-1')?.modified;
    await grants.revoke(token);
    await client.ended;
    const again = await SocketClient.open(server.url, { headers: headersOf(await grants.token(rules.write)) });
    clients.push(again);
    expect(await again.ask({ type: 'hello', protocol: 1, client: 'x', session, graceMs: 1_000 })).toMatchObject({ resumed: true });
    expect(instanceOf('web-1')?.modified).toBe(before);
  });

  it('resumes its session with another token only for instances that the new token may write; the others are removed', async () => {
    const session = newSession();
    const client = await greeted(await grants.token(rules.write), { session });
    await client.ask(register('web-1', 'web'));
    await client.ask(register('db-1', 'db'));
    client.webSocket.terminate();
    const web = await grants.token('service "web" { policy = "write" }');
    const again = await SocketClient.open(server.url, { headers: headersOf(web) });
    clients.push(again);
    expect(await again.ask({ type: 'hello', protocol: 1, client: 'x', session })).toMatchObject({ resumed: false });
    expect([instanceOf('web-1')?.service, instanceOf('db-1')]).toEqual(['web', undefined]);
  });
});

describe('a watch', () => {
  it('ends when the token may no longer read its view, and the stream continues', async () => {
    await fill();
    const token = await grants.token(rules.read);
    const client = await greeted(token);
    await client.ask({ type: 'watch', views: [view('service', 'web'), view('service', 'db'), view('key', 'app/a')] });
    for (const name of ['web', 'db', 'app/a']) await client.push(name);
    await grants.change(token, 'service "web" { policy = "read" } node_prefix "" { policy = "read" }');
    const ends = [await client.push('db'), await client.push('app/a')];
    expect(ends).toMatchObject([
      { type: 'watch-ended', code: 'permission_denied', message: expect.stringContaining(`'service:read' on "db"`) },
      { type: 'watch-ended', code: 'permission_denied', message: expect.stringContaining(`'key:read' on "app/a"`) },
    ]);
    const admin = await greeted(management, { session: newSession() });
    await admin.ask(register('db-2', 'db'));
    await admin.ask(register('web-2', 'web'));
    expect(await client.push('web')).toMatchObject({ type: 'delta', put: [{ id: 'web-2' }] });
    expect(client.inbox).toEqual([]);
  });

  it('of a list follows the rights of the token', async () => {
    await fill();
    const token = await grants.token(rules.read);
    const client = await greeted(token);
    await client.ask({ type: 'watch', views: [view('services', ''), view('prefix', '')] });
    const whole = [await client.take((told) => told.type === 'snapshot'), await client.take((told) => told.type === 'snapshot')];
    expect(whole.map((told) => [(told['items'] as unknown[]).length, told['partial']])).toEqual([[3, undefined], [2, undefined]]);
    await grants.change(token, 'service "web" { policy = "read" } key_prefix "app/" { policy = "read" }');
    const part = [await client.take((told) => told.type === 'snapshot'), await client.take((told) => told.type === 'snapshot')];
    expect(part).toMatchObject([
      { partial: true, items: [{ service: 'web' }] },
      { partial: true, items: [{ key: 'app/a' }] },
    ]);
    // A client drops an answer that is older than its content.
    part.forEach((told, at) => expect(told['revision']).toBeGreaterThanOrEqual(whole[at]?.['revision'] as number));
    await grants.change(token, rules.read);
    expect(await client.take((told) => told.type === 'snapshot')).toMatchObject({ items: [{ service: 'consul' }, { service: 'db' }, { service: 'web' }] });
  });

  it('of a part is not sent again when the rights of other tokens change', async () => {
    await fill();
    const client = await greeted(await grants.token('service "web" { policy = "read" }'));
    await client.ask(watch('services', ''));
    await client.push('');
    await grants.change(await grants.token(rules.read), rules.write);
    // The answer comes after all pushes that the changes caused.
    await client.ask({ type: 'get', view: view('services', '') });
    const admin = await greeted(management, { session: newSession() });
    await admin.ask(register('web-2', 'web'));
    expect(client.inbox).toEqual([]);
  });

  it('leaves out instances on nodes that may not be read, in later pushes, too', async () => {
    const [near, far] = await Promise.all(['near', 'far'].map((node) => greeted(management, { session: newSession(), node })));
    await near?.ask(register('n1'));
    await far?.ask(register('f1'));
    const client = await greeted(await grants.token('service_prefix "" { policy = "read" } node "near" { policy = "read" }'));
    await client.ask(watch('service', 'web'));
    expect(await client.push('web')).toMatchObject({ partial: true, items: [{ id: 'n1' }] });
    await far?.ask(register('f2'));
    await near?.ask(register('n2'));
    expect(await client.push('web')).toMatchObject({ put: [{ id: 'n2' }], remove: [] });
    expect(client.inbox).toEqual([]);
  });

  it('of a part does not accept the revision of the whole as its own', async () => {
    await fill();
    const whole = await greeted(management);
    await whole.ask(watch('services', ''));
    const { revision } = (await whole.push('')) as unknown as { revision: number };
    const client = await greeted(await grants.token('service "web" { policy = "read" }'));
    await client.ask(watch('services', '', revision + 1_000));
    expect(await client.push('')).toMatchObject({ type: 'snapshot', partial: true, items: [{ service: 'web' }] });
  });

  it('gets no changes after its rights ended, in every order of the pushes', async () => {
    await fill();
    const token = await grants.token(rules.read);
    const readers = await Promise.all(Array.from({ length: 50 }, () => greeted(token)));
    for (const reader of readers) {
      await reader.ask(watch('key', 'secret/b'));
      await reader.push('secret/b');
    }
    const admin = await greeted(management);
    // The change of the rights and that of the key are applied as they are sent: in this order.
    const [, written] = [grants.change(token, 'key_prefix "app/" { policy = "read" }'), admin.ask({ ...put('secret/b'), value: 'BB==' })];
    await written;
    for (const reader of readers) expect(await reader.push('secret/b')).toMatchObject({ type: 'watch-ended', code: 'permission_denied' });
  });
});

describe('keys', () => {
  it('are deleted as a tree only with permission to write the whole tree', async () => {
    await fill();
    const client = await greeted(await grants.token('key_prefix "app/" { policy = "write" } key "app/kept" { policy = "read" }'));
    expect(await client.ask({ type: 'kv-delete', key: 'app/', recurse: true })).toMatchObject({ code: 'permission_denied' });
    expect(await client.ask({ type: 'kv-delete', key: 'app/a' })).toMatchObject({ applied: true });
  });
});

it('without access control, the token is ignored', async () => {
  await stop();
  await start({ acl: undefined as never });
  const client = await greeted('whatever', { session: newSession() });
  expect(await client.ask(register())).toMatchObject({ type: 'done' });
});

it('changes and refusals are in the audit log, without values', async () => {
  await stop();
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  await start({ auditFile: join(dir, 'audit') });
  const token = await grants.token('service "web" { policy = "write" } key "a" { policy = "write" }');
  const client = await greeted(token, { session: newSession() });
  await client.ask(register());
  await client.ask({ type: 'kv-put', key: 'a', value: 'c2VjcmV0', reason: 'ticket "7"' });
  await client.ask({ type: 'kv-put', key: 'b', value: 'c2VjcmV0' });
  await client.ask({ type: 'get', view: view('services', '') });
  await refusal({ authorization: 'Bearer wrong' });
  await refusal({ origin: 'https://evil.test' });
  await grants.revoke(token);
  await client.ended;
  await stop();
  const lines = readFileSync(join(dir, 'audit'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
  const own = lines.filter(({ via }) => via === 'stream').map(({ kind, accessorId, action }) => [kind, accessorId, action]);
  const id = token.token.accessorId;
  expect(own).toEqual([
    ['write', id, 'register web-1 of web'],
    ['write', id, 'kv-put a, because "ticket \\"7\\""'],
    ['denied', id, `kv-put: token ${id} lacks permission 'key:write' on "b" in namespace "default"`],
    ['unauthenticated', '', 'an unknown token'],
    ['denied', '', expect.stringMatching(/^handshake, for a page: origin/)],
    ['unauthenticated', id, "the stream's token is gone: no token has this secret, or the token has expired"],
  ]);
  expect(JSON.stringify(lines)).not.toContain('c2VjcmV0');
  await start();
});
