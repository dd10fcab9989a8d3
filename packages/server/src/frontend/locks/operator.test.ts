/** What operators see of locks and do with them: lists in pages, with rights and tags, and taking a lock from its holder. */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../server.ts';
import { grantor } from '../../security/grantor.case.ts';

interface Shown {
  readonly locks: readonly { readonly name: string; readonly holding: number; readonly waiting: number; readonly holders: readonly object[]; readonly can: readonly string[] }[];
  readonly keys: readonly { readonly key: string; readonly session?: object }[];
  readonly count: number;
  readonly next?: string;
}

const bearer = (token?: string): Record<string, string> => (token === undefined ? {} : { authorization: `Bearer ${token}` });

async function post(url: string, path: string, body: object, token?: string): Promise<{ status: number; [field: string]: unknown }> {
  const response = await fetch(`${url}/rollcall/v1/locks/${path}`, { method: 'POST', body: JSON.stringify(body), headers: bearer(token) });
  return { status: response.status, ...((await response.json()) as object) };
}

async function list(url: string, query: string, token?: string): Promise<Shown> {
  const response = await fetch(`${url}/rollcall/v1/locks/${query}`, { headers: bearer(token) });
  expect(response.status).toBe(200);
  return (await response.json()) as Shown;
}

const newSession = () => ({ id: randomUUID(), token: randomUUID() });

async function holder(url: string, name: string, more: object = {}, token?: string) {
  const session = newSession();
  const of = { session, name, contender: randomUUID() };
  expect((await post(url, 'session', { session, name, ttlMs: 60_000 }, token)).status).toBe(200);
  const taken = await post(url, 'acquire', { ...of, ...more }, token);
  expect(taken).toMatchObject({ state: 'holds' });
  return { ...of, held: String(taken['token']) };
}

/** Waits in the queue without holding a request open: the request ends, the contender stays. */
async function waiter(url: string, name: string, value: string) {
  const session = newSession();
  const of = { session, name, contender: randomUUID() };
  await post(url, 'session', { session, name, ttlMs: 60_000 });
  const answer = post(url, 'acquire', { ...of, value, waitMs: 60_000 });
  const isThere = async () => ((await (await fetch(`${url}/rollcall/v1/locks?name=${encodeURIComponent(name)}`)).json()) as { waiting: { contender: string }[] }).waiting.some(({ contender }) => contender === of.contender);
  while (!(await isThere()));
  return { ...of, answer };
}

let server: Server;
beforeAll(async () => {
  server = await createServer({});
});
afterAll(() => server.close());

describe('the list of locks', () => {
  it('has holders with their tokens, how many wait, and none that is not in use', async () => {
    const first = await holder(server.url, 'list/a', { value: 'host-1' });
    await waiter(server.url, 'list/a', 'host-2');
    const freed = await holder(server.url, 'list/freed');
    await post(server.url, 'release', freed);
    const { locks, count } = await list(server.url, 'list?filter=LIST%2F');
    expect({ locks, count }).toEqual({
      count: 1,
      locks: [{ name: 'list/a', limit: 1, holding: 1, waiting: 1, holders: [{ contender: first.contender, session: first.session.id, token: first.held, sinceMs: expect.any(Number) as number, value: 'host-1', address: '127.0.0.1' }], can: ['read', 'write', 'expel'] }],
    });
  });

  it('shows at most ten holders of a semaphore, and counts all', async () => {
    for (let n = 0; n < 12; n++) await holder(server.url, 'many/permits', { limit: 20 });
    const [lock] = (await list(server.url, 'list?filter=many')).locks;
    expect([lock?.holding, lock?.holders.length]).toEqual([12, 10]);
  });

  it('comes in pages', async () => {
    for (const name of ['page/a', 'page/b', 'page/c']) await holder(server.url, name);
    const first = await list(server.url, 'list?filter=page&limit=2');
    expect([first.locks.map(({ name }) => name), first.count, first.next]).toEqual([['page/a', 'page/b'], 3, 'page/b']);
    const second = await list(server.url, `list?filter=page&limit=2&after=${encodeURIComponent(first.next ?? '')}`);
    expect([second.locks.map(({ name }) => name), second.next]).toEqual([['page/c'], undefined]);
  });

  it.each(['list', 'keys', '?name=tag%2Fa'])('%s is sent again only when it has changed', async (path) => {
    const url = `${server.url}/rollcall/v1/locks${path.startsWith('?') ? path : `/${path}`}`;
    const first = await fetch(url);
    const tag = first.headers.get('etag') ?? '';
    await first.text();
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(304);
    if (path === 'keys') await fetch(`${server.url}/v1/kv/tag`, { method: 'PUT', body: 'x' });
    else await holder(server.url, `tag/${randomUUID()}`);
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(200);
  });

  it.each([
    ['list?limit=0', /limit is 0, it must be from 1 to 1000/],
    ['list?limit=1001', /limit is 1001/],
    ['list?limit=x', /limit is x/],
    [`keys?filter=${'x'.repeat(2_000)}`, /filter must be a text/],
    ['list?namespace=-', /namespace must be/],
  ])('refuses %s', async (path, message) => {
    const response = await fetch(`${server.url}/rollcall/v1/locks/${path}`);
    expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([400, expect.stringMatching(message)]);
  });

  it('shows a past time', async () => {
    const held = await holder(server.url, 'past/a', { value: 'then' });
    const { revision } = (await (await fetch(`${server.url}/rollcall/v1/history`)).json()) as { revision: number };
    await post(server.url, 'release', held);
    expect((await list(server.url, `list?filter=past&at=r${revision}`)).locks).toMatchObject([{ name: 'past/a', holders: [{ value: 'then', token: held.held }] }]);
    expect((await list(server.url, 'list?filter=past')).locks).toEqual([]);
  });

  it('of keys that sessions hold has their sessions', async () => {
    const created = await fetch(`${server.url}/v1/session/create`, { method: 'PUT', body: JSON.stringify({ Name: 'worker', TTL: '60s' }) });
    const { ID: id } = (await created.json()) as { ID: string };
    await fetch(`${server.url}/v1/kv/held/leader?acquire=${id}`, { method: 'PUT', body: 'x' });
    await fetch(`${server.url}/v1/kv/held/other`, { method: 'PUT', body: 'x' });
    expect((await list(server.url, 'keys?filter=held')).keys).toEqual([{ key: 'held/leader', revision: expect.any(Number) as number, lockIndex: 1, session: { id, name: 'worker', node: expect.any(String) as string }, can: ['read', 'write'] }]);
    await fetch(`${server.url}/v1/session/destroy/${id}`, { method: 'PUT' });
    expect(await list(server.url, 'keys?filter=held')).toEqual({ keys: [], count: 0 });
  });
});

describe('an operator', () => {
  it('takes a lock from its holder: the next contender gets it with a higher token, and the holder learns it', async () => {
    const first = await holder(server.url, 'op/a', { value: 'one' });
    const second = await waiter(server.url, 'op/a', 'two');
    expect(await post(server.url, 'expel', { name: 'op/a', contender: first.contender, reason: 'host-1 hangs' })).toEqual({ status: 200, expelled: true });
    const granted = await second.answer;
    expect(granted).toMatchObject({ state: 'holds' });
    expect(BigInt(String(granted['token'])) > BigInt(first.held)).toBe(true);
    const grants = [{ name: 'op/a', contender: first.contender, token: first.held }];
    expect(await post(server.url, 'renew', { session: first.session, grants })).toEqual({ status: 200, alive: true, lost: [first.contender] });
    expect(await post(server.url, 'expel', { name: 'op/a', contender: first.contender })).toEqual({ status: 200, expelled: false });
  });

  it('removes a contender from the queue, whose request ends with a reason', async () => {
    await holder(server.url, 'op/b');
    const second = await waiter(server.url, 'op/b', 'two');
    expect(await post(server.url, 'expel', { name: 'op/b', contender: second.contender })).toMatchObject({ expelled: true });
    expect(await second.answer).toMatchObject({ code: 'cancelled', message: expect.stringContaining('has left the queue') as string });
  });

  it('gives a lock to a contender that is not the next one', async () => {
    const first = await holder(server.url, 'op/c');
    const second = await waiter(server.url, 'op/c', 'two');
    const third = await waiter(server.url, 'op/c', 'three');
    expect(await post(server.url, 'hand-over', { name: 'op/c', contender: first.contender, to: third.contender })).toEqual({ status: 200, handedOver: true });
    expect(await third.answer).toMatchObject({ state: 'holds' });
    expect(await post(server.url, 'hand-over', { name: 'op/c', contender: first.contender, to: second.contender })).toEqual({ status: 200, handedOver: false });
    expect(await post(server.url, 'hand-over', { name: 'op/c', contender: third.contender, to: first.contender })).toMatchObject({ status: 404, code: 'not_found' });
  });

  it.each([
    ['expel', { name: 'op/d' }, /contender is missing/],
    ['expel', { name: 'op/d', contender: randomUUID(), reason: 'x'.repeat(501) }, /reason must be a text of at most 500/],
    ['hand-over', { name: 'op/d', contender: randomUUID() }, /to is missing/],
  ])('with bad input to %s gets an error', async (path, body, message) => {
    expect(await post(server.url, path, body)).toMatchObject({ status: 400, message: expect.stringMatching(message) as string });
  });
});

describe('rights', () => {
  it('decide about rows, sessions and actions, and the audit log has the reason', async () => {
    const management = randomUUID();
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
    const closed = await createServer({ acl: { initialManagement: management }, auditFile: join(folder, 'audit') });
    const grants = grantor(closed.registry);
    try {
      const held = await holder(closed.url, 'shop/a', {}, management);
      await holder(closed.url, 'bank/a', {}, management);
      const shop = (await grants.token('lock_prefix "shop/" { policy = "write" }')).secret;
      const all = (await grants.token('lock_prefix "" { policy = "read" } operator = "write"')).secret;
      expect((await list(closed.url, 'list', shop)).locks.map(({ name, can }) => [name, can])).toEqual([['shop/a', ['read', 'write']]]);
      expect((await list(closed.url, 'list', all)).locks.map(({ name, can }) => [name, can])).toEqual([['bank/a', ['read', 'expel']], ['shop/a', ['read', 'expel']]]);
      const one = async (token: string): Promise<unknown> => (await (await fetch(`${closed.url}/rollcall/v1/locks?name=shop/a`, { headers: bearer(token) })).json()) as unknown;
      // An answer that is kept is shared by callers with the same rights only.
      expect(await one(management)).toMatchObject({ can: ['read', 'write', 'expel'], holders: [{ address: '127.0.0.1' }] });
      expect(await one(shop)).toMatchObject({ can: ['read', 'write'], holders: [expect.not.objectContaining({ address: '127.0.0.1' })] });
      expect(await one(all)).toMatchObject({ can: ['read', 'expel'], holders: [{ address: '127.0.0.1' }] });
      expect((await list(closed.url, 'list', shop)).locks[0]?.holders).toEqual([expect.not.objectContaining({ address: '127.0.0.1' })]);
      const keys = (await grants.token('key_prefix "" { policy = "read" } session_prefix "" { policy = "read" }')).secret;
      const created = await fetch(`${closed.url}/v1/session/create`, { method: 'PUT', body: '{}', headers: bearer(management) });
      const { ID: id } = (await created.json()) as { ID: string };
      await fetch(`${closed.url}/v1/kv/leader?acquire=${id}`, { method: 'PUT', body: 'x', headers: bearer(management) });
      expect((await list(closed.url, 'keys', management)).keys).toMatchObject([{ key: 'leader', can: ['read', 'write'] }]);
      expect((await list(closed.url, 'keys', keys)).keys).toMatchObject([{ key: 'leader', can: ['read'] }]);
      expect((await list(closed.url, 'list')).count).toBe(0);
      const body = { name: 'shop/a', contender: held.contender, reason: 'it hangs' };
      // Who may take a lock may not take it from another holder.
      expect(await post(closed.url, 'expel', body, shop)).toMatchObject({ status: 403, code: 'permission_denied', message: expect.stringContaining('operator:write') as string });
      expect((await post(closed.url, 'hand-over', { ...body, to: randomUUID() }, shop)).status).toBe(403);
      expect(await post(closed.url, 'expel', body, all)).toMatchObject({ expelled: true });
    } finally {
      grants.close();
      await closed.close();
    }
    const actions = readFileSync(join(folder, 'audit'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { readonly action: string }).action);
    expect(actions).toContainEqual(expect.stringMatching(/^POST \/rollcall\/v1\/locks\/expel shop\/a of contender [\da-f-]{36}, because "it hangs"$/));
    rmSync(folder, { recursive: true });
  });
});
