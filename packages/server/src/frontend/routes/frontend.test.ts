/** The JSON API of routes on a real server: what is set is shown, conditions, waiting, errors, rights and the audit log. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, test } from 'vitest';
import { grantor, management } from '../../security/grantor.case.ts';
import { createServer, type Server } from '../../server.ts';
import type { ServerOptions } from '../../server-options.ts';
import { routes } from './routes.ts';

let server: Server | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

async function start(options: ServerOptions = {}) {
  const running = (server = await createServer({ http: { port: 0 }, ...options }));
  const ask = async (method: string, path: string, query: Readonly<Record<string, string>>, { body, token, signal }: { body?: unknown; token?: string; signal?: AbortSignal } = {}): Promise<Answer> => {
    const response = await fetch(`${running.url}/rollcall/v1/routes${path}?${new URLSearchParams(query)}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as Answer['json'] };
  };
  return { running, ask };
}

const orders = { service: 'orders' } as const;

describe('the route of a service', () => {
  it('is set whole, shown, listed and deleted', async () => {
    const { ask } = await start();
    expect(await ask('GET', '', orders)).toEqual({ status: 200, json: { namespace: 'default', service: 'orders', revision: expect.any(Number) as number } });
    const set = await ask('PUT', '', orders, { body: { timeoutMs: 500, triesMax: 2 } });
    expect(set).toEqual({ status: 200, json: { done: true, revision: expect.any(Number) as number } });
    await ask('PUT', '', { service: 'bills' }, { body: {} });
    expect((await ask('GET', '', orders)).json).toMatchObject({ revision: set.json['revision'], route: { timeoutMs: 500, triesMax: 2 } });
    expect((await ask('GET', '/list', {})).json).toMatchObject({ namespace: 'default', routes: [{ service: 'bills', words: [] }, { service: 'orders', words: ['timeoutMs', 'triesMax'] }] });
    expect((await ask('DELETE', '', orders)).json).toEqual({ done: true });
    expect((await ask('DELETE', '', orders)).json).toEqual({ done: false });
    expect((await ask('GET', '', orders)).json).not.toHaveProperty('route');
  });

  it('is set only at the revision that the caller has seen', async () => {
    const { ask } = await start();
    const { revision } = (await ask('PUT', '', { ...orders, cas: '0' }, { body: { triesMax: 1 } })).json;
    expect((await ask('PUT', '', { ...orders, cas: '0' }, { body: { triesMax: 2 } })).json).toEqual({ done: false, revision });
    expect((await ask('PUT', '', { ...orders, cas: String(revision) }, { body: { triesMax: 2 } })).json).toMatchObject({ done: true });
    expect((await ask('DELETE', '', { ...orders, cas: String(revision) })).json).toEqual({ done: false });
  });

  it('is in a backup, and comes back with it', async () => {
    const { running, ask } = await start();
    await ask('PUT', '', orders, { body: { triesMax: 7 } });
    const backup = Buffer.from(await (await fetch(`${running.url}/rollcall/v1/backup`)).arrayBuffer());
    await ask('DELETE', '', orders);
    await ask('PUT', '', { service: 'bills' }, { body: {} });
    expect((await fetch(`${running.url}/rollcall/v1/restore`, { method: 'PUT', body: backup })).status).toBe(200);
    expect((await ask('GET', '', orders)).json).toMatchObject({ route: { triesMax: 7 } });
    expect((await ask('GET', '/list', {})).json).toMatchObject({ routes: [{ service: 'orders' }] });
  });

  it('is one of its namespace', async () => {
    const { running, ask } = await start();
    await running.registry.submit({ kind: 'namespace-put', name: 'blue' });
    await ask('PUT', '', { ...orders, namespace: 'blue' }, { body: { triesMax: 7 } });
    expect((await ask('GET', '', orders)).json).not.toHaveProperty('route');
    expect((await ask('GET', '', { ...orders, namespace: 'blue' })).json).toMatchObject({ namespace: 'blue', route: { triesMax: 7 } });
    expect(await ask('PUT', '', { ...orders, namespace: 'none' }, { body: {} })).toMatchObject({ status: 404, json: { code: 'not_found' } });
  });
});

test.each<[string, string, Readonly<Record<string, string>>, unknown, number, string]>([
  ['PUT', '', orders, '{', 400, 'the body is not JSON'],
  ['PUT', '', orders, { canary: { select: { version: '2' }, share: 10 } }, 400, 'canary.share is 10, it must be 0 to 1'],
  ['PUT', '', orders, { timeout: 3 }, 400, 'the route has the unknown field "timeout"; did you mean timeoutMs?'],
  ['PUT', '', orders, { description: 'x'.repeat(40_000) }, 413, 'request body has 40018 bytes, the limit is 32768'],
  ['PUT', '', {}, {}, 400, 'the query lacks service'],
  ['PUT', '', { service: 'a\nb' }, {}, 400, 'service "a\\nb" is no name of a service'],
  ['PUT', '', { ...orders, cas: '-1' }, {}, 400, 'cas is "-1", it must be a whole number'],
  ['GET', '', { ...orders, after: '1', waitMs: '700000' }, undefined, 400, 'waitMs is "700000", it must be a whole number from 0 to 600000'],
  ['POST', '', orders, {}, 405, 'POST is not possible here; use GET or HEAD or PUT or DELETE'],
  ['GET', '/none', {}, undefined, 404, 'no such path /rollcall/v1/routes/none; there is /rollcall/v1/routes, /rollcall/v1/routes/list'],
])('%s %s %j with %j is refused by name', async (method, path, query, body, status, message) => {
  const { ask } = await start();
  expect(await ask(method, path, query, { body })).toMatchObject({ status, json: { message: expect.stringContaining(message) as string } });
});

describe('a request that waits', () => {
  it('is answered by the next change of its service, and not by that of another', async () => {
    const { ask } = await start();
    const { revision } = (await ask('PUT', '', orders, { body: { triesMax: 1 } })).json;
    let answered = false;
    const waiting = ask('GET', '', { ...orders, after: String(revision), waitMs: '60000' }).finally(() => (answered = true));
    await ask('PUT', '', { service: 'bills' }, { body: {} });
    expect(answered).toBe(false);
    await ask('PUT', '', orders, { body: { triesMax: 2 } });
    expect((await waiting).json).toMatchObject({ route: { triesMax: 2 } });
  });

  it('for the list is answered by any change', async () => {
    const { ask } = await start();
    const { revision } = (await ask('GET', '/list', {})).json;
    const waiting = ask('GET', '/list', { after: String(revision), waitMs: '60000' });
    await ask('PUT', '', orders, { body: {} });
    expect((await waiting).json).toMatchObject({ routes: [{ service: 'orders' }] });
  });

  it('is answered with the present route when its time is over, at once for a revision of another store, and when the server closes', async () => {
    const { running, ask } = await start();
    const { revision } = (await ask('PUT', '', orders, { body: { triesMax: 1 } })).json;
    expect((await ask('GET', '', { ...orders, after: String(revision), waitMs: '20' })).json).toMatchObject({ revision, route: { triesMax: 1 } });
    expect((await ask('GET', '', { ...orders, after: '999999', waitMs: '60000' })).json).toMatchObject({ revision });
    const waiting = ask('GET', '', { ...orders, after: String(revision), waitMs: '60000' });
    await ask('GET', '', orders);
    await running.close();
    expect((await waiting).json).toMatchObject({ revision });
  });

  it('beyond the limit is refused, and one whose client has gone makes room', async () => {
    const { ask } = await start({ limits: { parkedMax: 1 } });
    const { revision } = (await ask('PUT', '', orders, { body: {} })).json;
    const query = { ...orders, after: String(revision), waitMs: '60000' };
    const gone = new AbortController();
    const first = ask('GET', '', query, { signal: gone.signal }).catch(() => 'gone');
    const refused = async () => (await ask('GET', '', { ...query, waitMs: '1' })).status;
    while ((await refused()) !== 503 && (await refused()) !== 429);
    gone.abort();
    expect(await first).toBe('gone');
    while ((await refused()) !== 200);
  });
});

describe('rights', () => {
  it('reading needs service:read and writing service:write on the service; the list leaves out the others', async () => {
    const { running, ask } = await start({ acl: { initialManagement: management } });
    const grants = grantor(running.registry);
    try {
      const { secret: reader } = await grants.token('service "orders" { policy = "read" }');
      const { secret: writer } = await grants.token('service "orders" { policy = "write" }');
      const { secret: other } = await grants.token('service "bills" { policy = "write" } key_prefix "" { policy = "write" } operator = "write"');
      for (const service of ['orders', 'bills']) await ask('PUT', '', { service }, { body: {}, token: management });
      const statuses = async (method: string) => Promise.all([undefined, reader, writer, other].map(async (token) => (await ask(method, '', orders, { ...(token === undefined ? {} : { token }), ...(method === 'PUT' ? { body: {} } : {}) })).status));
      expect(await statuses('GET')).toEqual([403, 200, 200, 403]);
      expect(await statuses('PUT')).toEqual([403, 403, 200, 403]);
      expect(await statuses('DELETE')).toEqual([403, 403, 200, 403]);
      expect((await ask('GET', '', orders, { token: 'wrong' })).status).toBe(401);
      expect((await ask('GET', '/list', {}, { token: other })).json).toMatchObject({ routes: [{ service: 'bills' }] });
      expect((await ask('GET', '/list', {})).json).toMatchObject({ routes: [] });
    } finally {
      grants.close();
    }
  });

  it('a token that loses its right while it waits gets nothing', async () => {
    const { running, ask } = await start({ acl: { initialManagement: management } });
    const grants = grantor(running.registry);
    try {
      const token = await grants.token('service "orders" { policy = "read" }');
      const { revision } = (await ask('PUT', '', orders, { body: { triesMax: 1 }, token: management })).json;
      const waiting = ask('GET', '', { ...orders, after: String(revision), waitMs: '60000' }, { token: token.secret });
      await ask('GET', '', orders, { token: token.secret });
      await grants.change(token, 'key "a" { policy = "read" }');
      await ask('PUT', '', orders, { body: { triesMax: 2 }, token: management });
      expect((await waiting).status).toBe(403);
    } finally {
      grants.close();
    }
  });

  it('every change and every refusal is in the audit log, with the service and without the rules', async () => {
    const auditFile = join(mkdtempSync(join(tmpdir(), 'routes-')), 'audit.log');
    onTestFinished(() => rmSync(dirname(auditFile), { recursive: true }));
    const { running, ask } = await start({ acl: { initialManagement: management }, auditFile });
    await ask('PUT', '', orders, { body: { description: 'hidden' }, token: management });
    await ask('PUT', '', orders, { body: {} });
    await ask('DELETE', '', orders, { token: management });
    await running.close();
    const lines = readFileSync(auditFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { readonly kind: string; readonly action: string });
    expect(lines.filter(({ action }) => action.includes('/routes')).map(({ kind, action }) => `${kind} ${action}`)).toEqual([
      'write PUT /rollcall/v1/routes of "orders"',
      'denied PUT /rollcall/v1/routes',
      'write DELETE /rollcall/v1/routes of "orders"',
    ]);
    expect(JSON.stringify(lines)).not.toContain('hidden');
  });

  it('every HTTP route declares them', () => {
    expect(routes.map(({ access }) => access.kind)).toEqual(['demands-by-name', 'filters']);
  });
});
