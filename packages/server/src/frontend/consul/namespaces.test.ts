/** Namespaces over the API: where a request names one, which names are separate, and which answers show the field. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Consul } from './consul.case.ts';

let consul: Consul;

beforeEach(async () => {
  consul = await Consul.start();
  for (const name of ['team-a', 'team-b']) await consul.createNamespace(name);
});
afterEach(() => consul[Symbol.asyncDispose]());

async function put(path: string, body?: unknown): Promise<string> {
  const answer = await consul.put(path, body);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.text;
}

async function json<T>(path: string, headers: Record<string, string> = {}): Promise<T> {
  return (await consul.get(path, { headers })).json<T>();
}

describe('a request', () => {
  test('names its namespace by ?ns or by a header; ?ns comes first', async () => {
    await put('/v1/kv/key?ns=team-a', 'a');
    await put('/v1/kv/key', 'default');
    const read = async (path: string, header?: string) =>
      (await consul.get(path, header === undefined ? {} : { headers: { 'X-Consul-Namespace': header } })).text;
    expect(await read('/v1/kv/key?raw')).toBe('default');
    expect(await read('/v1/kv/key?raw', 'team-a')).toBe('a');
    expect(await read('/v1/kv/key?raw&ns=team-a')).toBe('a');
    expect(await read('/v1/kv/key?raw&ns=team-a', 'team-b')).toBe('a');
    expect(await read('/v1/kv/key?raw&ns=default', 'team-a')).toBe('default');
    expect(await read('/v1/kv/key?raw', 'team-b')).toBe('');
    // Kept plans are told apart by the header, after any earlier requests.
    for (let times = 0; times < 3; times++) {
      expect([await read('/v1/kv/key?raw', 'team-a'), await read('/v1/kv/key?raw')]).toEqual(['a', 'default']);
    }
  });

  test.each([
    ['/v1/kv/key?ns=*', 'Invalid namespace: "*"'],
    ['/v1/health/service/web?ns=a.b', 'Invalid namespace: "a.b" is not a DNS label'],
    [`/v1/session/list?ns=${'x'.repeat(64)}`, '63 characters at most'],
    ['/v1/agent/services?ns=%2d', 'Invalid namespace: "-"'],
  ])('%s is a 400', async (path, text) => {
    const answer = await consul.get(path);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(text)]);
    const name = /ns=(.*)/.exec(path)?.[1] ?? '';
    const header = await consul.get(path.replace(/\?.*/, ''), { headers: { 'X-Consul-Namespace': decodeURIComponent(name) } });
    expect(header.status).toBe(400);
  });

  test.each([
    ['/v1/agent/service/register', { Name: 'web', Namespace: 'team-b' }],
    ['/v1/agent/check/register', { Name: 'web', TTL: '1s', Namespace: 'team-b' }],
    ['/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service: { Service: 'web', Namespace: 'team-b' } }],
    ['/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Check: { Name: 'web', Namespace: 'team-b' } }],
    ['/v1/catalog/deregister', { Node: 'n', ServiceID: 'web', Namespace: 'team-b' }],
    ['/v1/session/create', { Namespace: 'team-b' }],
  ])('whose body names another namespace than ?ns is a 400: %s %j', async (path, body) => {
    const answer = await consul.put(`${path}?ns=team-a`, body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('does not match the namespace "team-a"')]);
  });

  test('whose parts name two namespaces is a 400', async () => {
    const Service = { Service: 'web', Namespace: 'team-a' };
    const answer = await consul.put('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service, Check: { Name: 'c', Namespace: 'team-b' } });
    expect(answer.status).toBe(400);
  });
});

describe('a list of all namespaces', () => {
  const checks = async (query: string, token?: string) =>
    (await json<{ Name: string; Namespace?: string }[]>(`/v1/health/state/any?${query}`, token === undefined ? {} : { 'X-Consul-Token': token })).map(
      ({ Name, Namespace }) => `${Namespace ?? 'none'}/${Name}`,
    );

  test('joins those of each, by ?ns and by the header', async () => {
    const session = async (ns: string) => consul.put(`/v1/session/create?ns=${ns}`, { Name: ns, NodeChecks: [] });
    expect((await consul.get('/v1/session/list?ns=*')).json()).toEqual([]);
    for (const ns of ['team-b', 'default', 'team-a']) await session(ns);
    const list = await json<{ Name: string; Namespace: string }[]>('/v1/session/list?ns=*');
    expect(list.map(({ Name, Namespace }) => [Name, Namespace])).toEqual([['default', 'default'], ['team-a', 'team-a'], ['team-b', 'team-b']]);
    expect(await json('/v1/session/list', { 'X-Consul-Namespace': '*' })).toEqual(list);
    expect(await json('/v1/session/node/server-1?ns=%2A')).toEqual(list);
    const pretty = await consul.get('/v1/session/list?ns=*&pretty');
    expect(pretty.text).toBe(`${JSON.stringify(list, null, 4)}\n`);
    expect((await consul.get('/v1/session/list?ns=default')).json()).toHaveLength(1);
  });

  test('has the checks of nodes once, and is filtered', async () => {
    await put('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Check: { Name: 'of the node', CheckID: 'n', Status: 'passing' } });
    for (const Namespace of ['team-a', 'team-b']) {
      await put('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service: { Service: 'web', Namespace }, Check: { Name: 'own', CheckID: 'c', ServiceID: 'web', Namespace } });
    }
    expect((await checks('ns=*')).filter((name) => !name.includes('Serf'))).toEqual(['default/of the node', 'team-a/own', 'team-b/own']);
    expect(await checks(`ns=*&filter=${encodeURIComponent('Namespace == "team-b"')}`)).toEqual(['team-b/own']);
    expect(await json<unknown[]>('/v1/health/node/n?ns=*')).toHaveLength(3);
  });

  test('has the keys of each under a prefix; one key is not a list', async () => {
    for (const ns of ['team-b', 'default', 'team-a']) await put(`/v1/kv/app/${ns}/key?ns=${ns}`, ns);
    const rows = await json<{ Key: string; Namespace: string }[]>('/v1/kv/app?recurse&ns=*');
    expect(rows.map(({ Key, Namespace }) => [Namespace, Key])).toEqual([
      ['default', 'app/default/key'], ['team-a', 'app/team-a/key'], ['team-b', 'app/team-b/key'],
    ]);
    expect(await json('/v1/kv/?keys&ns=*')).toEqual(rows.map(({ Key }) => Key));
    // One name in two namespaces is two keys.
    expect(await json('/v1/kv/app?keys&separator=/', { 'X-Consul-Namespace': '*' })).toEqual(['app/', 'app/', 'app/']);
    const statuses = async (...paths: string[]) => Promise.all(paths.map(async (path) => (await consul.get(path)).status));
    expect(await statuses('/v1/kv/app/team-b?recurse&ns=*', '/v1/kv/none?recurse&ns=*', '/v1/kv/none?keys&ns=*', '/v1/kv/app/team-b/key?ns=*')).toEqual([200, 404, 404, 400]);
  });

  test('has the services and checks of each on one node, and in the lists of the user interface', async () => {
    const Check = { CheckID: 'c', Name: 'own', ServiceID: 'web', Status: 'passing' };
    for (const Namespace of ['team-b', 'team-a']) {
      await put('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service: { Service: 'web', Namespace }, Check: { ...Check, Namespace } });
    }
    const spaces = (of: { Namespace?: string }[]) => of.map(({ Namespace }) => Namespace);
    const both = ['team-a', 'team-b'];
    const listed = await json<{ Node: { Node: string }; Services: { Namespace: string }[] }>('/v1/catalog/node-services/n?ns=*');
    expect([listed.Node.Node, spaces(listed.Services)]).toEqual(['n', both]);
    const filtered = await json<typeof listed>(`/v1/catalog/node-services/n?ns=*&filter=${encodeURIComponent('Namespace == "team-b"')}`);
    expect(spaces(filtered.Services)).toEqual(['team-b']);
    expect(await json('/v1/catalog/node-services/none?ns=*')).toEqual({ Node: null, Services: null });
    type Info = { Node: string; Services: { Namespace: string }[]; Checks: { Namespace: string }[] };
    const info = await json<Info>('/v1/internal/ui/node/n?ns=*');
    expect([spaces(info.Services), spaces(info.Checks)]).toEqual([both, both]);
    expect((await json<Info[]>('/v1/internal/ui/nodes?ns=*')).find(({ Node }) => Node === 'n')).toEqual(info);
    expect((await consul.get('/v1/internal/ui/node/none?ns=*')).status).toBe(404);
    const sums = await json<{ Name: string; Namespace: string }[]>('/v1/internal/ui/services?ns=*');
    expect(sums.map(({ Name, Namespace }) => [Namespace, Name])).toEqual([['default', 'consul'], ['team-a', 'web'], ['team-b', 'web']]);
    // A map by id has one place for an id, so these take one namespace, as in Consul Enterprise.
    for (const path of ['/v1/catalog/node/n', '/v1/agent/services', '/v1/agent/checks', '/v1/catalog/services', '/v1/catalog/service/web', '/v1/query']) {
      const { status, text } = await consul.get(`${path}?ns=*`);
      expect([path, status, text]).toEqual([path, 400, expect.stringContaining('name one namespace')]);
    }
  });

  test.each([
    ['node-services of a node', '/v1/catalog/node-services/n?ns=*'],
    ['a node of the user interface', '/v1/internal/ui/node/n?ns=*'],
    ['services of the user interface', '/v1/internal/ui/services?ns=*'],
  ])('waits for a change in any of them: %s', async (_what, path) => {
    const register = (Namespace: string, ID: string) => put('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service: { Service: 'web', ID, Namespace } });
    await register('team-a', 'first');
    const { index } = await consul.get(path);
    const waiting = consul.get(`${path}&index=${index}&wait=60s`);
    await consul.untilParked(1);
    await register('team-b', 'second');
    expect((await waiting).text).toContain('"Namespace":"team-b"');
  });

  test('waits for a change in any of them, and for a new one', async () => {
    const path = '/v1/session/list?ns=*';
    const changed = async (change: () => Promise<unknown>) => {
      const { index } = await consul.get(path);
      const waiting = consul.get(`${path}&index=${index}&wait=60s`);
      await consul.untilParked(1);
      await change();
      const answer = await waiting;
      expect(answer.index).toBeGreaterThan(index);
      return answer.json<{ Name: string }[]>().map(({ Name }) => Name);
    };
    const create = (ns: string) => () => consul.put(`/v1/session/create?ns=${ns}`, { Name: ns, NodeChecks: [] });
    expect(await changed(create('team-b'))).toEqual(['team-b']);
    expect(await changed(() => consul.createNamespace('team-0'))).toEqual(['team-b']);
    expect(await changed(create('team-0'))).toEqual(['team-0', 'team-b']);
  });

  test('shows each caller the namespaces and rows that it may see', async () => {
    await consul[Symbol.asyncDispose]();
    consul = await Consul.start({ acl: { initialManagement: 'root' } });
    const root = { 'x-consul-token': 'root' };
    const manage = async (path: string, body: object) => {
      const answer = await consul.put(path, body, { headers: root });
      expect([answer.status, answer.text]).toEqual([200, answer.text]);
      return answer.json<{ SecretID: string; ID: string }>();
    };
    for (const Name of ['team-a', 'team-b']) {
      await manage('/v1/namespace', { Name });
      const Service = { Service: 'web', Namespace: Name };
      await manage('/v1/catalog/register', { Node: 'n', Address: '1.1.1.1', Service, Check: { Name: 'own', CheckID: 'c', ServiceID: 'web', Namespace: Name } });
    }
    const rules = {
      a: 'namespace "team-a" { acl = "read" key_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } }',
      both: 'namespace_prefix "" { service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } }',
      butB: 'namespace_prefix "" { service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } } namespace "team-b" { service_prefix "" { policy = "deny" } }',
      none: '',
    };
    const token = async (Name: keyof typeof rules) => {
      const { ID } = await manage('/v1/acl/policy', { Name, Rules: rules[Name] });
      return (await manage('/v1/acl/token', { Policies: [{ ID }] })).SecretID;
    };
    const shown = async (path: string, secret: string) => {
      const { status, text } = await consul.get(path, { headers: { 'X-Consul-Token': secret } });
      return status === 200 ? ['team-a', 'team-b'].filter((name) => text.includes(`"Namespace":"${name}"`)) : status;
    };
    const tokens = { root: 'root', a: await token('a'), both: await token('both'), butB: await token('butB'), none: await token('none') };
    const seenBy = async (path: string) => Promise.all(Object.values(tokens).map(async (secret) => shown(path, secret)));
    const all = ['team-a', 'team-b'];
    expect(await seenBy('/v1/health/state/any?ns=*')).toEqual([all, ['team-a'], all, ['team-a'], []]);
    expect(await seenBy('/v1/catalog/node-services/n?ns=*')).toEqual([all, ['team-a'], all, ['team-a'], []]);
    expect(await seenBy('/v1/internal/ui/nodes?ns=*')).toEqual([all, ['team-a'], all, ['team-a'], []]);
    expect(await seenBy('/v1/internal/ui/services?ns=*')).toEqual([all, ['team-a'], all, ['team-a'], []]);
    expect(await seenBy('/v1/internal/ui/node/n?ns=*')).toEqual([all, ['team-a'], all, ['team-a'], 403]);
    for (const Namespace of all) await manage(`/v1/kv/app/key?ns=${Namespace}`, {});
    expect(await seenBy('/v1/kv/app?recurse&ns=*')).toEqual([all, ['team-a'], 404, 404, 404]);
    for (const Namespace of all) {
      await manage('/v1/acl/token', { Namespace });
      for (const path of ['/v1/acl/policy', '/v1/acl/role']) await manage(path, { Name: 'of-a-team', Namespace });
    }
    for (const list of ['tokens', 'policies', 'roles']) {
      expect([list, await seenBy(`/v1/acl/${list}?ns=*`)]).toEqual([list, [all, ['team-a'], 403, 403, 403]]);
    }
    for (const empty of ['auth-methods', 'binding-rules']) {
      expect([empty, await seenBy(`/v1/acl/${empty}?ns=*`)]).toEqual([empty, [[], [], 403, 403, 403]]);
    }
    const { headers } = await consul.get('/v1/health/state/any?ns=*');
    expect(headers['x-consul-results-filtered-by-acls']).toBeUndefined();
  });
});

describe('one name in two namespaces', () => {
  test('is two services, with their own checks and instances', async () => {
    await put('/v1/agent/service/register', { Name: 'web', Port: 1, Check: { TTL: '30s', Status: 'passing' } });
    await put('/v1/agent/service/register?ns=team-a', { Name: 'web', Port: 2, Check: { TTL: '30s' } });
    await put('/v1/agent/service/register', { Name: 'web', Port: 3, Namespace: 'team-b', Tags: ['b'] });
    const ports = async (query: string) =>
      (await json<{ Service: { Port: number; Namespace?: string } }[]>(`/v1/health/service/web${query}`)).map(
        ({ Service }) => [Service.Port, Service.Namespace],
      );
    expect(await ports('')).toEqual([[1, undefined]]);
    expect(await ports('?ns=default')).toEqual([[1, 'default']]);
    expect(await ports('?ns=team-a')).toEqual([[2, 'team-a']]);
    expect(await ports('?ns=team-b')).toEqual([[3, 'team-b']]);
    expect(await ports('?ns=team-a&passing')).toEqual([]);
    await put('/v1/agent/check/pass/service:web?ns=team-a');
    expect(await ports('?ns=team-a&passing')).toEqual([[2, 'team-a']]);
    expect(await json('/v1/catalog/services?ns=team-b')).toEqual({ web: ['b'] });
    expect(Object.keys(await json<object>('/v1/agent/services?ns=team-a'))).toEqual(['web']);
    expect((await consul.get('/v1/agent/health/service/id/web?ns=team-a')).status).toBe(200);
    expect(await json('/v1/internal/ui/services?ns=team-b')).toMatchObject([{ Name: 'web', Namespace: 'team-b', InstanceCount: 1 }]);
    const node = await json<{ Services: object }>('/v1/catalog/node/server-1?ns=team-b');
    expect(Object.keys(node.Services)).toEqual(['web']);
    expect(await json('/v1/health/checks/web?ns=team-a')).toMatchObject([{ Namespace: 'team-a', Status: 'passing' }]);
    expect(await json('/v1/health/state/any?ns=team-a')).toMatchObject([{ CheckID: 'service:web' }]);
    await put('/v1/agent/service/maintenance/web?enable=true&ns=team-b');
    expect(await ports('?ns=team-b&passing')).toEqual([]);
    expect(await ports('?passing')).toEqual([[1, undefined]]);
    await put('/v1/agent/service/deregister/web?ns=team-a');
    expect([await ports('?ns=team-a'), (await ports('')).length]).toEqual([[], 1]);
  });

  test('is two sessions, two locks and two sets of keys', async () => {
    const create = async (path: string, body: object) =>
      (JSON.parse(await put(path, body)) as { ID: string }).ID;
    const own = await create('/v1/session/create?ns=team-a', {});
    const byBody = await create('/v1/session/create', { Namespace: 'team-b' });
    expect(await json('/v1/session/list')).toEqual([]);
    expect(await json('/v1/session/list?ns=team-a')).toMatchObject([{ ID: own, Namespace: 'team-a' }]);
    expect(await json(`/v1/session/info/${byBody}?ns=team-b`)).toMatchObject([{ Namespace: 'team-b' }]);
    expect(await put(`/v1/kv/lock?acquire=${own}&ns=team-a`, 'me')).toBe('true');
    expect((await consul.put(`/v1/kv/lock?acquire=${own}`, 'me')).status).toBe(500);
    expect(await json('/v1/kv/lock?ns=team-a')).toMatchObject([{ Session: own, Namespace: 'team-a' }]);
    expect(await json('/v1/kv/?keys&ns=team-a')).toEqual(['lock']);
    expect(await json('/v1/kv/?keys')).toEqual([]);
    expect((await consul.put(`/v1/session/renew/${own}`)).status).toBe(404);
    expect((await consul.put(`/v1/session/renew/${own}?ns=team-a`)).json()).toMatchObject([{ Namespace: 'team-a' }]);
    await put(`/v1/session/destroy/${own}?ns=team-a`);
    expect(await json('/v1/session/list?ns=team-a')).toEqual([]);
    expect((await consul.ask('DELETE', '/v1/kv/lock?recurse&ns=team-a', {})).text).toBe('true');
    expect((await consul.get('/v1/kv/lock?ns=team-a')).status).toBe(404);
  });

  test('is two rows in one transaction, of which all are written or none', async () => {
    const set = (Key: string, more: object) => ({ KV: { Verb: 'set', Key, Value: 'eA==', ...more } });
    const answer = await consul.put('/v1/txn', [set('k', {}), set('k', { Namespace: 'team-a' }), set('k', { Namespace: 'team-b' })]);
    expect(answer.json<{ Results: { KV: object }[] }>().Results.map(({ KV }) => KV)).toMatchObject([
      { Key: 'k' },
      { Key: 'k', Namespace: 'team-a' },
      { Key: 'k', Namespace: 'team-b' },
    ]);
    expect((await consul.get('/v1/kv/k')).json<object[]>()[0]).not.toHaveProperty('Namespace');
    const mixed = [
      { KV: { Verb: 'get', Key: 'k', Namespace: 'team-a' } },
      { Node: { Verb: 'set', Node: { Node: 'n', Address: '1.1.1.1' } } },
      { Service: { Verb: 'set', Node: 'n', Service: { Service: 'web', Namespace: 'team-a' } } },
      { Check: { Verb: 'set', Check: { Node: 'n', CheckID: 'c', ServiceID: 'web', Status: 'passing', Namespace: 'team-a' } } },
    ];
    expect((await consul.put('/v1/txn', mixed)).json()).toMatchObject({ Errors: null });
    expect(await json('/v1/catalog/service/web')).toEqual([]);
    expect(await json('/v1/health/service/web?ns=team-a')).toMatchObject([{ Checks: [{ CheckID: 'c', Namespace: 'team-a' }] }]);
    const named = await consul.put('/v1/txn?ns=team-b', [{ KV: { Verb: 'get', Key: 'k', Namespace: 'team-a' } }]);
    expect([named.status, named.text]).toEqual([409, expect.stringContaining('does not match the namespace')]);
  });

  test('is two prepared queries, each of which finds its own services', async () => {
    await put('/v1/agent/service/register?ns=team-a', { Name: 'web' });
    const { ID } = (await consul.ask('POST', '/v1/query?ns=team-a', { body: '{"Name":"q","Service":{"Service":"web"}}' })).json<{ ID: string }>();
    expect((await consul.get('/v1/query/q/execute')).status).toBe(404);
    expect(await json('/v1/query/q/execute?ns=team-a')).toMatchObject({ Nodes: [{ Service: { Service: 'web', Namespace: 'team-a' } }] });
    expect((await consul.get(`/v1/query/${ID}`)).status).toBe(404);
    expect((await consul.get(`/v1/query/${ID}?ns=team-a`)).status).toBe(200);
  });
});

test('a change in one namespace wakes no query of another', async () => {
  const { index } = await consul.get('/v1/catalog/services');
  const waiting = consul.get(`/v1/catalog/services?index=${index}&wait=300s`);
  const mine = await consul.get('/v1/catalog/services?ns=team-a');
  const waitingMine = consul.get(`/v1/catalog/services?ns=team-a&index=${mine.index}&wait=300s`);
  await consul.untilParked(2);
  await put('/v1/agent/service/register?ns=team-a', { Name: 'web' });
  expect((await waitingMine).json()).toEqual({ web: [] });
  expect(await consul.parked()).toBe(1);
  await put('/v1/agent/service/register', { Name: 'db' });
  expect((await waiting).json()).toEqual({ consul: [], db: [] });
});

test('a filter on Namespace shows the field and selects by it', async () => {
  await put('/v1/agent/service/register', { Name: 'web' });
  const filtered = (expression: string, query = '') =>
    json<object[]>(`/v1/health/service/web?${query}filter=${encodeURIComponent(expression)}`);
  expect(await filtered('Service.Namespace == "default"')).toMatchObject([{ Service: { Namespace: 'default' } }]);
  expect(await filtered('Service.Namespace != "default"')).toEqual([]);
  expect(await filtered('Service.Namespace == "team-a"', 'ns=team-a&')).toEqual([]);
  const [plain] = await filtered('Service.Service == "web"');
  expect(plain).not.toHaveProperty('Service.Namespace');
});
