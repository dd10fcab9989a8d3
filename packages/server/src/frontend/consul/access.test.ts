/** Access control over HTTP: where tokens are, which rows are left out, which requests wait, what the audit log has. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import { type Answer, Consul, lasting } from './consul.case.ts';
import { accessOf } from './request/route.ts';
import { routeTable } from './routes.ts';

const management = 'root';
let consul: Consul;
let ids = 0;

beforeEach(async () => {
  consul = await Consul.start({ acl: { initialManagement: management } });
});
afterEach(() => consul[Symbol.asyncDispose]());

const as = (token: string) => ({ headers: { 'x-consul-token': token } });

async function manage<T>(method: 'PUT' | 'POST' | 'GET' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const text = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = await consul.ask(method, path, { ...as(management), ...text });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return (answer.text === '' ? undefined : answer.json()) as T;
}

interface Made {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly policy: string;
}

/** A new token with these rules. */
async function tokenWith(rules: string): Promise<Made> {
  const { ID } = await manage<{ ID: string }>('PUT', '/v1/acl/policy', { Name: `p${++ids}`, Rules: rules });
  return { ...(await manage<Made>('PUT', '/v1/acl/token', { Policies: [{ ID }] })), policy: ID };
}

const readWeb = 'node_prefix "" { policy = "read" } service "web" { policy = "read" }';

describe('declarations', () => {
  test('a route without declared access prevents the start of the server', () => {
    const table = routeTable(lasting);
    expect(() => assertAccessDeclared('consul', accessOf(table))).not.toThrow();
    const [first] = table;
    const forgotten = { path: '/v1/new', methods: { GET: { ...first?.methods.GET, access: undefined } } };
    // Types forbid it; a call that avoids them is stopped all the same.
    const bad = [...table, forgotten] as unknown as typeof table;
    expect(() => assertAccessDeclared('consul', accessOf(bad))).toThrow('GET /v1/new');
  });
});

describe('tokens', () => {
  test('come from ?token, then X-Consul-Token, then Authorization', async () => {
    const { SecretID } = await tokenWith('key "a" { policy = "read" }');
    await manage('PUT', '/v1/kv/a', 'x');
    const status = async (query: string, headers: Record<string, string>) =>
      (await consul.get(`/v1/kv/a${query}`, { headers })).status;
    expect(await status('', {})).toBe(403);
    expect(await status('', { 'X-Consul-Token': SecretID })).toBe(200);
    expect(await status('', { Authorization: `Bearer ${SecretID}` })).toBe(200);
    expect(await status('', { authorization: `bearer ${SecretID} more` })).toBe(200);
    expect(await status('', { Authorization: `Basic ${SecretID}` })).toBe(403);
    expect(await status(`?token=${SecretID}`, {})).toBe(200);
    expect(await status(`?token=${SecretID}`, { 'X-Consul-Token': 'wrong' })).toBe(200);
    expect(await status('?token=wrong', { 'X-Consul-Token': SecretID })).toBe(403);
    expect(await status('', { 'X-Consul-Token': 'wrong', Authorization: `Bearer ${SecretID}` })).toBe(403);
  });

  test('in a URL count for that request only, in every spelling of the parameter', async () => {
    const { SecretID } = await tokenWith(readWeb);
    await manage('PUT', '/v1/agent/service/register', { Name: 'web' });
    for (const name of ['token', 't%6Fken']) {
      for (const query of [`?${name}=${SecretID}`, `?index=1&${name}=${SecretID}`, `?${name}=${SecretID}&wait=1s`]) {
        expect((await consul.get(`/v1/catalog/service/web${query}`)).json()).toHaveLength(1);
        expect((await consul.get('/v1/catalog/service/web')).json()).toEqual([]);
        expect((await consul.get(`/v1/catalog/service/web?${name}=wrong`)).status).toBe(403);
      }
    }
  });

  test('that are unknown get a 403, and soon a 429 with the time to wait', async () => {
    const statuses = new Set<number>();
    let last: Answer | undefined;
    for (let tries = 0; tries < 100 && last?.status !== 429; tries++) {
      last = await consul.get('/v1/catalog/nodes', as(`wrong ${tries}`));
      statuses.add(last.status);
    }
    expect([...statuses]).toEqual([403, 429]);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
    // Callers of open routes are not slowed down, nor are callers whose token has worked from that address before.
    expect((await consul.get('/v1/status/leader')).status).toBe(200);
  });
});

describe('lists', () => {
  beforeEach(async () => {
    await manage('PUT', '/v1/agent/service/register', { Name: 'web', ID: 'web-1', Tags: ['a'] });
    await manage('PUT', '/v1/agent/service/register', { Name: 'db', ID: 'db-1' });
  });

  test('leave out rows that the caller may not read, and report it only to a caller with a token', async () => {
    const { SecretID } = await tokenWith(readWeb);
    const header = 'x-consul-results-filtered-by-acls';
    const all = await consul.get('/v1/catalog/services', as(management));
    expect([all.json(), all.headers[header]]).toEqual([{ consul: [], db: [], web: ['a'] }, undefined]);
    const some = await consul.get('/v1/catalog/services', as(SecretID));
    expect([some.json(), some.headers[header]]).toEqual([{ web: ['a'] }, 'true']);
    const none = await consul.get('/v1/catalog/services');
    expect([none.json(), none.headers[header]]).toEqual([{}, undefined]);
    const whole = await consul.get('/v1/catalog/service/web', as(SecretID));
    expect(whole.json()).toHaveLength(1);
    expect(whole.headers[header]).toBeUndefined();
    const { rawHeaders } = some;
    expect(rawHeaders).toContain('X-Consul-Results-Filtered-By-Acls');
  });

  test('are the same bytes for all callers that may read everything', async () => {
    const { SecretID } = await tokenWith(readWeb);
    const path = '/v1/health/service/web';
    const [mine, managers] = [await consul.get(path, as(SecretID)), await consul.get(path, as(management))];
    expect(mine.bytes.equals(managers.bytes)).toBe(true);
    expect(mine.index).toBe(managers.index);
  });

  test('are filtered by ?filter after rows without permission were left out', async () => {
    const { SecretID } = await tokenWith(readWeb);
    const path = `/v1/agent/services?filter=${encodeURIComponent('Service != "nope"')}`;
    expect(Object.keys((await consul.get(path, as(SecretID))).json<object>())).toEqual(['web-1']);
    const catalog = `/v1/catalog/services?filter=${encodeURIComponent('ServiceName != "nope"')}`;
    expect((await consul.get(catalog, as(SecretID))).json()).toEqual({ web: ['a'] });
  });

  test('of keys: a recursive read shows the readable keys, a read of one key is refused', async () => {
    for (const key of ['a/1', 'a/2', 'b']) await manage('PUT', `/v1/kv/${key}`, 'x');
    const { SecretID } = await tokenWith('key "a/1" { policy = "read" }');
    expect((await consul.get('/v1/kv/?keys', as(SecretID))).json()).toEqual(['a/1']);
    expect((await consul.get('/v1/kv/a?recurse', as(SecretID))).json()).toMatchObject([{ Key: 'a/1' }]);
    expect((await consul.get('/v1/kv/a/2', as(SecretID))).status).toBe(403);
    const hidden = await consul.get('/v1/kv/b?recurse', as(SecretID));
    expect([hidden.status, hidden.text, hidden.headers['x-consul-results-filtered-by-acls']]).toEqual([404, '', 'true']);
  });

  test('follow changes of policies at once', async () => {
    const { SecretID, policy } = await tokenWith(readWeb);
    const services = async () => (await consul.get('/v1/catalog/services', as(SecretID))).json();
    expect(await services()).toEqual({ web: ['a'] });
    await manage('PUT', `/v1/acl/policy/${policy}`, { Name: 'changed', Rules: 'service "db" { policy = "read" }' });
    expect(await services()).toEqual({ db: [] });
  });
});

describe('blocking queries', () => {
  test('end with a 403 in the turn in which their token is deleted', async () => {
    const { SecretID, AccessorID } = await tokenWith(readWeb);
    const { index } = await consul.get('/v1/catalog/nodes', as(SecretID));
    const waiting = [
      consul.get(`/v1/catalog/nodes?index=${index}&wait=300s`, as(SecretID)),
      consul.get(`/v1/event/list?index=1&wait=300s`, as(SecretID)),
    ];
    await consul.untilParked(2);
    await manage('DELETE', `/v1/acl/token/${AccessorID}`);
    expect(await consul.parked()).toBe(0);
    for (const { status, text } of await Promise.all(waiting)) expect([status, text]).toEqual([403, 'ACL not found']);
  });

  test('end when the right that they require is removed, but not when another is', async () => {
    await manage('PUT', '/v1/kv/a', 'x');
    const { SecretID, policy } = await tokenWith('key "a" { policy = "read" } key "b" { policy = "read" }');
    const { index } = await consul.get('/v1/kv/a', as(SecretID));
    const waiting = consul.get(`/v1/kv/a?index=${index}&wait=300s`, as(SecretID));
    await consul.untilParked(1);
    await manage('PUT', `/v1/acl/policy/${policy}`, { Name: 'less', Rules: 'key "a" { policy = "read" }' });
    expect(await consul.parked()).toBe(1);
    await manage('PUT', `/v1/acl/policy/${policy}`, { Name: 'less', Rules: '' });
    expect(await consul.parked()).toBe(0);
    expect(await waiting).toMatchObject({ status: 403, text: expect.stringContaining("lacks permission 'key:read'") as string });
  });

  test('answer with the rows that the caller may read at that time', async () => {
    await manage('PUT', '/v1/agent/service/register', { Name: 'web', ID: 'web-1' });
    const { SecretID, policy } = await tokenWith('service_prefix "" { policy = "read" }');
    const { index } = await consul.get('/v1/catalog/services', as(SecretID));
    const waiting = consul.get(`/v1/catalog/services?index=${index}&wait=300s`, as(SecretID));
    await consul.untilParked(1);
    await manage('PUT', `/v1/acl/policy/${policy}`, { Name: 'less', Rules: 'service "web" { policy = "read" }' });
    await manage('PUT', '/v1/agent/service/register', { Name: 'db' });
    expect((await waiting).json()).toEqual({ web: [] });
  });

  test('end within a second of the expiry of their token', async () => {
    const clock = manualClock();
    await using timed = await Consul.start({ acl: { initialManagement: management }, clock });
    const made = await timed.ask('PUT', '/v1/acl/token', { ...as(management), body: '{"ExpirationTTL":"60s"}' });
    const { SecretID } = made.json<Made>();
    const { index } = await timed.get('/v1/catalog/nodes', as(SecretID));
    const waiting = timed.get(`/v1/catalog/nodes?index=${index}&wait=300s`, as(SecretID));
    await timed.untilParked(1);
    clock.advance(61_000);
    expect(await waiting).toMatchObject({ status: 403, text: 'ACL not found' });
  });
});

describe('writes', () => {
  test('of a service require the right to the service that had the id before', async () => {
    await manage('PUT', '/v1/agent/service/register', { Name: 'db', ID: 'x' });
    const { SecretID } = await tokenWith('service "web" { policy = "write" }');
    const body = JSON.stringify({ Name: 'web', ID: 'x' });
    const taken = await consul.ask('PUT', '/v1/agent/service/register', { ...as(SecretID), body });
    expect([taken.status, taken.text]).toEqual([403, expect.stringMatching(/'service:write' on "db"$/)]);
    const other = JSON.stringify({ Name: 'web', ID: 'y' });
    expect((await consul.ask('PUT', '/v1/agent/service/register', { ...as(SecretID), body: other })).status).toBe(200);
  });

  test('to the catalog require node:write, unless the node exists and does not change', async () => {
    await manage('PUT', '/v1/catalog/register', { Node: 'ext', Address: '10.0.0.8', NodeMeta: { a: 'b' } });
    const { SecretID } = await tokenWith('service "web" { policy = "write" }');
    const register = async (node: object) => {
      const same = { Node: 'ext', Address: '10.0.0.8', NodeMeta: { a: 'b' }, Service: { Service: 'web' } };
      const body = JSON.stringify({ ...same, ...node });
      return (await consul.ask('PUT', '/v1/catalog/register', { ...as(SecretID), body })).status;
    };
    expect(await register({})).toBe(200);
    expect(await register({ NodeMeta: undefined, SkipNodeUpdate: true })).toBe(200);
    expect(await register({ Address: '10.0.0.9' })).toBe(403);
    expect(await register({ NodeMeta: { a: 'c' } })).toBe(403);
    expect(await register({ Node: 'new' })).toBe(403);
    expect(await register({ Check: { Name: 'disk', Status: 'passing' } })).toBe(403);
    expect(await register({ Check: { Name: 'up', Status: 'passing', ServiceID: 'web' } })).toBe(200);
  });

  test('of a tree of keys require the right to the whole tree', async () => {
    for (const key of ['app/a', 'app/secret/b']) await manage('PUT', `/v1/kv/${key}`, 'x');
    const { SecretID } = await tokenWith('key_prefix "app/" { policy = "write" } key_prefix "app/secret/" { policy = "deny" }');
    expect((await consul.ask('DELETE', '/v1/kv/app/?recurse', as(SecretID))).status).toBe(403);
    expect((await consul.ask('DELETE', '/v1/kv/app/a', as(SecretID))).text).toBe('true');
    expect(await manage<string[]>('GET', '/v1/kv/?keys')).toEqual(['app/secret/b']);
  });

  test('in a transaction are checked one by one; if one is refused, none takes effect', async () => {
    await manage('PUT', '/v1/kv/hidden', 'x');
    const { SecretID } = await tokenWith('key_prefix "app/" { policy = "write" } service "web" { policy = "write" }');
    const txn = async (...operations: object[]) => {
      const { status, text } = await consul.ask('PUT', '/v1/txn', { ...as(SecretID), body: JSON.stringify(operations) });
      const answer = JSON.parse(text) as { Results: unknown[] | null; Errors: { OpIndex: number; What: string }[] | null };
      return { status, ...answer };
    };
    const set = (Key: string) => ({ KV: { Verb: 'set', Key } });
    const denied = await txn(set('app/a'), set('b'), { Node: { Verb: 'set', Node: { Node: 'n', Address: '1' } } });
    expect([denied.status, denied.Results, denied.Errors?.map(({ OpIndex }) => OpIndex)]).toEqual([409, null, [1, 2]]);
    expect(denied.Errors?.[0]?.What).toMatch(/lacks permission 'key:write' on "b"$/);
    expect((await consul.get('/v1/kv/app/a', as(management))).status).toBe(404);
    const get = (Verb: string, Key: string) => ({ KV: { Verb, Key } });
    const read = await txn(set('app/a'), get('get', 'hidden'), get('get-or-empty', 'nothing'), get('get-tree', ''));
    expect(read).toMatchObject({ status: 200, Errors: null, Results: [{ KV: { Key: 'app/a' } }, { KV: { Key: 'app/a' } }] });
    await manage('PUT', '/v1/agent/service/register', { Name: 'db', ID: 'x' });
    const stolen = { Verb: 'delete', Node: 'server-1', Service: { ID: 'x', Service: 'web' } };
    expect(await txn({ Service: stolen })).toMatchObject({ status: 409 });
  });

  test('that move a node to another address require the right to it', async () => {
    const { SecretID } = await tokenWith('service "web" { policy = "write" }');
    const { registry } = consul.server;
    const alive = { id: 'serfHealth', name: 'Serf Health Status', status: 'passing' } as const;
    await registry.submit({ kind: 'register', namespace: 'default', node: { name: 'far', address: '10.9.9.9' }, nodeMode: 'update', checks: [alive] });
    const headers = { 'x-consul-token': SecretID, 'x-rollcall-node': 'far' };
    const body = JSON.stringify({ Name: 'web' });
    const moved = await consul.ask('PUT', '/v1/agent/service/register', { headers, body });
    expect([moved.status, moved.text]).toEqual([403, expect.stringMatching(/'node:write' on "far"$/)]);
    headers['x-rollcall-node'] = 'fresh';
    expect((await consul.ask('PUT', '/v1/agent/service/register', { headers, body })).status).toBe(200);
  });
});

describe('a request that is both malformed and not permitted', () => {
  // As in Consul: decoding comes before authorization. Only a token that does not exist is refused earlier.
  test.each([
    ['PUT', '/v1/kv/a?cas=1&acquire=s', undefined, 400, 'Conflicting flags'],
    ['PUT', '/v1/kv/a?flags=x', undefined, 400, 'ParseUint'],
    ['PUT', '/v1/agent/service/register', '{"Name":""}', 400, 'Missing service name'],
    ['PUT', '/v1/agent/check/register', '{"Name":"c","TTL":"1s","ServiceID":"none"}', 404, 'does not exist'],
    ['PUT', '/v1/catalog/register', '{"Node":"n"}', 400, 'Must provide address'],
    ['PUT', '/v1/session/create', '{"Behavior":"x"}', 400, 'Invalid Behavior'],
    ['PUT', '/v1/event/fire/e?tag=t', undefined, 400, 'Cannot provide tag filter'],
    ['PUT', '/v1/coordinate/update', '{"Node":"n"}', 400, 'incompatible coordinate'],
    ['POST', '/v1/query', '{"Name":"q"}', 400, 'Must provide a Service name'],
    ['PUT', '/v1/agent/check/update/c', '{"Status":"x"}', 400, 'Invalid check status'],
  ])('gets the error about its grammar: %s %s %s', async (method, path, body, status, text) => {
    const answer = await consul.ask(method, path, body === undefined ? {} : { body });
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(text)]);
    const wrong = await consul.ask(method, path, { ...as('wrong'), ...(body === undefined ? {} : { body }) });
    expect(wrong.status).toBe(403);
  });
});

describe('prepared queries', () => {
  test('run with the rights of their bound token, which no caller can read', async () => {
    await manage('PUT', '/v1/agent/service/register', { Name: 'web' });
    await manage('PUT', '/v1/agent/service/register', { Name: 'db' });
    const reader = await tokenWith(readWeb);
    const Service = { Service: 'web' };
    const { ID } = await manage<{ ID: string }>('POST', '/v1/query', { Name: 'q', Service, Token: reader.SecretID });
    const nodes = async (token = '') => {
      const answer = await consul.get('/v1/query/q/execute', token === '' ? {} : as(token));
      return [answer.status, answer.status === 200 ? answer.json<{ Nodes: unknown[] }>().Nodes.length : answer.text];
    };
    expect(await nodes()).toEqual([200, 1]);
    const shown = await manage<{ Token: string }[]>('GET', '/v1/query');
    expect(shown.map(({ Token }) => Token)).toEqual(['<hidden>']);
    // A caller that may change the query cannot make it use the token of another caller.
    const writer = await tokenWith('query_prefix "" { policy = "write" }');
    const change = (token: string, query: object) =>
      consul.ask('PUT', `/v1/query/${ID}`, { ...as(token), body: JSON.stringify({ Name: 'q', ...query }) });
    await change(management, { Service, Token: '<hidden>' });
    expect(await nodes()).toEqual([200, 1]);
    expect((await change(writer.SecretID, { Service, Token: 'wrong' })).status).toBe(403);
    expect((await change(writer.SecretID, { Service, Token: '<hidden>' })).status).toBe(200);
    expect(await nodes()).toEqual([200, 0]);
    await change(management, { Service, Token: reader.SecretID });
    await manage('DELETE', `/v1/acl/token/${reader.AccessorID}`);
    expect(await nodes(management)).toEqual([403, 'ACL not found']);
  });
});

describe('pages of other origins', () => {
  test('are refused for every request; the server’s own pages and programs are not', async () => {
    const { http: httpPort } = consul.server.ports;
    const own = `127.0.0.1:${httpPort}`;
    const status = async (headers: Record<string, string>) => (await consul.get('/v1/status/leader', { headers })).status;
    expect(await status({})).toBe(200);
    expect(await status({ host: 'localhost:8500' })).toBe(200);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ host: own, origin: `http://${own}` })).toBe(200);
    expect(await status({ host: own, origin: 'http://evil.example' })).toBe(403);
    expect(await status({ host: own, origin: 'null' })).toBe(403);
    expect(await status({ host: own, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status({ host: own, 'sec-fetch-site': 'same-origin' })).toBe(200);
    // The same connection, which was good before, is looked at again.
    expect(await status({ host: 'evil.example' })).toBe(403);
    const put = await consul.put('/v1/kv/a', 'x', { headers: { origin: 'http://evil.example', 'x-consul-token': management } });
    expect(put.status).toBe(403);
    expect((await consul.get('/v1/kv/a', as(management))).status).toBe(404);
  });
});

test('every answer names the default policy', async () => {
  const policyOf = async (one: Consul, path: string) => (await one.get(path)).headers['x-consul-default-acl-policy'];
  await using allowing = await Consul.start({ acl: { defaultPolicy: 'allow' } });
  await using open = await Consul.start();
  for (const path of ['/v1/catalog/nodes', '/v1/status/leader', '/v1/kv/none', '/v1/nope']) {
    const said = [await policyOf(consul, path), await policyOf(allowing, path), await policyOf(open, path)];
    expect(said).toEqual(['deny', 'allow', 'allow']);
  }
  expect((await open.get('/v1/acl/tokens')).status).toBe(401);
  expect((await open.get('/v1/acl/tokens')).text).toBe('ACL support disabled');
});

test('a query of an open route keeps waiting when policies change, since it has no token', async () => {
  await using server = await Consul.start({ acl: { initialManagement: management } });
  const { index } = await server.get('/v1/connect/ca/roots');
  const ends = new AbortController();
  const waiting = server.get(`/v1/connect/ca/roots?index=${index}&wait=5m`, { signal: ends.signal }).catch(() => 'cut short');
  await server.untilParked(1);
  await server.put('/v1/acl/policy', { Name: 'any', Rules: 'acl = "read"' }, as(management));
  expect(await server.parked()).toBe(1);
  ends.abort();
  expect(await waiting).toBe('cut short');
});

test('the audit log has writes, denials and logins, without secrets and values', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-audit-'));
  try {
    const auditFile = join(folder, 'audit.jsonl');
    const audited = await Consul.start({ acl: { initialManagement: management }, auditFile });
    await audited.ask('PUT', `/v1/kv/a?token=${management}`, { body: 'a value' });
    await audited.get('/v1/kv/a');
    await audited.get('/v1/kv/a', as('a wrong token'));
    await audited.put('/v1/txn', [{ KV: { Verb: 'set', Key: 'b' } }]);
    await audited.ask('POST', '/v1/acl/login', { body: '{"AuthMethod":"none","BearerToken":"a.b.c"}' });
    await audited.ask('PUT', '/v1/agent/check/pass/none', as(management));
    await audited[Symbol.asyncDispose]();
    const text = await readFile(auditFile, 'utf8');
    const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.map(({ kind, via, action }) => [kind, via, action])).toEqual([
      ['write', 'consul', 'PUT /v1/kv/a'],
      ['denied', 'consul', 'GET /v1/kv/a'],
      ['unauthenticated', 'consul', 'an unknown token'],
      ['denied', 'consul', 'PUT /v1/txn'],
      ['unauthenticated', 'consul', 'POST /v1/acl/login'],
    ]);
    for (const { accessorId, address, kind } of lines) {
      expect(address).toBe('127.0.0.1');
      expect((accessorId ?? '') === '').toBe(kind === 'unauthenticated');
    }
    for (const secret of [management, 'a value', 'a wrong token', 'a.b.c']) {
      if (secret === management) expect(text).not.toContain(`token=${secret}`);
      else expect(text).not.toContain(secret);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
