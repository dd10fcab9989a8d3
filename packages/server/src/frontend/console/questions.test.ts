/** The search and the overview: what they find, in which order, and only what the caller may read. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Overview, SearchAnswer } from '@rollcall/protocol';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { Turns } from '../../net/turns.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { lineWith, rankOfName } from './search-rank.ts';
import { search } from './search.ts';

let registry: ConfigServer;
/** Public id of a token that was refused something, and then deleted. */
let deleted: string;
const management = { 'x-consul-token': managementToken, authorization: `Bearer ${managementToken}` };

beforeAll(async () => {
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken } });
  for (const [service, id] of [['web', 'web-1'], ['web-admin', 'admin-1'], ['db', 'db-web-1']]) await put('/v1/agent/service/register', { Name: service, ID: id, Port: 80 });
  await put('/v1/kv/app/web/limit', 'requests = 100');
  await put('/v1/kv/app/motd', 'Welcome to the WEB shop\nsecond line');
  await post('/rollcall/v1/config/publish?app=shop&name=settings', { content: 'theme: dark\nwebhook: none', format: 'yaml', message: 'first' });
  const secret = await registry.tokenWith('operator = "read" keyring = "read"');
  deleted = (await registry.json<{ readonly AccessorID: string }>('/v1/acl/token/self', { headers: { 'x-consul-token': secret } })).AccessorID;
  await registry.ask('/v1/kv/app/denied', { method: 'PUT', body: '1', headers: { 'x-consul-token': secret } });
  await registry.ask(`/v1/acl/token/${deleted}`, { method: 'DELETE', headers: management });
});
afterAll(() => registry[Symbol.asyncDispose]());

async function put(path: string, body: object | string): Promise<void> {
  const { status, text } = await registry.ask(path, { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body), headers: management });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
}

async function post(path: string, body: object): Promise<unknown> {
  const { status, text } = await registry.ask(path, { method: 'POST', body: JSON.stringify(body), headers: management });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return JSON.parse(text);
}

const find = (query: string, token = managementToken) => registry.json<SearchAnswer>(`/rollcall/v1/search?${query}`, { headers: { 'x-consul-token': token } });
const briefly = ({ found }: SearchAnswer) => found.map(({ kind, name }) => `${kind} ${name}`);

describe('the search', () => {
  test('has exact names first, then beginnings, words, parts, and content last', async () => {
    const answer = await find('q=web');
    expect(briefly(answer)).toEqual(['service web', 'instance web-1', 'service web-admin', 'instance db-web-1', 'key app/web/limit', 'key app/motd', 'config shop/settings']);
    expect(answer.isComplete).toBe(true);
    expect(answer.found.find(({ name }) => name === 'app/motd')?.line).toBe('Welcome to the WEB shop');
    expect(answer.found.find(({ name }) => name === 'web-1')?.of).toEqual({ service: 'web', node: 'server-1' });
  });

  test('finds releases by their message, and tokens by their description', async () => {
    expect(briefly(await find('q=first'))).toEqual(['release shop/settings']);
    await put('/v1/acl/token', { Description: 'a reader of the web' });
    expect(briefly(await find('q=reader'))).toEqual(['token a reader of the web']);
  });

  test('finds people of the activity, also by the id of a token that is deleted, for callers who may read it', async () => {
    const reader = await registry.tokenWith('operator = "read"');
    expect((await find(`q=${deleted.slice(0, 8)}`, reader)).found).toEqual([{ kind: 'person', name: deleted, of: { accessorId: deleted } }]);
    expect(briefly(await find('q=initial'))).toContain('person Initial Management Token');
    expect(briefly(await find('q=initial', reader))).toEqual([]);
    expect(briefly(await find(`q=${deleted.slice(0, 8)}`, await registry.tokenWith('service_prefix "" { policy = "read" }')))).toEqual([]);
  });

  test('gives as many as are asked for', async () => {
    expect((await find('q=web&limit=2')).found).toHaveLength(2);
  });

  test('shows and counts only what the caller may read', async () => {
    const token = await registry.tokenWith('service "web" { policy = "read" } node_prefix "" { policy = "read" } key_prefix "app/web" { policy = "read" }');
    const answer = await find('q=web', token);
    expect(briefly(answer)).toEqual(['service web', 'instance web-1', 'key app/web/limit']);
    expect(answer.looked).toBe(4);
    expect(await find('q=web', await registry.tokenWith(''))).toEqual({ found: [], looked: 0, isComplete: true });
  });

  test('does not find secrets', async () => {
    await using own = await ConfigServer.start({ acl: { initialManagement: managementToken }, configKeys: { file: undefined, command: `node -e "console.log('k1:' + Buffer.alloc(32, 1).toString('base64'))"` } });
    const published = await own.ask('/rollcall/v1/config/publish?app=shop&name=db', { method: 'POST', headers: management, body: JSON.stringify({ content: 'password: {secret}hunter2{/secret}' }) });
    expect([published.status, published.text]).toEqual([200, expect.any(String)]);
    const answer = async (query: string) => (await own.json<SearchAnswer>(`/rollcall/v1/search?${query}`, { headers: management })).found;
    expect(await answer('q=hunter2')).toEqual([]);
    expect((await answer('q=password'))[0]?.line).toBe('password: {masked}');
  });

  test.each(['', 'q=', `q=${'a'.repeat(201)}`, 'q=a&limit=0', 'q=a&limit=101', 'q=a&limit=x'])('refuses ?%s', async (query) => {
    expect((await registry.ask(`/rollcall/v1/search?${query}`, { headers: management })).status).toBe(400);
  });

  test('stops after its budget of work, and says so', async () => {
    const { state } = registry.server.registry as unknown as { readonly state: Parameters<typeof search>[0]['state'] };
    const turns = new Turns();
    const answer = await new Promise<SearchAnswer>((resolve) => {
      const job = turns.start(search({ state, authorizer: unrestricted, namespace: 'default', tokens: [], people: [], typed: 'web', limit: 20, pace: turns.pace, unitsMax: 1 }));
      job.whenEnded((outcome) => 'value' in outcome && resolve(outcome.value));
    });
    expect(answer).toMatchObject({ looked: 3, isComplete: false });
  });
});

test.each([
  ['web', 'web', 100],
  ['web-admin', 'web', 73],
  ['my-web', 'web', 55],
  ['cobweb', 'web', 35],
  ['wide-ebb', 'web', 14],
  ['wide-ebb', 'we', undefined],
  ['database', 'web', undefined],
])('%j fits %j: %j', (name, typed, rank) => {
  const found = rankOfName(name, typed);
  expect(found === undefined ? undefined : Math.round(found)).toBe(rank);
});

test('a long line is cut around what was typed', () => {
  const line = lineWith(`first\n${'a'.repeat(500)} needle ${'b'.repeat(500)}\nlast`, 'needle');
  expect(line).toContain('needle');
  expect(line?.length).toBeLessThanOrEqual(120);
});

describe('the overview', () => {
  const look = async (token = managementToken) => (await registry.json<Overview>('/rollcall/v1/overview', { headers: { 'x-consul-token': token } })).lines;

  test('has failed nodes, rollouts and proposals, for callers who may read them', async () => {
    await put('/v1/catalog/register', { Node: 'host-1', Address: '10.0.0.1', Check: { Node: 'host-1', CheckID: 'disk', Name: 'disk', Status: 'critical' } });
    await post('/rollcall/v1/config/publish?app=shop&name=settings', { content: 'theme: light', format: 'yaml', rollout: { name: 'slow', plan: { stages: [{ percent: 10, bakeMs: 600_000 }] } } });
    const { revision } = (await post('/rollcall/v1/config/draft/save?app=shop&name=other', { content: 'a: 1', format: 'yaml' })) as { revision: number };
    await post('/rollcall/v1/config/propose?app=shop&name=other', { draft: revision });
    expect(await look()).toEqual([
      { kind: 'node', name: 'host-1' },
      expect.objectContaining({ kind: 'rollout', app: 'shop', name: 'settings', rollout: 'slow', stage: 1, stages: 1, state: 'running' }),
      expect.objectContaining({ kind: 'proposal', app: 'shop', name: 'other', approvals: 0 }),
    ]);
    expect(await look(await registry.tokenWith('node_prefix "" { policy = "read" }'))).toEqual([{ kind: 'node', name: 'host-1' }]);
    expect(await look(await registry.tokenWith(''))).toEqual([]);
  });

  test('has services with fewer instances than an hour and a day ago', async () => {
    const clock = manualClock();
    await using own = await ConfigServer.start({ clock });
    const register = (Name: string, ID: string) => own.ask('/v1/agent/service/register', { method: 'PUT', body: JSON.stringify({ Name, ID, Port: 80 }) });
    for (const id of ['web-1', 'web-2', 'web-3']) await register('web', id);
    await register('gone', 'gone-1');
    const lines = async () => (await own.json<Overview>('/rollcall/v1/overview')).lines;
    clock.advance(1_800_000);
    await own.ask('/v1/agent/service/deregister/web-2', { method: 'PUT' });
    await own.ask('/v1/agent/service/deregister/gone-1', { method: 'PUT' });
    // The history is too short to tell what is normal.
    expect(await lines()).toEqual([]);
    clock.advance(1_801_000);
    expect(await lines()).toEqual([
      { kind: 'fewer', name: 'gone', instances: 0, normally: 1 },
      { kind: 'fewer', name: 'web', instances: 2, normally: 3 },
    ]);
    // An hour later two instances are normal.
    clock.advance(3_600_000);
    expect(await lines()).toEqual([]);
  });

  test('of a past time has the nodes, rollouts and proposals of then', async () => {
    const clock = manualClock();
    await using own = await ConfigServer.start({ clock });
    const send = (method: string, path: string, body: object) => own.ask(path, { method, body: JSON.stringify(body) });
    const node = (Status: string) => send('PUT', '/v1/catalog/register', { Node: 'host-1', Address: '10.0.0.1', Check: { Node: 'host-1', CheckID: 'disk', Name: 'disk', Status } });
    await node('critical');
    await send('POST', '/rollcall/v1/config/publish?app=shop&name=settings', { content: 'a', format: 'text' });
    await send('POST', '/rollcall/v1/config/publish?app=shop&name=settings', { content: 'b', format: 'text', rollout: { name: 'slow', plan: { stages: [{ percent: 10, bakeMs: 600_000 }] } } });
    const thenMs = clock.now();
    clock.advance(5_000);
    await node('passing');
    const { headers, text } = await own.ask(`/rollcall/v1/overview?at=${thenMs}`);
    const { lines, missing } = JSON.parse(text) as Overview;
    expect([headers.get('x-rollcall-as-of'), lines, missing]).toEqual([String(thenMs), [{ kind: 'node', name: 'host-1' }, expect.objectContaining({ kind: 'rollout', name: 'settings', rollout: 'slow', state: 'running' })], []]);
    expect((await own.json<Overview>('/rollcall/v1/overview')).lines.map(({ kind }) => kind)).not.toContain('node');
    expect((await own.ask(`/rollcall/v1/overview?at=${thenMs - 1_000_000}`)).status).toBeGreaterThanOrEqual(400);
  });

  test('is not sent again while it says the same', async () => {
    const { headers } = await registry.ask('/rollcall/v1/overview', { headers: management });
    expect((await registry.ask('/rollcall/v1/overview', { headers: { ...management, 'if-none-match': headers.get('etag') ?? '' } })).status).toBe(304);
  });
});
