/** Apollo's meta server and config service over HTTP: what a client gets, waits for, and must sign. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { readAccessKeys, sign } from './access-keys.ts';
import { readEntries } from './notifications.ts';

interface Config {
  readonly appId: string;
  readonly cluster: string;
  readonly namespaceName: string;
  readonly configurations: Readonly<Record<string, string>>;
  readonly releaseKey: string;
}

let apollo: ConfigServer;
beforeAll(async () => {
  apollo = await ConfigServer.start();
  await apollo.publish('orders/application.properties', 'timeout=1\nname=orders\n', { format: 'properties' });
  await apollo.publish('orders/SHAJQ/application.properties', 'timeout=2\n', { format: 'properties' });
  await apollo.publish('orders/plain', 'a=b\n', { format: 'properties' });
  await apollo.publish('orders/features.yml', 'on: true\n', { format: 'yaml' });
  await apollo.publish('orders/beans.xml', '<a b="c"/>\n', { format: 'text' });
  await apollo.publish('base/common.db', 'url=shared\npool=5\n', { format: 'properties', settings: { visibility: 'public' } });
  await apollo.publish('orders/common.db', 'pool=9\n', { format: 'properties' });
  await apollo.publish('base/private.db', 'secret=1\n', { format: 'properties' });
  await apollo.publish('orders/gray.properties', 'v=main\n', { format: 'properties' });
  await apollo.publish('orders/gray.properties', 'v=gray\n', { format: 'properties', rollout: { name: 'gray', rule: { kind: 'address', addresses: ['10.0.0.7'] }, priority: 1 } });
  await apollo.publish('orders/gray.properties', 'v=label\n', { format: 'properties', rollout: { name: 'label', rule: { kind: 'label', label: 'label', values: ['blue'] }, priority: 2 } });
});
afterAll(() => apollo[Symbol.asyncDispose]());

const config = (path: string) => apollo.json<Config>(`/configs/${path}`);

describe('the meta server', () => {
  test('names this server at the address that the client used', async () => {
    const [service, ...more] = await apollo.json<{ appName: string; instanceId: string; homepageUrl: string }[]>('/services/config?appId=orders&ip=10.0.0.1');
    expect([service, more]).toEqual([{ appName: 'APOLLO-CONFIGSERVICE', instanceId: expect.any(String) as string, homepageUrl: `${apollo.server.url}/` }, []]);
    const [inBlue] = await apollo.json<{ homepageUrl: string }[]>('/apollo/blue/services/config');
    expect(inBlue?.homepageUrl).toBe(`${apollo.server.url}/apollo/blue/`);
  });
});

describe('a configuration', () => {
  test('has its values, the cluster that it was found in, and the name as asked', async () => {
    expect(await config('orders/default/application')).toEqual({ appId: 'orders', cluster: 'default', namespaceName: 'application', configurations: { timeout: '1', name: 'orders' }, releaseKey: expect.stringMatching(/^1-[0-9a-f]{16}$/) as string });
    expect(await config('orders/SHAJQ/application')).toMatchObject({ cluster: 'SHAJQ', configurations: { timeout: '2' } });
    expect(await config('orders/unknown/application')).toMatchObject({ cluster: 'default', configurations: { timeout: '1' } });
    expect(await config('orders/unknown/application?dataCenter=SHAJQ')).toMatchObject({ cluster: 'SHAJQ' });
    expect(await config('orders/default/application.properties')).toMatchObject({ namespaceName: 'application.properties', configurations: { timeout: '1' } });
    expect(await config('orders/default/plain')).toMatchObject({ configurations: { a: 'b' } });
  });

  test('of another format has its content under one key', async () => {
    expect((await config('orders/default/features.yml')).configurations).toEqual({ content: 'on: true\n' });
    expect((await config('orders/default/beans.xml')).configurations).toEqual({ content: '<a b="c"/>\n' });
  });

  test('that another app has published for all is below the app’s own, key by key', async () => {
    const found = await config('orders/default/common.db');
    expect([found.configurations, found.releaseKey.split('+').length]).toEqual([{ pool: '9', url: 'shared' }, 2]);
    expect((await config('other/default/common.db')).configurations).toEqual({ url: 'shared', pool: '5' });
    expect((await apollo.ask('/configs/orders/default/private.db')).status).toBe(404);
  });

  test('is found without regard to the case of its name, in the spelling of the request', async () => {
    await apollo.publish('cases/FX.apollo.properties', 'v=1\n', { format: 'properties' });
    await apollo.publish('cases/Beans.XML', '<a/>', { format: 'text' });
    await apollo.publish('cases/both', 'v=small\n', { format: 'properties' });
    await apollo.publish('cases/BOTH', 'v=capital\n', { format: 'properties' });
    await apollo.publish('caseowner/Shared.Pool.properties', 'v=shared\n', { format: 'properties', settings: { visibility: 'public' } });
    for (const name of ['APPLICATION', 'Application', 'application.PROPERTIES']) expect(await config(`orders/default/${name}`)).toMatchObject({ namespaceName: name, configurations: { timeout: '1' } });
    expect(await config('orders/SHAJQ/APPLICATION')).toMatchObject({ cluster: 'SHAJQ', configurations: { timeout: '2' } });
    expect((await config('cases/default/fx.APOLLO')).configurations).toEqual({ v: '1' });
    expect((await config('cases/default/beans.xml')).configurations).toEqual({ content: '<a/>' });
    expect([(await config('cases/default/both')).configurations, (await config('cases/default/BOTH')).configurations, (await config('cases/default/Both')).configurations]).toEqual([{ v: 'small' }, { v: 'capital' }, { v: 'small' }]);
    expect((await config('other/default/SHARED.pool')).configurations).toEqual({ v: 'shared' });
    expect((await config('orders/default/COMMON.DB')).configurations).toEqual({ pool: '9', url: 'shared' });
    expect((await apollo.ask('/configs/orders/default/PRIVATE.DB')).status).toBe(404);
  });

  test('is waited for without regard to the case of its name', async () => {
    await apollo.publish('waits/application.properties', 'v=1\n', { format: 'properties' });
    const poll = async (id: number) => JSON.parse((await apollo.ask(`/notifications/v2?appId=waits&cluster=default&notifications=${encodeURIComponent(JSON.stringify([{ namespaceName: 'APPLICATION', notificationId: id }]))}`)).text) as { namespaceName: string; notificationId: number }[];
    const [first] = await poll(-1);
    expect(first?.namespaceName).toBe('APPLICATION');
    const waiting = poll(first?.notificationId ?? 0);
    await apollo.publish('waits/application.properties', 'v=2\n', { format: 'properties' });
    const [second] = await waiting;
    expect([second?.namespaceName, (second?.notificationId ?? 0) > (first?.notificationId ?? 0)]).toEqual(['APPLICATION', true]);
  });

  test('is 304 for the key of its release, and 404 when there is none', async () => {
    const { releaseKey } = await config('orders/default/common.db');
    const same = await apollo.ask(`/configs/orders/default/common.db?releaseKey=${encodeURIComponent(releaseKey)}`);
    expect([same.status, same.text]).toEqual([304, '']);
    const missing = await apollo.ask('/configs/orders/default/none');
    expect([missing.status, missing.text]).toEqual([404, expect.stringContaining('could not load configurations with appId: orders, clusterName: default, namespace: none')]);
  });

  test.each([
    ['', 'main'],
    ['?ip=10.0.0.7', 'gray'],
    ['?ip=10.0.0.8', 'main'],
    ['?label=blue', 'label'],
    ['?label=green', 'main'],
  ])('of a rollout goes by what the client says of itself: %s', async (query, value) => {
    expect((await config(`orders/default/gray${query}`)).configurations).toEqual({ v: value });
  });
});

test.each([
  ['/configfiles/orders/default/application', 'text/plain;charset=UTF-8', 'timeout=1\nname=orders\n'],
  ['/configfiles/json/orders/default/common.db', 'application/json;charset=UTF-8', '{"pool":"9","url":"shared"}'],
  ['/configfiles/raw/orders/default/features.yml', 'text/plain;charset=UTF-8', 'on: true\n'],
  ['/apollo/default/configfiles/orders/default/application', 'text/plain;charset=UTF-8', 'timeout=1\nname=orders\n'],
])('%s is a file', async (path, type, text) => {
  const answer = await apollo.ask(path);
  expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([200, type, text]);
});

interface Notification {
  readonly namespaceName: string;
  readonly notificationId: number;
  readonly messages: { readonly details: Readonly<Record<string, number>> };
}

const poll = (entries: readonly (readonly [name: string, id: number])[], init: RequestInit = {}, more = '') =>
  apollo.ask(`/notifications/v2?appId=orders&cluster=default&notifications=${encodeURIComponent(JSON.stringify(entries.map(([namespaceName, notificationId]) => ({ namespaceName, notificationId }))))}${more}`, init);
const notified = async (entries: Parameters<typeof poll>[0]) => JSON.parse((await poll(entries)).text) as Notification[];

describe('notifications', () => {
  test('come at once for what the client has not seen, in its spelling', async () => {
    const found = await notified([['application', -1], ['features.yml', -1], ['Application.properties', -1]]);
    expect(found).toEqual([
      { namespaceName: 'application', notificationId: expect.any(Number) as number, messages: { details: { 'orders+default+application': expect.any(Number) as number } } },
      { namespaceName: 'features.yml', notificationId: expect.any(Number) as number, messages: { details: { 'orders+default+features.yml': expect.any(Number) as number } } },
      { namespaceName: 'Application.properties', notificationId: expect.any(Number) as number, messages: { details: { 'orders+default+Application': expect.any(Number) as number } } },
    ]);
  });

  test('wait for a publication, of the app or of the public configuration below, and rise', async () => {
    const before = await notified([['application', -1], ['common.db', -1]]);
    const ids = Object.fromEntries(before.map(({ namespaceName, notificationId }) => [namespaceName, notificationId]));
    const waiting = poll([['application', ids['application'] ?? 0], ['common.db', ids['common.db'] ?? 0]]);
    await apollo.publish('base/common.db', 'url=other\npool=5\n', { format: 'properties', settings: { visibility: 'public' } });
    const [first, ...more] = JSON.parse((await waiting).text) as Notification[];
    expect([first?.namespaceName, (first?.notificationId ?? 0) > (ids['common.db'] ?? 0), more]).toEqual(['common.db', true, []]);
    expect((await config('orders/default/common.db')).configurations).toEqual({ pool: '9', url: 'other' });
  });

  test('wait for a configuration that does not exist yet', async () => {
    const waiting = poll([['born', -1]]);
    await apollo.publish('orders/born.properties', 'a=1\n', { format: 'properties' });
    expect(JSON.parse((await waiting).text)).toMatchObject([{ namespaceName: 'born' }]);
  });

  test('come at once for an id of another store', async () => {
    expect(await notified([['application', Number.MAX_SAFE_INTEGER]])).toMatchObject([{ namespaceName: 'application' }]);
  });

  test('leave nothing behind when the client goes', async () => {
    const { views } = apollo.server.registry;
    const before = views.watching;
    const notificationId = (await notified([['application', -1]]))[0]?.notificationId ?? 0;
    const gone = new AbortController();
    const waiting = poll([['application', notificationId]], { signal: gone.signal }).catch(() => 'gone');
    await vi.waitFor(() => expect(views.watching).toBeGreaterThan(before), { interval: 5, timeout: 20_000 });
    gone.abort();
    expect(await waiting).toBe('gone');
    await vi.waitFor(() => expect(views.watching).toBe(before), { interval: 5, timeout: 20_000 });
  });

  test('are 304 when the server closes', async () => {
    await using own = await ConfigServer.start();
    const { views } = own.server.registry;
    const before = views.watching;
    const waiting = own.ask('/notifications/v2?appId=a&cluster=default&notifications=[{"namespaceName":"x","notificationId":-1}]');
    await vi.waitFor(() => expect(views.watching).toBeGreaterThan(before), { interval: 5, timeout: 20_000 });
    await own.server.close();
    expect((await waiting).status).toBe(304);
  });

  test.each(['', 'x', '[]', '{}', '[1]', '[{"namespaceName":"a"}]', '[{"namespaceName":"a","notificationId":"1"}]', '[{"namespaceName":"","notificationId":1}]'])(
    'for the list %s are a 400',
    async (list) => {
      const { status, text } = await apollo.ask(`/notifications/v2?appId=orders&cluster=default&notifications=${encodeURIComponent(list)}`);
      expect([status, JSON.parse(text)]).toEqual([400, { status: 400, message: expect.stringContaining('notifications') as string, exception: 'invalid_argument' }]);
    },
  );

  test('of more than 1,000 namespaces are refused', () => {
    expect(() => readEntries(JSON.stringify(Array.from({ length: 1_001 }, (_, index) => ({ namespaceName: `n${index}`, notificationId: -1 }))))).toThrow('names 1001 namespaces, the limit is 1000');
  });

  test('without an app are a 400', async () => {
    expect((await apollo.ask('/notifications/v2?cluster=default&notifications=[]')).status).toBe(400);
  });

  test('of 200 clients are sent with one publication', async () => {
    await using own = await ConfigServer.start();
    await own.publish('a/x.properties', 'v=1\n', { format: 'properties' });
    const list = encodeURIComponent('[{"namespaceName":"x","notificationId":-1}]');
    const notificationId = (await own.json<Notification[]>(`/notifications/v2?appId=a&cluster=default&notifications=${list}`))[0]?.notificationId ?? 0;
    const { views } = own.server.registry;
    const waiting = Array.from({ length: 200 }, () => own.ask(`/notifications/v2?appId=a&cluster=default&notifications=${encodeURIComponent(JSON.stringify([{ namespaceName: 'x', notificationId }]))}`, { headers: { connection: 'close' } }));
    await vi.waitFor(() => expect(views.watching).toBeGreaterThanOrEqual(400), { interval: 20, timeout: 20_000 });
    await own.publish('a/x.properties', 'v=2\n', { format: 'properties' });
    const statuses = await Promise.all(waiting.map(async (each) => (await each).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(200);
  });
});

describe('access keys', () => {
  let signed: ConfigServer;
  let folder = '';
  const routes = ['/configs/orders/default/application', '/configfiles/orders/default/application', '/configfiles/json/orders/default/application', '/configfiles/raw/orders/default/application', '/notifications/v2?appId=orders&cluster=default&notifications=%5B%7B%22namespaceName%22%3A%22application%22%2C%22notificationId%22%3A-1%7D%5D'];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-apollo-'));
    const file = join(folder, 'keys');
    await writeFile(file, '# of tests\norders first-secret\norders second-secret\n');
    await chmod(file, 0o600);
    signed = await ConfigServer.start({ apolloKeysFile: file });
    await signed.publish('orders/application.properties', 'a=1\n', { format: 'properties' });
    await signed.publish('open/application.properties', 'a=1\n', { format: 'properties' });
  });
  afterAll(async () => {
    await signed[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const ask = (target: string, { secret = 'first-secret', app = 'orders', at = Date.now(), signedTarget = target } = {}) =>
    signed.ask(target, { headers: { authorization: `Apollo ${app}:${sign(secret, String(at), signedTarget)}`, timestamp: String(at) } });

  test('the signature is the one of Apollo’s client', () => {
    // The example of apollo-java's SignatureTest.
    expect(sign('df23df3f59884980844ff3dada30fa97', '1576478257344', '/configs/100004458/default/application?ip=10.0.0.1')).toBe('EoKyziXvKqzHgwx+ijDJwgVTDgE=');
  });

  test.each(routes)('are needed on %s', async (target) => {
    expect((await signed.ask(target)).status).toBe(401);
    expect((await ask(target)).status).toBe(200);
    expect((await ask(target, { secret: 'second-secret' })).status).toBe(200);
    expect((await ask(target, { secret: 'wrong' })).status).toBe(401);
    expect((await ask(target, { app: 'open' })).status).toBe(401);
    expect((await ask(target, { at: Date.now() - 61_000 })).status).toBe(401);
    expect((await ask(target, { at: Date.now() + 61_000 })).status).toBe(401);
    expect((await ask(target, { signedTarget: `${target}x` })).status).toBe(401);
    expect((await signed.ask(target, { headers: { authorization: 'Apollo orders:', timestamp: '1' } })).status).toBe(401);
    expect((await signed.ask(target, { headers: { authorization: `Apollo orders:${sign('first-secret', '', target)}` } })).status).toBe(401);
  });

  test('are not asked of other apps, nor for the address of this server', async () => {
    expect((await signed.ask('/configs/open/default/application')).status).toBe(200);
    expect((await signed.ask('/services/config?appId=orders')).status).toBe(200);
  });

  test('cannot be avoided by another spelling of the app', async () => {
    expect((await signed.ask('/configs/%6frders/default/application')).status).toBe(401);
    expect((await signed.ask('/apollo/default/configs/orders/default/application')).status).toBe(401);
    expect((await signed.ask('/notifications/v2?appId=open&appId=orders&cluster=default&notifications=%5B%7B%22namespaceName%22%3A%22application%22%2C%22notificationId%22%3A-1%7D%5D')).status).toBe(200);
  });

  test.each([
    ['orders', 'keys, line 1: a line is APP SECRET'],
    ['\norders a b c', 'keys, line 2: a line is APP SECRET'],
  ])('in a file with %j are refused', (text, reason) => {
    expect(() => readAccessKeys(text, 'keys')).toThrow(reason);
  });
});

describe('with access control', () => {
  test('a caller needs the right to read; a key has the rights of its token', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-apollo-'));
    const file = join(folder, 'keys');
    await writeFile(file, `orders the-secret ${managementToken.replaceAll(' ', '-')}\n`, { mode: 0o600 });
    await using guarded = await ConfigServer.start({ acl: { initialManagement: managementToken.replaceAll(' ', '-') }, apolloKeysFile: file });
    await guarded.publish('orders/application.properties', 'a=1\n', { format: 'properties' });
    await guarded.publish('other/application.properties', 'a=1\n', { format: 'properties' });
    const at = String(Date.now());
    const target = '/configs/orders/default/application';
    expect((await guarded.ask('/configs/other/default/application')).status).toBe(403);
    expect((await guarded.ask('/configs/other/default/application', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await guarded.ask(target, { headers: { authorization: `Apollo orders:${sign('the-secret', at, target)}`, timestamp: at } })).status).toBe(200);
    await rm(folder, { recursive: true });
  });
});
