/** Configurations as keys that can only be read: found, listed, waited for, hidden, and never in place of a real key. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../../config-server.case.ts';

interface Entry {
  readonly Key: string;
  readonly Value: string;
  readonly ModifyIndex: number;
}

let consul: ConfigServer;
beforeAll(async () => {
  consul = await ConfigServer.start({ configurationsInKv: true });
  await consul.publish('shop/app.properties', 'a=1\n', { format: 'properties' });
  await consul.publish('shop/site.conf', 'server {}', { format: 'text' });
  await consul.publish('shop/other/app.properties', 'of=another cluster\n', { format: 'properties' });
  await consul.publish('base/db', 'x', { format: 'text' });
  await put('config/shop/real', 'real');
  await put('config/base/db', 'wins');
  await put('conf', 'x');
  await put('zoo', 'x');
});
afterAll(() => consul[Symbol.asyncDispose]());

const put = async (key: string, value: string) => expect((await consul.ask(`/v1/kv/${key}`, { method: 'PUT', body: value })).text).toBe('true');
const keys = async (path: string) => JSON.parse((await consul.ask(`/v1/kv/${path}`)).text) as string[];

describe('a configuration as a key', () => {
  test('has the content of the cluster default', async () => {
    expect((await consul.ask('/v1/kv/config/shop/app.properties?raw')).text).toBe('a=1\n');
    const [entry] = await consul.json<Entry[]>('/v1/kv/config/shop/app.properties');
    expect(entry).toMatchObject({ Key: 'config/shop/app.properties', Value: Buffer.from('a=1\n').toString('base64'), Flags: 0, LockIndex: 0 });
    expect((await consul.ask('/v1/kv/config/shop/none')).status).toBe(404);
    expect((await consul.ask('/v1/kv/config/shop')).status).toBe(404);
  });

  test('gives way to a real key', async () => {
    expect((await consul.ask('/v1/kv/config/base/db?raw')).text).toBe('wins');
    expect((await consul.ask('/v1/kv/config/base/db', { method: 'DELETE' })).status).toBe(200);
    expect((await consul.ask('/v1/kv/config/base/db?raw')).text).toBe('x');
    await put('config/base/db', 'wins');
  });

  test('is in lists, in order, once', async () => {
    expect(await keys('config/?keys')).toEqual(['config/base/db', 'config/shop/app.properties', 'config/shop/real', 'config/shop/site.conf']);
    expect(await keys('?keys')).toEqual(['conf', 'config/base/db', 'config/shop/app.properties', 'config/shop/real', 'config/shop/site.conf', 'zoo']);
    expect(await keys('config/?keys&separator=/')).toEqual(['config/base/', 'config/shop/']);
    expect(await keys('z?keys')).toEqual(['zoo']);
    const rows = await consul.json<Entry[]>('/v1/kv/config/shop/?recurse');
    expect(rows.map(({ Key, Value }) => [Key, Buffer.from(Value, 'base64').toString()])).toEqual([['config/shop/app.properties', 'a=1\n'], ['config/shop/real', 'real'], ['config/shop/site.conf', 'server {}']]);
  });

  test.each(['config/shop/app.properties?raw', 'config/shop/?recurse'])('wakes a client that waits for it: %s', async (path) => {
    const before = await consul.ask(`/v1/kv/${path}`);
    const index = before.headers.get('x-consul-index') ?? '';
    const waiting = consul.ask(`/v1/kv/${path}&index=${index}&wait=20s`);
    await consul.publish('shop/app.properties', `a=${path.length}\n`, { format: 'properties' });
    const after = await waiting;
    expect([Number(after.headers.get('x-consul-index')) > Number(index), after.text === before.text]).toEqual([true, false]);
  });

  test('is never written: a write makes a real key', async () => {
    await put('config/shop/app.properties', 'mine');
    expect((await consul.ask('/v1/kv/config/shop/app.properties?raw')).text).toBe('mine');
    await consul.ask('/v1/kv/config/shop/app.properties', { method: 'DELETE' });
    expect((await consul.ask('/v1/kv/config/shop/app.properties?raw')).text).toMatch(/^a=/);
  });
});

test('5,000 configurations are listed in order', async () => {
  await using many = await ConfigServer.start({ configurationsInKv: true });
  const names = Array.from({ length: 5_000 }, (_, index) => `c${(index * 7_919) % 5_000}`);
  for (let at = 0; at < names.length; at += 500) await Promise.all(names.slice(at, at + 500).map((name) => many.publish(`a/${name}`, 'x', { format: 'text' })));
  const found = await many.json<string[]>('/v1/kv/config/?keys');
  expect(found).toEqual(names.map((name) => `config/a/${name}`).sort());
});

test('it is off unless it is asked for', async () => {
  await using own = await ConfigServer.start();
  await own.publish('shop/app', 'x', { format: 'text' });
  expect([(await own.ask('/v1/kv/config/shop/app')).status, (await own.ask('/v1/kv/config/?keys')).status]).toEqual([404, 404]);
});

test('a caller needs the rights to read the key and the configuration', async () => {
  await using guarded = await ConfigServer.start({ configurationsInKv: true, acl: { initialManagement: managementToken } });
  await guarded.publish('shop/app', 'x', { format: 'text' });
  await guarded.publish('shop/hidden', 'x', { format: 'text' });
  const ask = async (rules: string, path: string) => {
    const { status, text } = await guarded.ask(`/v1/kv/${path}`, { headers: { 'x-consul-token': await guarded.tokenWith(rules) } });
    return status === 200 ? text : status;
  };
  const both = 'key_prefix "config/" { policy = "read" }\nconfig "shop/app" { policy = "read" }';
  expect(await ask(both, 'config/shop/app?raw')).toBe('x');
  expect(await ask(both, 'config/shop/hidden?raw')).toBe(404);
  expect(await ask(both, 'config/?keys')).toBe('["config/shop/app"]');
  expect(await ask('key_prefix "config/" { policy = "read" }', 'config/shop/app?raw')).toBe(404);
  expect(await ask('config_prefix "" { policy = "read" }', 'config/shop/app?raw')).toBe(403);
});
