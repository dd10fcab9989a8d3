/** The past over HTTP: views as of a time are those that the stream showed then, with the caller's present rights; errors say what can be asked for. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameView } from '@rollcall/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { SocketClient } from '../stream/socket-client.case.ts';
import { surface } from './routes.ts';

interface View {
  readonly atMs: number;
  readonly revision: number;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly partial?: true;
}

interface Bounds {
  readonly sinceMs: number;
  readonly sinceRevision: number;
  readonly nowMs: number;
  readonly revision: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

const folder = mkdtempSync(join(tmpdir(), 'rollcall-history-'));
const clock = manualClock();
let registry: ConfigServer;
/** A time before everything changed, and what the stream showed then. */
let then: number;
const shown = new Map<string, unknown>();

const views: readonly FrameView[] = [
  { kind: 'services', name: '' },
  { kind: 'service', name: 'web' },
  { kind: 'service', name: 'db' },
  { kind: 'key', name: 'a/b' },
  { kind: 'prefix', name: 'a/' },
  { kind: 'route', name: 'web' },
  { kind: 'lock', name: 'jobs/a' },
];

beforeAll(async () => {
  writeFileSync(join(folder, 'keys'), `k1:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  registry = await ConfigServer.start({ clock, acl: { initialManagement: managementToken }, configKeys: { file: join(folder, 'keys') } });
  await register('web-1', 'web', { Tags: ['a'] });
  await register('web-2', 'web', { Tags: ['b'], Check: { TTL: '600s', Status: 'critical' } });
  await register('db-1', 'db');
  await put('/v1/kv/a/b', 'one');
  await put('/v1/kv/a/c', 'two');
  await put('/rollcall/v1/routes?service=web', JSON.stringify({ timeoutMs: 100 }));
  const session = { id: '7d0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c22', token: '1c6a1f7e-5b7f-4a55-9b3b-2f1a8b1f0d9e' };
  await post('/rollcall/v1/locks/session', { session, name: 'jobs/a', ttlMs: 600_000 });
  await post('/rollcall/v1/locks/acquire', { session, name: 'jobs/a', contender: '9e0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c33', limit: 1, waitMs: 0 });
  await post('/rollcall/v1/config/publish?app=shop&name=app', { content: 'password: "{secret}hidden{/secret}"\nsize: 1\n', format: 'yaml' });
  const client = await SocketClient.greeted(registry.server.url, {}, { headers: headersOf(managementToken) });
  for (const view of views) shown.set(JSON.stringify(view), (await client.ask({ type: 'get', view }))['items']);
  client.webSocket.terminate();
  then = clock.now();
  clock.advance(60_000);
  await put('/v1/agent/service/deregister/web-1');
  await put('/v1/agent/check/update/service:web-2', JSON.stringify({ Status: 'passing' }));
  await register('new-1', 'new');
  await put('/v1/agent/service/deregister/db-1');
  await put('/v1/kv/a/b', 'three');
  await ask('/v1/kv/a/c', { method: 'DELETE' });
  await ask('/rollcall/v1/routes?service=web', { method: 'DELETE' });
  await post('/rollcall/v1/locks/release', { session, name: 'jobs/a', contender: '9e0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c33' });
  await post('/rollcall/v1/config/publish?app=shop&name=app', { content: 'size: 2\n', format: 'yaml', confirmed: true });
  clock.advance(60_000);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const sorted = (items: readonly object[]) => items.map((item) => JSON.stringify(item)).toSorted();

const headersOf = (token: string) => ({ 'x-consul-token': token, authorization: `Bearer ${token}` });

async function ask(path: string, init: RequestInit = {}, token = managementToken) {
  const answer = await registry.ask(path, { ...init, headers: headersOf(token) });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer;
}

const put = (path: string, body = '') => ask(path, { method: 'PUT', body });
const post = (path: string, body: object) => ask(path, { method: 'POST', body: JSON.stringify(body) });
const register = (id: string, name: string, more: object = {}) => put('/v1/agent/service/register', JSON.stringify({ ID: id, Name: name, Port: 80, ...more }));

async function get<T>(path: string, token = managementToken): Promise<T> {
  return JSON.parse((await ask(path, {}, token)).text) as T;
}

const pathOf = ({ kind, name }: FrameView, at: number | string) => `/rollcall/v1/history/view?kind=${kind}&name=${encodeURIComponent(name)}&at=${at}`;

describe('a view as of a time', () => {
  test.each(views)('shows what the stream showed then: $kind $name', async (view) => {
    const { items, atMs, revision, partial } = await get<View>(pathOf(view, then));
    // The order of instances means nothing.
    expect(sorted(items)).toEqual(sorted(shown.get(JSON.stringify(view)) as readonly object[]));
    expect(items.length).toBeGreaterThan(0);
    expect([atMs, revision < registry.server.registry.state.revision, partial]).toEqual([then, true, undefined]);
    expect((await get<View>(pathOf(view, `r${revision}`))).items).toEqual(items);
    expect((await get<View>(pathOf(view, clock.now()))).items).not.toEqual(items);
  });

  test('of a configuration has the content of then, with secrets masked for every caller', async () => {
    const before = await get<View>(pathOf({ kind: 'config', name: 'shop/app' }, then));
    expect(before.items).toMatchObject([{ app: 'shop', name: 'app', release: 1, masked: true }]);
    expect(JSON.stringify(before)).not.toContain('hidden');
    expect((await get<View>(pathOf({ kind: 'config', name: 'shop/app' }, clock.now()))).items).toMatchObject([{ release: 2, content: 'size: 2\n' }]);
  });

  test('lacks what the token may not read now', async () => {
    const reader = await registry.tokenWith('service "web" { policy = "read" } key_prefix "a/b" { policy = "read" }');
    expect(await get<View>(pathOf({ kind: 'services', name: '' }, then), reader)).toMatchObject({ items: [{ service: 'web', tags: ['a', 'b'] }], partial: true });
    expect((await get<View>(pathOf({ kind: 'prefix', name: 'a/' }, then), reader)).items).toMatchObject([{ key: 'a/b' }]);
    for (const view of [{ kind: 'service', name: 'db' }, { kind: 'key', name: 'a/c' }, { kind: 'lock', name: 'jobs/a' }, { kind: 'config', name: 'shop/app' }] as const) {
      expect(await get<View>(pathOf(view, then), reader)).toMatchObject({ items: [], partial: true });
    }
  });

  test('of services has the health of then', async () => {
    const { services } = await get<{ services: readonly object[] }>(`/rollcall/v1/health?at=${then}`);
    expect(services.slice(1)).toMatchObject([{ service: 'db', instances: 1 }, { service: 'web', instances: 2, passing: 1, critical: 1, tags: ['a', 'b'] }]);
    const now = await get<{ services: readonly object[] }>('/rollcall/v1/health');
    expect(now.services.slice(1)).toMatchObject([{ service: 'new' }, { service: 'web', instances: 1, passing: 1, tags: ['b'] }]);
    const tagged = await registry.ask(`/rollcall/v1/health?at=${then}`, { headers: headersOf(managementToken) });
    const again = await registry.ask(`/rollcall/v1/health?at=${then}`, { headers: { ...headersOf(managementToken), 'if-none-match': tagged.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });
});

interface Change {
  readonly kind: string;
  readonly change: string;
  readonly name: string;
  readonly service?: string;
  readonly fields: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[];
}

interface Diff {
  readonly from: { readonly atMs: number };
  readonly to: { readonly atMs: number };
  readonly changes: readonly Change[];
  readonly truncated?: true;
}

describe('the difference of two times', () => {
  const brief = ({ changes }: Diff) => changes.map(({ kind, change, name }) => `${change} ${kind} ${name}`);

  test('says what was added, removed and changed, with the fields', async () => {
    const diff = await get<Diff>(`/rollcall/v1/history/diff?from=${then}`);
    expect([diff.from.atMs, diff.to.atMs, diff.truncated]).toEqual([then, clock.now(), undefined]);
    expect(brief(diff)).toEqual([
      'removed service db',
      'added service new',
      'removed instance db-1',
      'added instance new-1',
      'removed instance web-1',
      'changed instance web-2',
      'changed key a/b',
      'removed key a/c',
      'changed config shop/app',
      'removed route web',
      'removed lock jobs/a',
    ]);
    const of = (name: string) => diff.changes.find((each) => each.name === name && each.kind !== 'service')?.fields;
    expect(of('web-2')).toEqual([{ field: 'status', before: 'critical', after: 'passing' }]);
    expect(of('a/b')).toEqual([{ field: 'value', before: 'one', after: 'three' }]);
    expect(of('shop/app')).toContainEqual({ field: 'release', before: 1, after: 2 });
    expect(of('jobs/a')).toMatchObject([{ field: 'holders', before: [{ contender: '9e0e8a52-8f0b-4e0e-9c9a-1d2a6f2b7c33' }] }]);
    expect(JSON.stringify(diff)).not.toContain('hidden');
  });

  test('is empty between equal times, is limited, and has an order', async () => {
    expect((await get<Diff>(`/rollcall/v1/history/diff?from=${then}&to=${then}`)).changes).toEqual([]);
    expect(await get<Diff>(`/rollcall/v1/history/diff?from=${then}&limit=2`)).toMatchObject({ truncated: true, changes: [{}, {}] });
    const { status, text } = await registry.ask(`/rollcall/v1/history/diff?from=${clock.now()}&to=${then}`, { headers: headersOf(managementToken) });
    expect([status, text]).toEqual([400, expect.stringContaining('swap them')]);
  });

  test('lacks what the token may not read', async () => {
    const reader = await registry.tokenWith('service "web" { policy = "read" } node_prefix "" { policy = "read" } key_prefix "a/b" { policy = "read" }');
    expect(brief(await get<Diff>(`/rollcall/v1/history/diff?from=${then}`, reader))).toEqual(['removed instance web-1', 'changed instance web-2', 'changed key a/b', 'removed route web']);
  });
});

describe('the health of a service over a time', () => {
  test('comes in cells, each with its worst moment', async () => {
    const strip = await get<{ readonly cells: readonly unknown[] }>(`/rollcall/v1/history/strip?service=web&from=${then - 60_000}&to=${then + 120_000}&cells=3`);
    expect(strip).toEqual({ fromMs: then - 60_000, toMs: then + 120_000, cells: [null, { passing: 1, other: 1, worst: 'critical' }, { passing: 1, other: 0, worst: 'passing' }] });
    expect((await get<{ readonly cells: readonly unknown[] }>('/rollcall/v1/history/strip?service=web')).cells).toHaveLength(1_440);
  });

  test('and the changes of its checks need the right to read it', async () => {
    const reader = await registry.tokenWith('service "web" { policy = "read" } node_prefix "" { policy = "read" }');
    const node = [...registry.server.registry.state.rows()].flatMap(([, row]) => (row.kind === 'instance' && row.id === 'web-2' ? [row.node] : []))[0] ?? '';
    const checks = await get<object>(`/rollcall/v1/history/checks?service=web&id=web-2&node=${node}`, reader);
    expect(checks).toMatchObject({ failures: 0, changes: [{ atMs: then + 60_000, check: 'service:web-2', from: 'critical', to: 'passing' }, { from: null, to: 'critical' }] });
    for (const path of ['strip?service=db', `checks?service=db&id=web-2&node=${node}`]) {
      expect((await registry.ask(`/rollcall/v1/history/${path}`, { headers: headersOf(reader) })).status).toBe(403);
    }
  });
});

test('says from when on the past can be read', async () => {
  const bounds = await get<Bounds>('/rollcall/v1/history');
  expect(bounds).toEqual({ sinceMs: 1_700_000_000_000, sinceRevision: expect.any(Number) as number, nowMs: clock.now(), revision: registry.server.registry.state.revision, bytes: expect.any(Number) as number, bytesMax: 67_108_864 });
  expect(bounds.bytes).toBeGreaterThan(1_000);
});

test.each([
  ['view?kind=services&at=5', 'the history does not reach back to 1970-01-01T00:00:00.005Z: it begins at 2023-11-14T22:13:20.000Z (1700000000000), revision'],
  ['view?kind=services&at=r99999999', 'revision 99999999 is not written yet; the newest is'],
  ['view?kind=services&at=yesterday', 'at is "yesterday"; it must be a time in milliseconds since the Unix epoch, such as 1767225600000, or a revision, such as r123'],
  ['view?kind=services', 'at is missing: as of when?'],
  ['view?kind=none&at=5', 'kind is "none"; it must be one of service, services, route, key, prefix, lock, config'],
  ['view?kind=service&at=5', 'name is missing: which service?'],
  ['view?kind=config&name=app&at=5', 'name is "app"; a configuration is APP/NAME'],
  ['strip', 'service is missing'],
  ['strip?service=web&cells=0', 'cells is "0"; it must be a whole number from 1 to 2880'],
  ['strip?service=web&from=9&to=8', 'from is "9"; it must be a whole number from 0 to 7'],
  ['checks?service=web', 'id is missing'],
  ['diff', 'from is missing: as of when?'],
  ['view?kind=services&namespace=A%20b&at=5', 'namespace "A b" is not a DNS label'],
])('%s is refused', async (path, message) => {
  const { status, text } = await registry.ask(`/rollcall/v1/history/${path}`, { headers: headersOf(managementToken) });
  expect([status >= 400 && status < 500, (JSON.parse(text) as { message: string }).message]).toEqual([true, expect.stringContaining(message)]);
});

test('every query has an answer, and none is a 5xx', async () => {
  const texts = fc.string({ unit: fc.constantFrom('/', '%', '0', '9', 'r', '\0', ' ', 'a', '-', 'é') });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.values(surface).map(({ path }) => path)), fc.constantFrom('service', 'prefix', 'config'), texts, texts, async (path, kind, name, at) => {
      const query = new URLSearchParams({ kind, name, at, service: name, id: name, node: name, from: at, to: at, cells: at });
      expect((await registry.ask(`${path}?${query.toString()}`, { headers: headersOf(managementToken) })).status).toBeLessThan(500);
    }),
  );
});
