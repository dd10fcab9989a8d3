/** The list of keys: folders, pages, rights and tags. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../server.ts';
import { grantor, management } from '../../security/grantor.case.ts';

interface Entry {
  readonly folder?: string;
  readonly key?: string;
  readonly can?: readonly string[];
}

interface Page {
  readonly entries: readonly Entry[];
  readonly next?: string;
}

const put = async (url: string, key: string, body: string | Buffer = 'x', token = '') => {
  const answer = await fetch(`${url}/v1/kv/${key}`, { method: 'PUT', body: typeof body === 'string' ? body : new Uint8Array(body), headers: { 'x-consul-token': token } });
  expect(answer.status).toBe(200);
};
const ask = (url: string, query: string, headers: Record<string, string> = {}) => fetch(`${url}/rollcall/v1/keys${query}`, { headers });
const page = async (url: string, query: string, token?: string): Promise<Page> => {
  const response = await ask(url, query, token === undefined ? {} : { authorization: `Bearer ${token}` });
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
};
const names = ({ entries }: Page): readonly string[] => entries.map(({ folder, key }) => folder ?? key ?? '');

let server: Server;
beforeAll(async () => {
  server = await createServer({});
  for (const key of ['a', 'app/eu/1', 'app/eu/2', 'app/limit', 'app/us/deep/er/1', 'app-2', 'b/1', 'b/2', 'b/3']) await put(server.url, key);
});
afterAll(() => server.close());

describe('a list of keys', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['?separator=/', ['a', 'app-2', 'app/', 'b/'], undefined],
    ['?prefix=app/&separator=/', ['app/eu/', 'app/limit', 'app/us/'], undefined],
    ['?prefix=app&separator=/', ['app-2', 'app/'], undefined],
    ['?prefix=app/us/', ['app/us/deep/er/1'], undefined],
    ['?prefix=none/', [], undefined],
    ['?separator=/&limit=3', ['a', 'app-2', 'app/'], 'app/\uffff'],
    [`?separator=/&limit=3&after=${encodeURIComponent('app/\uffff')}`, ['b/'], undefined],
    ['?prefix=b/&separator=/&limit=2', ['b/1', 'b/2'], 'b/2'],
    ['?prefix=b/&separator=/&limit=2&after=b/2', ['b/3'], undefined],
    ['?prefix=b/&separator=/&limit=3', ['b/1', 'b/2', 'b/3'], undefined],
  ])('%s has %j', async (query, wanted, next) => {
    const found = await page(server.url, query);
    expect([names(found), found.next]).toEqual([wanted, next]);
  });

  it('has the beginning of a value that is text, its size, flags and session', async () => {
    const created = await fetch(`${server.url}/v1/session/create`, { method: 'PUT', body: JSON.stringify({ TTL: '60s' }) });
    const { ID: session } = (await created.json()) as { ID: string };
    await put(server.url, 'values/bytes', Buffer.from([0, 255]));
    await put(server.url, `values/held?acquire=${session}&flags=18446744073709551615`, 'hällo');
    // 200 characters of two bytes: the beginning ends inside of none.
    await put(server.url, 'values/long', 'ä'.repeat(200));
    expect((await page(server.url, '?prefix=values/')).entries).toEqual([
      { key: 'values/bytes', bytes: 2, flags: '0', revision: expect.any(Number) as number, can: ['read', 'write'] },
      { key: 'values/held', bytes: 6, flags: '18446744073709551615', revision: expect.any(Number) as number, session, beginning: 'hällo', can: ['read', 'write'] },
      { key: 'values/long', bytes: 400, flags: '0', revision: expect.any(Number) as number, beginning: 'ä'.repeat(120), can: ['read', 'write'] },
    ]);
  });

  it('is counted', async () => {
    expect(await (await ask(server.url, '/count?prefix=app/')).json()).toEqual({ count: 4 });
  });

  it('is sent again only when a key under the prefix has changed', async () => {
    const first = await ask(server.url, '?prefix=b/');
    const tag = first.headers.get('etag') ?? '';
    await first.text();
    await put(server.url, 'c');
    expect((await ask(server.url, '?prefix=b/', { 'if-none-match': tag })).status).toBe(304);
    await put(server.url, 'b/4');
    expect((await ask(server.url, '?prefix=b/', { 'if-none-match': tag })).status).toBe(200);
  });

  it.each([
    ['?limit=0', /limit is 0, it must be from 1 to 1000/],
    [`?prefix=${'x'.repeat(1_800)}`, /prefix has 1800 characters, the limit is 1701/],
    ['?separator=12345678901234567', /separator has 17 characters/],
    ['?namespace=-', /namespace "-" is not/],
  ])('refuses %s', async (query, message) => {
    const response = await ask(server.url, query);
    expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([400, expect.stringMatching(message)]);
  });

  it('has no other methods and paths', async () => {
    expect((await fetch(`${server.url}/rollcall/v1/keys`, { method: 'POST' })).status).toBe(405);
    expect((await ask(server.url, '/none')).status).toBe(404);
  });
});

it('shows what the caller may read, and folders with such keys only', async () => {
  const closed = await createServer({ acl: { initialManagement: management } });
  const grants = grantor(closed.registry);
  try {
    for (const key of ['app/eu/1', 'app/eu/2', 'app/secret', 'app/us/1', 'bank/1']) await put(closed.url, key, 'x', management);
    const { secret } = await grants.token('key_prefix "app/eu" { policy = "read" } key "app/eu/2" { policy = "write" }');
    expect(names(await page(closed.url, '?separator=/', secret))).toEqual(['app/']);
    expect(names(await page(closed.url, '?prefix=app/&separator=/', secret))).toEqual(['app/eu/']);
    expect((await page(closed.url, '?prefix=app/eu/', secret)).entries.map(({ key, can }) => [key, can])).toEqual([['app/eu/1', ['read']], ['app/eu/2', ['read', 'write']]]);
    expect(await (await ask(closed.url, '/count', { authorization: `Bearer ${secret}` })).json()).toEqual({ count: 2 });
    expect(names(await page(closed.url, ''))).toEqual([]);
    expect((await ask(closed.url, '', { authorization: 'Bearer wrong' })).status).toBe(401);
  } finally {
    grants.close();
    await closed.close();
  }
});

it('shows a past time', async () => {
  await put(server.url, 'past/a');
  const { revision } = (await (await fetch(`${server.url}/rollcall/v1/history`)).json()) as { revision: number };
  await fetch(`${server.url}/v1/kv/past/a`, { method: 'DELETE' });
  await put(server.url, 'past/b');
  const then = await ask(server.url, `?prefix=past/&at=r${revision}`);
  expect(names((await then.json()) as Page)).toEqual(['past/a']);
  expect(Number(then.headers.get('x-rollcall-as-of'))).toBeGreaterThan(0);
  const now = await ask(server.url, '?prefix=past/');
  expect([names((await now.json()) as Page), now.headers.get('x-rollcall-as-of')]).toEqual([['past/b'], null]);
  expect(then.headers.get('etag')).not.toBe(now.headers.get('etag'));
  expect(await (await ask(server.url, `/count?prefix=past/&at=r${revision}`)).json()).toEqual({ count: 1 });
});
