/** MCP servers and agents over HTTP: what is listed, pages, rights, namespaces, cards, and bad input. */

import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { surface } from './routes.ts';

interface Entry {
  readonly server: { readonly name: string; readonly description: string; readonly title?: string; readonly version: string; readonly remotes: readonly { readonly url: string }[] };
  readonly _meta: Readonly<Record<string, { readonly isLatest: boolean; readonly status: string; readonly publishedAt: string; readonly updatedAt: string }>>;
}

interface Page {
  readonly servers: readonly Entry[];
  readonly metadata: { readonly count: number; readonly nextCursor?: string };
}

interface Given {
  readonly id: string;
  readonly service: string;
  readonly port?: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly status?: string;
  readonly namespace?: string;
}

let registry: ConfigServer;
let agent: HttpServer;
let agentPort: number;
/** Answers of the agent, by path. */
const cards = new Map<string, string>();
let asked = 0;

beforeAll(async () => {
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken } });
  agent = createHttpServer((request, response) => {
    asked++;
    const card = cards.get(request.url ?? '');
    if (request.url === '/elsewhere') response.writeHead(302, { location: '/.well-known/agent-card.json' }).end();
    else response.writeHead(card === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(card);
  });
  await new Promise<void>((done) => agent.listen(0, '127.0.0.1', done));
  agentPort = (agent.address() as AddressInfo).port;
  await put('/v1/namespace', { Name: 'team-a' });
  await register({ id: 'w1', service: 'weather', port: 8_001, meta: { 'mcp-version': '1.9.0', 'mcp-title': 'Weather', 'mcp-name': 'com.example/weather' } });
  await register({ id: 'w2', service: 'weather', port: 8_002, meta: { 'mcp-version': '1.10.0', 'mcp-name': 'com.example/weather', 'mcp-path': 'rpc' } });
  await register({ id: 'w3', service: 'weather', port: 8_003, meta: { 'mcp-version': '1.10.0', 'mcp-name': 'com.example/weather' } });
  await register({ id: 'w4', service: 'weather', port: 8_004, meta: { 'mcp-version': '2.0.0' }, status: 'critical' });
  await register({ id: 'w5', service: 'weather', port: 8_005, tags: [] });
  await register({ id: 'f:1', service: 'files:a' });
  await register({ id: 's1', service: 'secret' });
  await register({ id: 'd1', service: 'dead', status: 'critical' });
  await register({ id: 'o1', service: 'other', namespace: 'team-a' });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await new Promise((done) => agent.close(done).closeAllConnections());
});

const management = { headers: { 'x-consul-token': managementToken } };

async function put(path: string, body: object): Promise<void> {
  const { status, text } = await registry.ask(path, { method: 'PUT', body: JSON.stringify(body), ...management });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
}

function register({ id, service, port = 8_000, tags = ['mcp'], meta = {}, status = 'passing', namespace = 'default' }: Given): Promise<void> {
  const body = { ID: id, Name: service, Address: '127.0.0.1', Port: port, Tags: tags, Meta: meta, Check: { TTL: '600s', Status: status } };
  return put(`/v1/agent/service/register?ns=${namespace}`, body);
}

const servers = (query = '', headers: Record<string, string> = management.headers) => registry.json<Page>(`/v0.1/servers${query}`, { headers });
const names = (page: Page) => page.servers.map(({ server }) => `${server.name} ${server.version}`);

describe('the list of MCP servers', () => {
  test('has each version of a service of which an instance answers, newest first', async () => {
    const page = await servers();
    expect(names(page)).toEqual(['rollcall.default/files-a 0.0.0', 'rollcall.default/secret 0.0.0', 'com.example/weather 1.10.0', 'com.example/weather 1.9.0']);
    const [, , newest, older] = page.servers;
    expect(newest?.server).toMatchObject({ description: 'The service weather', remotes: [{ type: 'streamable-http', url: 'http://127.0.0.1:8002/rpc' }, { url: 'http://127.0.0.1:8003/mcp' }] });
    expect(older?.server.title).toBe('Weather');
    const official = page.servers.map(({ _meta: meta }) => meta['io.modelcontextprotocol.registry/official']);
    expect(official.map((each) => [each?.status, each?.isLatest])).toEqual([['active', true], ['active', true], ['active', true], ['active', false]]);
    expect(Date.parse(official[0]?.updatedAt ?? '')).toBeGreaterThan(0);
  });

  test('comes in pages, between the versions of one service, too', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await servers(`?limit=1${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.metadata.count).toBe(page.servers.length);
      expect(page.servers).toHaveLength(1);
      seen.push(...names(page));
      cursor = page.metadata.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(names(await servers()));
  });

  test.each([
    ['?search=WEATHER', ['com.example/weather 1.10.0', 'com.example/weather 1.9.0']],
    ['?search=weather&version=latest', ['com.example/weather 1.10.0']],
    ['?version=1.9.0', ['com.example/weather 1.9.0']],
    ['?search=none', []],
    ['?updated_since=2999-01-01T00:00:00Z', []],
    [`?search=weather&updated_since=${encodeURIComponent('2020-01-01T00:00:00.000+02:00')}`, ['com.example/weather 1.10.0', 'com.example/weather 1.9.0']],
  ])('%s', async (query, expected) => {
    expect(names(await servers(query))).toEqual(expected);
  });

  test.each([
    ['?limit=0', 'limit is "0"; it must be from 1 to 100'],
    ['?limit=101', 'limit is "101"; it must be from 1 to 100'],
    ['?limit=x', 'limit is "x"; it must be from 1 to 100'],
    ['?cursor=%00', 'the cursor is not one of this server; begin again without one'],
    ['?cursor=d2VhdGhlcg', 'the cursor is not one of this server; begin again without one'],
    ['?updated_since=yesterday', 'updated_since is "yesterday", which is no time of RFC 3339, such as 2026-01-31T12:00:00Z'],
    [`?search=${'x'.repeat(256)}`, 'search has 256 characters, the limit is 255'],
  ])('%s is refused', async (query, error) => {
    const { status, text } = await registry.ask(`/v0.1/servers${query}`, management);
    expect([status, JSON.parse(text)]).toEqual([400, { error }]);
  });

  test('has only what the caller may read, in the namespace of its token', async () => {
    const reader = await registry.tokenWith('service "weather" { policy = "read" }');
    expect(names(await servers('?search=', { 'x-consul-token': reader }))).toEqual(['com.example/weather 1.10.0', 'com.example/weather 1.9.0']);
    expect(names(await servers('', {}))).toEqual([]);
    expect(names(await servers('', { ...management.headers, 'x-rollcall-namespace': 'team-a' }))).toEqual(['rollcall.team-a/other 0.0.0']);
    expect((await registry.ask('/v0.1/servers', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });
});

test('a client that polls with updated_since learns what has changed, what has gone and what is back', async () => {
  const since = async () => {
    const { headers } = await registry.ask('/v0.1/servers', management);
    expect(headers.get('x-rollcall-as-of')).toBeNull();
    // The next millisecond: changes of the present one are after it.
    const now = Date.now();
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now));
    return new Date(now).toISOString();
  };
  const told = async (at: string, query = '') => {
    const page = await servers(`?updated_since=${at}${query}`);
    return page.servers.map(({ server, _meta: meta }) => `${server.name} ${server.version} ${meta['io.modelcontextprotocol.registry/official']?.status}`);
  };
  const before = await since();
  expect(await told(before)).toEqual([]);
  await register({ id: 'p1', service: 'polled', port: 8_010, meta: { 'mcp-version': '1.0.0' } });
  expect(await told(before)).toEqual(['rollcall.default/polled 1.0.0 active']);
  const alive = await since();
  await put('/v1/agent/check/fail/service:p1', {});
  expect(await told(alive)).toEqual(['rollcall.default/polled 1.0.0 deleted']);
  expect([await told(alive, '&version=latest'), await told(alive, '&version=2.0.0'), await told(alive, '&search=weather')]).toEqual([['rollcall.default/polled 1.0.0 deleted'], [], []]);
  expect(await told(before)).toEqual([]);
  const gone = await since();
  await put('/v1/agent/check/pass/service:p1', {});
  expect(await told(gone)).toEqual(['rollcall.default/polled 1.0.0 active']);
  const back = await since();
  await put('/v1/agent/service/deregister/p1', {});
  expect(await told(back)).toEqual(['rollcall.default/polled 1.0.0 deleted']);
  // It is hidden from a caller that may not read it, as the service was.
  const reader = await registry.tokenWith('service "weather" { policy = "read" }');
  expect((await servers(`?updated_since=${back}`, { 'x-consul-token': reader })).servers).toEqual([]);
});

describe('one MCP server', () => {
  test.each([
    ['/v0.1/servers/com.example%2Fweather/versions/latest', '1.10.0'],
    ['/v0.1/servers/com.example%2Fweather/versions/1.9.0', '1.9.0'],
  ])('%s', async (path, version) => {
    expect((await registry.json<Entry>(path, management)).server.version).toBe(version);
  });

  test('has all its versions', async () => {
    expect(names(await registry.json<Page>('/v0.1/servers/com.example%2Fweather/versions', management))).toEqual(['com.example/weather 1.10.0', 'com.example/weather 1.9.0']);
  });

  test.each([
    ['/v0.1/servers/com.example%2Fweather/versions/3.0.0', 'no instance of this MCP server with version "3.0.0" answers'],
    ['/v0.1/servers/rollcall.default%2Fdead/versions', 'no MCP server "rollcall.default/dead" answers'],
    ['/v0.1/servers/none/versions/latest', 'no MCP server "none" answers'],
  ])('%s is missing', async (path, error) => {
    const { status, text } = await registry.ask(path, management);
    expect([status, JSON.parse(text)]).toEqual([404, { error }]);
  });

  test('is missing for a caller who may not read it', async () => {
    const reader = await registry.tokenWith('service "files:a" { policy = "read" }');
    expect((await registry.ask('/v0.1/servers/com.example%2Fweather/versions', { headers: { 'x-consul-token': reader } })).status).toBe(404);
  });
});

describe('an agent', () => {
  const path = (service: string) => `/rollcall/v1/agents/${service}/.well-known/agent-card.json`;
  const card = (service: string, headers = {}) => registry.ask(path(service), { headers: { ...management.headers, ...headers } });
  const registered = (service: string, meta = {}) => register({ id: service, service, port: agentPort, tags: ['a2a'], meta });

  test('is listed, and its card is its own', async () => {
    cards.set('/.well-known/agent-card.json', '{ "name": "Planner", "version": "1" }');
    await registered('planner');
    expect(await registry.json('/rollcall/v1/agents', management)).toMatchObject({ agents: [{ service: 'planner', card: path('planner'), instances: 1 }], metadata: { count: 1 } });
    const { status, headers, text } = await card('planner');
    expect([status, text, headers.get('cache-control')]).toEqual([200, '{"name":"Planner","version":"1"}', 'private, max-age=5']);
    expect((await card('planner', { 'if-none-match': headers.get('etag') ?? '' })).status).toBe(304);
  });

  test('is asked once while many clients want its card', async () => {
    cards.set('/once.json', '{"name":"Once"}');
    await registered('once', { 'a2a-path': '/once.json' });
    const before = asked;
    const answers = await Promise.all(Array.from({ length: 20 }, () => card('once')));
    expect([answers.every(({ status }) => status === 200), asked - before]).toEqual([true, 1]);
  });

  test.each([
    ['whose card is missing', '/none', 'status 404'],
    ['whose answer is no card', '/number', 'the answer is not the card of an agent: it has no name'],
    ['whose answer is not JSON', '/text', 'the answer is not JSON'],
    ['whose answer is too long', '/long', 'its answer has more than 262144 bytes'],
    ['that sends the registry elsewhere', '/elsewhere', 'status 302'],
  ])('%s is a 404 that says why', async (_what, at, why) => {
    cards.set('/number', '5').set('/text', 'x').set('/long', JSON.stringify({ name: 'x'.repeat(300_000) }));
    await registered('bad', { 'a2a-path': at });
    const { status, text } = await card('bad');
    expect([status, JSON.parse(text)]).toEqual([404, { code: 'not_found', message: `no agent "bad" answers with a card: http://127.0.0.1:${agentPort}${at}: ${why}` }]);
  });

  test('that is hidden from the caller, or does not pass its checks, is a 404', async () => {
    const reader = await registry.tokenWith('service "weather" { policy = "read" }');
    await register({ id: 'ill', service: 'ill', port: agentPort, tags: ['a2a'], status: 'critical' });
    expect((await registry.ask(path('planner'), { headers: { 'x-consul-token': reader } })).status).toBe(404);
    expect((await card('ill')).status).toBe(404);
  });

  test('at the address of a metadata service is not asked', async () => {
    await put('/v1/agent/service/register', { ID: 'm', Name: 'metadata', Address: '169.254.169.254', Port: 80, Tags: ['a2a'] });
    const { status, text } = await card('metadata');
    expect([status, text]).toEqual([404, expect.stringContaining('169.254.169.254')]);
  });
});

test('every route has an answer for every path and query, and none is a 5xx', async () => {
  const texts = fc.string({ unit: fc.constantFrom('/', '%', '2', 'F', 'f', '.', '\\', ' ', 'a', '+', '&', '=', 'é') });
  const patterns = Object.values(surface).map((route) => route.path);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...patterns), texts, texts, async (pattern, part, query) => {
      const target = pattern.replaceAll(/\{\w+\}/g, encodeURI(part)).replaceAll('\\', '%5C');
      const { status } = await registry.ask(`${target}?${encodeURI(query)}`, management);
      expect(status).toBeLessThan(500);
    }),
  );
});
