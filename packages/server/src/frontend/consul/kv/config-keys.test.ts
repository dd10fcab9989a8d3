/** Configurations as keys that can only be read: found, listed, waited for, hidden, never in place of a real key, and never written. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../../config-server.case.ts';
import { embedded } from '../../../engine/embedded/embedded.ts';
import { SocketClient } from '../../stream/socket-client.case.ts';

interface Entry {
  readonly Key: string;
  readonly Value: string;
  readonly ModifyIndex: number;
}

let consul: ConfigServer;
let session: string;
const dir = mkdtempSync(join(tmpdir(), 'rollcall-config-keys-'));
beforeAll(async () => {
  // These keys are from before the option.
  consul = await ConfigServer.start({ engine: embedded({ dir }) });
  for (const [key, value] of [['config/shop/real', 'real'], ['config/base/db', 'wins'], ['config/base/held', 'held']] as const) await put(key, value);
  const { ID } = await consul.json<{ ID: string }>('/v1/session/create', { method: 'PUT', body: '{}' });
  session = ID;
  await put(`config/base/held?acquire=${session}`, 'held');
  await consul[Symbol.asyncDispose]();
  consul = await ConfigServer.start({ engine: embedded({ dir }), configurationsInKv: true });
  await consul.publish('shop/app.properties', 'a=1\n', { format: 'properties' });
  await consul.publish('shop/site.conf', 'server {}', { format: 'text' });
  await consul.publish('shop/other/app.properties', 'of=another cluster\n', { format: 'properties' });
  await consul.publish('base/db', 'x', { format: 'text' });
  await consul.publish('base/held', 'x', { format: 'text' });
  await put('conf', 'x');
  await put('zoo', 'x');
});
afterAll(async () => {
  await consul[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

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

  test('gives way to a key from before, which can be unlocked and deleted, and not written', async () => {
    for (const [key, value] of [['config/base/db', 'wins'], ['config/base/held', 'held']]) expect((await consul.ask(`/v1/kv/${key}?raw`)).text).toBe(value);
    expect((await consul.ask('/v1/kv/config/base/db', { method: 'PUT', body: 'new' })).status).toBe(400);
    await put(`config/base/held?release=${session}`, 'held');
    for (const key of ['config/base/db', 'config/base/held']) {
      expect((await consul.ask(`/v1/kv/${key}`, { method: 'DELETE' })).text).toBe('true');
      expect((await consul.ask(`/v1/kv/${key}?raw`)).text).toBe('x');
    }
  });

  test('is in lists, in order, once', async () => {
    expect(await keys('config/?keys')).toEqual(['config/base/db', 'config/base/held', 'config/shop/app.properties', 'config/shop/real', 'config/shop/site.conf']);
    expect(await keys('?keys')).toEqual(['conf', 'config/base/db', 'config/base/held', 'config/shop/app.properties', 'config/shop/real', 'config/shop/site.conf', 'zoo']);
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

  describe('is never written', () => {
    const path = '/v1/kv/config/shop/app.properties';
    const shows = async () => (await consul.ask(`${path}?raw`)).text;
    const refusal = /cannot be (?:written|deleted).*can only be read/;

    test.each([['PUT', ''], ['PUT', '?cas=0'], ['PUT', '?acquire=SESSION'], ['DELETE', ''], ['DELETE', '?cas=1']])('by %s %s', async (method, query) => {
      const { ID } = await consul.json<{ ID: string }>('/v1/session/create', { method: 'PUT', body: '{}' });
      const before = await shows();
      const { status, text } = await consul.ask(`${path}${query.replace('SESSION', ID)}`, { method, ...(method === 'PUT' ? { body: 'mine' } : {}) });
      expect([status, text]).toEqual([400, expect.stringMatching(refusal)]);
      expect(await shows()).toBe(before);
    });

    test('before it is published, so that no key is in its place', async () => {
      expect((await consul.ask('/v1/kv/config/shop/later', { method: 'PUT', body: 'mine' })).status).toBe(400);
      expect((await consul.ask('/v1/kv/config/shop/later', { method: 'DELETE' })).text).toBe('true');
      await put('config/shop', 'a key that can show no configuration');
    });

    test.each(['set', 'cas', 'lock', 'delete', 'delete-cas'])('by %s in a transaction, of which nothing happens', async (Verb) => {
      const { ID } = await consul.json<{ ID: string }>('/v1/session/create', { method: 'PUT', body: '{}' });
      const operations = [{ KV: { Verb: 'set', Key: 'beside', Value: 'eA==' } }, { KV: { Verb, Key: 'config/shop/app.properties', Value: 'eA==', Session: ID, Index: 0 } }];
      const { status, text } = await consul.ask('/v1/txn', { method: 'PUT', body: JSON.stringify(operations) });
      expect([status, JSON.parse(text)]).toEqual([409, { Results: null, Errors: [{ OpIndex: 1, What: expect.stringMatching(refusal) as string }] }]);
      expect((await consul.ask('/v1/kv/beside')).status).toBe(404);
    });

    test('by the deletion of a tree', async () => {
      const before = await shows();
      expect((await consul.ask('/v1/kv/config/shop/app?recurse', { method: 'DELETE' })).text).toBe('true');
      expect(await shows()).toBe(before);
    });

    test('over the stream', async () => {
      const client = await SocketClient.greeted(consul.server.url);
      const key = 'config/shop/app.properties';
      const write = { type: 'put', key, value: 'AA==' };
      for (const frame of [{ type: 'kv-put', key, value: 'AA==' }, { type: 'kv-delete', key }, { type: 'txn', grants: [], operations: [write] }]) {
        expect(await client.ask(frame)).toMatchObject({ type: 'error', code: 'invalid_argument', message: expect.stringMatching(refusal) as string });
      }
    });
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
