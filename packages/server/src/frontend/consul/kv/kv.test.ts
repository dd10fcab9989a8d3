/** KV: stored, listed and refused keys, and locks. Bodies and statuses are Consul's. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

interface Entry {
  readonly LockIndex: number;
  readonly Key: string;
  readonly Value: string | null;
  readonly Session?: string;
  readonly ModifyIndex: number;
}

async function entry(key: string): Promise<Entry> {
  const [found] = (await consul.get(`/v1/kv/${key}`)).json<Entry[]>();
  return found as Entry;
}

async function session(body: object = {}): Promise<string> {
  return (await consul.put('/v1/session/create', body)).json<{ ID: string }>().ID;
}

describe('values', () => {
  test('one key is a list of one object with exactly the keys that clients compare', async () => {
    expect((await consul.put('/v1/kv/one', 'hello')).text).toBe('true');
    const answer = await consul.get('/v1/kv/one');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    const { CreateIndex, ModifyIndex } = answer.json<Entry[] & { CreateIndex: number }[]>()[0] as never;
    expect(answer.json()).toEqual([
      { LockIndex: 0, Key: 'one', Flags: 0, Value: 'aGVsbG8=', CreateIndex, ModifyIndex },
    ]);
    expect(answer.index).toBe(ModifyIndex);
  });

  test('flags keep all of their 64 bits', async () => {
    await consul.put('/v1/kv/flags?flags=18446744073709551615', 'x');
    expect((await consul.get('/v1/kv/flags')).text).toContain('"Flags":18446744073709551615,');
    await consul.put('/v1/kv/flags?flags=3304740253564472344', 'x');
    expect((await consul.get('/v1/kv/flags?pretty')).text).toContain('    "Flags": 3304740253564472344,\n');
  });

  test('bytes are returned as they were written, raw and in base64', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    await consul.put('/v1/kv/bytes', bytes);
    const raw = await consul.get('/v1/kv/bytes?raw');
    expect(raw.bytes).toEqual(bytes);
    expect(raw.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'sandbox',
    });
    expect((await entry('bytes')).Value).toBe(bytes.toString('base64'));
  });

  test('an empty value is null, and an empty body when raw', async () => {
    await consul.put('/v1/kv/empty');
    expect((await entry('empty')).Value).toBeNull();
    const raw = await consul.get('/v1/kv/empty?raw');
    expect([raw.status, raw.text]).toEqual([200, '']);
  });

  test.each([
    ['a%2Fb%20c', 'a/b c'],
    ['a%23b', 'a#b'],
    ['a+b', 'a+b'],
    ['%C3%A9', 'é'],
    ['__proto__', '__proto__'],
    ['x//y/./z', 'x/y/z'],
    ['/lead', 'lead'],
  ])('the path %s is the key %s', async (path, key) => {
    expect((await consul.put(`/v1/kv/${path}`, 'v')).text).toBe('true');
    const read = await consul.get(`/v1/kv/${encodeURIComponent(key)}`);
    expect(read.json<Entry[]>()[0]?.Key).toBe(key);
  });

  test('a missing key is an empty 404 with an index from which a client can wait', async () => {
    for (const path of ['/v1/kv/none', '/v1/kv/none?raw', '/v1/kv/none/?recurse', '/v1/kv/none/?keys']) {
      const answer = await consul.get(path);
      expect([answer.status, answer.text]).toEqual([404, '']);
      expect(answer.index).toBeGreaterThan(0);
    }
  });

  test('values up to the limit are stored; one byte more is refused before the body is read', async () => {
    const limit = 524_288;
    expect((await consul.put('/v1/kv/big', Buffer.alloc(limit))).text).toBe('true');
    const refused = await consul.put('/v1/kv/big', Buffer.alloc(limit + 1));
    expect(refused.status).toBe(413);
    expect(refused.text).toBe(`Request body(${limit + 1} bytes) too large, max size: ${limit} bytes.`);
    expect((await consul.get('/v1/kv/big?raw')).bytes.length).toBe(limit);
  });
});

describe('lists', () => {
  beforeAll(async () => {
    for (const key of ['t/a', 't/b/c', 't/b/d', 't/e', 'tx']) await consul.put(`/v1/kv/${key}`, '1');
  });

  test.each([
    ['t/?keys', ['t/a', 't/b/c', 't/b/d', 't/e']],
    ['t/?keys&separator=/', ['t/a', 't/b/', 't/e']],
    ['t/?keys&seperator=/', ['t/a', 't/b/', 't/e']],
    ['t?keys&separator=/', ['t/', 'tx']],
    ['t/b?keys', ['t/b/c', 't/b/d']],
  ])('%s', async (path, keys) => expect((await consul.get(`/v1/kv/${path}`)).json()).toEqual(keys));

  test('recurse returns every entry under a prefix, in order', async () => {
    const entries = (await consul.get('/v1/kv/t/?recurse')).json<Entry[]>();
    expect(entries.map(({ Key }) => Key)).toEqual(['t/a', 't/b/c', 't/b/d', 't/e']);
  });

  test('the root of an empty store is an empty list, not a 404', async () => {
    await using empty = await Consul.start();
    const keys = await empty.get('/v1/kv/?keys');
    expect([keys.status, keys.text]).toEqual([200, '[]']);
    expect((await empty.get('/v1/kv/?recurse')).status).toBe(404);
  });
});

describe('conditions and deletion', () => {
  test('cas writes only at the right index; 0 only creates', async () => {
    expect((await consul.put('/v1/kv/cas?cas=0', '1')).text).toBe('true');
    expect((await consul.put('/v1/kv/cas?cas=0', '2')).text).toBe('false');
    const { ModifyIndex } = await entry('cas');
    expect((await consul.put(`/v1/kv/cas?cas=${ModifyIndex + 1}`, '2')).text).toBe('false');
    expect((await consul.put('/v1/kv/cas?cas=18446744073709551615', '2')).text).toBe('false');
    expect((await consul.put(`/v1/kv/cas?cas=${ModifyIndex}`, '2')).text).toBe('true');
    expect((await entry('cas')).Value).toBe(Buffer.from('2').toString('base64'));
  });

  test('writing the same value changes no index', async () => {
    await consul.put('/v1/kv/same', 'x');
    const { index } = await consul.get('/v1/kv/same');
    await consul.put('/v1/kv/same', 'x');
    expect((await consul.get('/v1/kv/same')).index).toBe(index);
  });

  test('deleting raises the index of the prefix, and succeeds for a missing key', async () => {
    await consul.put('/v1/kv/del/a', '1');
    await consul.put('/v1/kv/del/b', '1');
    const before = await consul.get('/v1/kv/del/?recurse');
    expect((await consul.delete('/v1/kv/del/a')).text).toBe('true');
    expect((await consul.get('/v1/kv/del/?recurse')).index).toBeGreaterThan(before.index);
    expect((await consul.delete('/v1/kv/del/a')).text).toBe('true');
    expect((await consul.delete('/v1/kv/del/?recurse')).text).toBe('true');
    const gone = await consul.get('/v1/kv/del/?recurse');
    expect(gone.status).toBe(404);
    expect(gone.index).toBeGreaterThan(before.index);
  });

  test('delete with cas: false at another index, true for a missing key', async () => {
    await consul.put('/v1/kv/dc', '1');
    const { ModifyIndex } = await entry('dc');
    expect((await consul.delete(`/v1/kv/dc?cas=${ModifyIndex + 1}`)).text).toBe('false');
    expect((await consul.delete('/v1/kv/dc?cas=0')).text).toBe('false');
    expect((await consul.delete(`/v1/kv/dc?cas=${ModifyIndex}`)).text).toBe('true');
    expect((await consul.delete('/v1/kv/dc?cas=77')).text).toBe('true');
  });

  test.each([
    ['PUT', '/v1/kv/c?cas=1&acquire=x', 400, 'Conflicting flags: acquire=x&cas=1'],
    ['PUT', '/v1/kv/c?release=y&acquire=x', 400, 'Conflicting flags: acquire=x&release=y'],
    ['DELETE', '/v1/kv/c?recurse&cas=1', 400, 'Conflicting flags: cas=1&recurse='],
    ['PUT', '/v1/kv/', 400, 'Missing key name'],
    ['GET', '/v1/kv/', 400, 'Missing key name'],
    ['GET', '/v1/kv', 400, 'Missing key name'],
    ['DELETE', '/v1/kv/', 400, 'Missing key name'],
    ['PUT', '/v1/kv/c?flags=x', 400, 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['PUT', '/v1/kv/c?cas=-1', 400, 'strconv.ParseUint: parsing "-1": invalid syntax'],
    ['PUT', '/v1/kv/a/..%2f..%2fetc', 400, 'Invalid key name "a/../../etc": ".." is not allowed'],
    ['PUT', '/v1/kv/a%00b', 400, 'Invalid key name "a\\u0000b": control characters are not allowed'],
    ['GET', '/v1/kv/a%0ab', 400, 'Invalid key name "a\\nb": control characters are not allowed'],
    ['GET', '/v1/kv/%ff', 400, 'Invalid path: "%ff" is not percent-encoded UTF-8'],
    ['PATCH', '/v1/kv/a', 405, 'method PATCH not allowed'],
  ])('%s %s is refused', async (method, path, status, text) => {
    const answer = await consul.ask(method, path, {});
    expect([answer.status, answer.text]).toEqual([status, text]);
  });

  test('a key longer than a record key is refused and does no harm', async () => {
    const answer = await consul.put(`/v1/kv/${'k'.repeat(4_000)}`, 'v');
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('the limit is');
    expect((await consul.put('/v1/kv/after', 'v')).text).toBe('true');
  });
});

describe('locks', () => {
  test('the first session to acquire holds the lock; acquiring again is true and counts once', async () => {
    const [one, two] = [await session(), await session()];
    expect((await consul.put(`/v1/kv/lock?acquire=${one}`, '1')).text).toBe('true');
    expect(await entry('lock')).toMatchObject({ LockIndex: 1, Session: one });
    expect((await consul.put(`/v1/kv/lock?acquire=${two}`, '2')).text).toBe('false');
    expect((await consul.put(`/v1/kv/lock?acquire=${one}`, '3')).text).toBe('true');
    expect(await entry('lock')).toMatchObject({ LockIndex: 1, Session: one });
    expect((await consul.put(`/v1/kv/lock?release=${two}`, '4')).text).toBe('false');
    expect((await consul.put(`/v1/kv/lock?release=${one}`, '5')).text).toBe('true');
    expect(await entry('lock')).not.toHaveProperty('Session');
    expect((await consul.put(`/v1/kv/lock?acquire=${two}`, '6')).text).toBe('true');
    expect(await entry('lock')).toMatchObject({ LockIndex: 2, Session: two });
  });

  test('destroying the session starts the lock delay; releasing does not', async () => {
    const [one, two] = [await session({ LockDelay: '15s' }), await session()];
    await consul.put(`/v1/kv/delayed?acquire=${one}`, '1');
    await consul.put(`/v1/session/destroy/${one}`);
    expect(await entry('delayed')).not.toHaveProperty('Session');
    expect((await consul.put(`/v1/kv/delayed?acquire=${two}`, '2')).text).toBe('false');
  });

  test('the behaviour delete removes the keys', async () => {
    const id = await session({ Behavior: 'delete', LockDelay: '0s' });
    await consul.put(`/v1/kv/ephemeral?acquire=${id}`, '1');
    await consul.put(`/v1/session/destroy/${id}`);
    expect((await consul.get('/v1/kv/ephemeral')).status).toBe(404);
  });

  test('an unknown session is a 500 that begins with the text that Patroni looks for', async () => {
    const answer = await consul.put('/v1/kv/lock2?acquire=unknown', '1');
    expect(answer.status).toBe(500);
    expect(answer.text).toMatch(/^invalid session "unknown"/);
  });
});
