/**
 * Every route, with every method, for every kind of caller: one that brings no token, a wrong one, one that may read what the route
 * declares, one that may write it, one that may write everything else, and one that may do everything. The expected result follows from
 * the declaration in the route table alone; default policy deny. Then the same for namespaces.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Access } from '../../security/access.ts';
import { namedResources, scalarResources } from '../../security/rules.ts';
import { findNamespace } from '../../registry/kind/namespace/find.ts';
import { samples, type Sample } from './access-samples.case.ts';
import { Nacos, type Answer } from './nacos.case.ts';
import { accessOf } from './request/route.ts';
import { routeTable } from './routes.ts';

const management = 'a management token';
const rows = accessOf(routeTable({} as never)) as readonly { readonly name: string; readonly access: Access }[];

let nacos: Nacos;
const tokens = new Map<string, string>();

beforeAll(async () => {
  nacos = await Nacos.start({ acl: { initialManagement: management } });
});
afterAll(() => nacos[Symbol.asyncDispose]());

async function consul<T>(method: string, path: string, body: object): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${nacos.server.ports.http}${path}`, { method, headers: { 'x-consul-token': management }, body: JSON.stringify(body) });
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** A token with these rules, made once. */
async function tokenWith(rules: string): Promise<string> {
  const known = tokens.get(rules);
  if (known !== undefined) return known;
  const { ID } = await consul<{ ID: string }>('PUT', '/v1/acl/policy', { Name: `matrix-${tokens.size}`, Rules: rules });
  const { SecretID } = await consul<{ SecretID: string }>('PUT', '/v1/acl/token', { Policies: [{ ID }] });
  tokens.set(rules, SecretID);
  return SecretID;
}

type AnyResource = (typeof scalarResources)[number] | (typeof namedResources)[number];

function ruleFor(resource: AnyResource, level: 'read' | 'write' | 'deny'): string {
  return (scalarResources as readonly string[]).includes(resource) ? `${resource} = "${level}"` : `${resource}_prefix "" { policy = "${level}" }`;
}

function declared(access: Access): AnyResource[] {
  if (access.kind === 'filters') return [...access.resources] as AnyResource[];
  if (access.kind === 'open' || access.kind === 'own-proof') return [];
  return [(access.resource === 'config-publish' ? 'config' : access.resource) as AnyResource];
}

function rulesForOthers(access: Access): string {
  const closed = new Set<AnyResource>(declared(access));
  return [...scalarResources, ...namedResources].map((resource) => ruleFor(resource, closed.has(resource) ? 'deny' : 'write')).join('\n');
}

function ask(method: string, path: string, { fields = {} }: Sample, token: string | undefined, from: string): Promise<Answer> {
  return nacos.ask(method, path, { [method === 'GET' || method === 'DELETE' ? 'query' : 'form']: fields, from, ...(token === undefined ? {} : { headers: { accessToken: token } }) });
}

/** Makes everything that a request may be about. */
async function arrange(): Promise<void> {
  const headers = { accesstoken: management };
  const post = (path: string, form: Record<string, string | number | boolean>) => nacos.post(path, form, { headers });
  await post('/v1/ns/instance', { serviceName: 'web', ip: '10.0.0.1', port: 80 });
  await post('/v1/ns/instance', { serviceName: 'manual', ip: '10.0.0.2', port: 80, ephemeral: false });
  await nacos.put('/v1/ns/cluster', { serviceName: 'manual', clusterName: 'DEFAULT', checkPort: 80, useInstancePort4Check: true, healthChecker: '{"type":"NONE"}' }, { headers });
  // Once: its history is short.
  if (nacos.server.registry.state.get('config\0default\0G\0app.yaml') !== undefined) return;
  await post('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'one' });
  await post('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'two' });
  await nacos.post('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'beta' }, { headers: { ...headers, betaIps: '10.0.0.1' } });
}

/** Undoes or prepares what one request needs. */
async function prepare(name: string): Promise<void> {
  const { registry } = nacos.server;
  const hasFresh = registry.state.get('service\0default\0fresh') !== undefined;
  if (/^POST .*\/ns\/service$/.test(name) && hasFresh) await registry.submit({ kind: 'service-delete', namespace: 'default', name: 'fresh' });
  if (/^DELETE .*\/ns\/service$/.test(name) && !hasFresh) await registry.submit({ kind: 'service-put', namespace: 'default', name: 'fresh' });
  const hasMade = findNamespace(registry.state, 'made') !== undefined;
  if (/^POST .*namespaces?$/.test(name) && hasMade) await registry.submit({ kind: 'namespace-delete', name: 'made' });
  if (/^(?:PUT|DELETE) .*namespaces?$/.test(name) && !hasMade) await registry.submit({ kind: 'namespace-put', name: 'made' });
  if (name.endsWith('config/beta')) await nacos.post('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'beta' }, { headers: { accesstoken: management, betaIps: '10.0.0.1' } });
}

test('every route declares its access and has a sample request', () => {
  expect([...samples.keys()].sort()).toEqual(rows.map(({ name }) => name).sort());
});

describe.each(rows.filter(({ name }) => samples.has(name)))('$name', ({ name, access }) => {
  const sample = samples.get(name) as Sample;
  const [method = '', path = ''] = name.split(' ');
  const { ok = 200 } = sample;
  const from = `127.0.2.${1 + (rows.findIndex((row) => row.name === name) % 250)}`;

  beforeAll(arrange);

  const cell = async (token: string | undefined) => {
    await prepare(name);
    return ask(method, path, sample, token, from);
  };
  const denied = async (token: string | undefined) => expect((await cell(token)).status).toBe(403);
  const allowed = async (token: string) => {
    const { status, text } = await cell(token);
    expect([status, text]).toEqual([ok, text]);
  };
  const reading = () => tokenWith(declared(access).map((resource) => ruleFor(resource, 'read')).join('\n'));
  const writing = () => tokenWith(declared(access).map((resource) => ruleFor(resource, 'write')).join('\n'));

  if (access.kind === 'open' || access.kind === 'own-proof') {
    test('is the same for every caller', async () => {
      for (const token of [undefined, 'wrong', management]) expect((await cell(token)).status).toBe(ok);
    });
    return;
  }

  test('refuses a wrong token', async () => {
    await denied('wrong');
  });

  if (access.kind === 'filters') {
    test('shows what the caller may read', async () => {
      const whole = await cell(management);
      expect(whole.status).toBe(200);
      if (access.resources.length === 0) return;
      const size = ({ text }: Answer) => (text.match(/"(?:web|app\.yaml)"/g) ?? []).length;
      expect(size(whole)).toBeGreaterThan(0);
      for (const token of [undefined, await tokenWith(rulesForOthers(access))]) {
        const seen = await cell(token);
        expect([seen.status, size(seen)]).toEqual([200, 0]);
      }
      for (const token of [await reading(), await writing()]) expect(size(await cell(token))).toBe(size(whole));
    });
    return;
  }

  test(`demands ${access.resource}:${access.verb}`, async () => {
    await denied(undefined);
    await denied(await tokenWith(rulesForOthers(access)));
    if (access.verb === 'write') await denied(await reading());
    else await allowed(await reading());
    await allowed(await writing());
    await allowed(management);
  });
});

describe('a token', () => {
  const get = (more: Parameters<Nacos['get']>[2], query = {}) => nacos.get('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', ...query }, more).then(({ status }) => status);

  test('is in the query, a header, or the password of a request', async () => {
    expect([
      await get({}),
      await get({}, { accessToken: management }),
      await get({ headers: { accessToken: management } }),
      await get({ headers: { authorization: `Bearer ${management}` } }),
      await get({ headers: { 'x-consul-token': management } }),
      await get({}, { username: 'any', password: management }),
    ]).toEqual([403, 200, 200, 200, 200, 200]);
  });

  test.each(['/v1/auth/login', '/v1/auth/users/login', '/v3/auth/user/login'])('comes back from a login at %s', async (path) => {
    const answer = await nacos.post(path, { username: 'nacos', password: management });
    expect([answer.status, answer.json()]).toEqual([200, { accessToken: management, tokenTtl: 18_000, globalAdmin: true, username: 'nacos' }]);
    expect(answer.headers.authorization).toBe(`Bearer ${management}`);
    const refused = await nacos.post(path, { username: 'nacos', password: 'nacos' }, { from: '127.0.3.1' });
    expect([refused.status, refused.json()]).toEqual([403, expect.objectContaining({ status: 403, message: expect.stringContaining('unknown user') as string })]);
    expect((await nacos.post(path, { username: 'nacos' }, { from: '127.0.3.2' })).status).toBe(400);
  });

  test('guessed too often gets a 429 with Retry-After', async () => {
    let last: Answer | undefined;
    for (let guess = 0; guess < 60 && last?.status !== 429; guess++) last = await nacos.post('/v1/auth/login', { username: 'nacos', password: `guess ${guess}` }, { from: '127.0.3.3' });
    expect([last?.status, Number(last?.headers['retry-after']) > 0]).toEqual([429, true]);
  });
});

describe('a namespace', () => {
  test('without a right in it looks as one that does not exist', async () => {
    const headers = { accesstoken: management };
    await nacos.post('/v1/console/namespaces', { customNamespaceId: 'hidden', namespaceName: 'hidden' }, { headers });
    await nacos.post('/v1/ns/instance', { serviceName: 'web', ip: '10.0.0.5', port: 80, namespaceId: 'hidden' }, { headers });
    await nacos.post('/v1/cs/configs', { dataId: 'app.yaml', group: 'G', content: 'hidden', tenant: 'hidden' }, { headers });
    const token = await tokenWith('service_prefix "" { policy = "write" }\nkey_prefix "" { policy = "write" }');
    const seen = async (path: string, query: Record<string, string>) => {
      const { status, text } = await nacos.get(path, query, { headers: { accesstoken: token } });
      return [status, text.replaceAll(/hidden|absent/g, 'NS').replace(/"timestamp":"[^"]*"/, '')];
    };
    for (const [path, query] of [
      ['/v1/ns/instance/list', { serviceName: 'web' }],
      ['/v1/ns/service/list', { pageNo: '1', pageSize: '10' }],
      ['/v1/cs/configs', { dataId: 'app.yaml', group: 'G' }],
      ['/v2/console/namespace', {}],
    ] as const) {
      const [there, absent] = [await seen(path, { ...query, namespaceId: 'hidden', tenant: 'hidden' }), await seen(path, { ...query, namespaceId: 'absent', tenant: 'absent' })];
      expect([path, there]).toEqual([path, absent]);
    }
    const list = await nacos.get('/v1/console/namespaces', {}, { headers: { accesstoken: token } });
    expect(list.json<{ data: { namespace: string }[] }>().data.map(({ namespace }) => namespace)).not.toContain('hidden');
  });

  test('is created by the first write of a caller who may create it, and by no other', async () => {
    const fields = { serviceName: 'first', ip: '10.0.0.1', port: 80 };
    const token = await tokenWith('namespace_prefix "" { service_prefix "" { policy = "write" } }');
    const refused = await nacos.post('/v1/ns/instance', { ...fields, namespaceId: 'unmade' }, { headers: { accesstoken: token } });
    expect([refused.status, refused.text]).toEqual([404, expect.stringContaining("namespace 'unmade' does not exist; an operator creates it")]);
    expect((await nacos.post('/v1/ns/instance', { ...fields, namespaceId: 'unmade' }, { headers: { accesstoken: management } })).text).toBe('ok');
    expect((await nacos.post('/v1/ns/instance', { ...fields, namespaceId: 'unmade' }, { headers: { accesstoken: token } })).text).toBe('ok');
  });

  test('has a name, a description, and goes with everything in it', async () => {
    const headers = { accesstoken: management };
    const body = { customNamespaceId: 'team-n', namespaceName: 'Team N', namespaceDesc: 'about' };
    expect((await nacos.post('/v1/console/namespaces', body, { headers })).text).toBe('true');
    expect((await nacos.post('/v3/admin/core/namespace', body, { headers })).json()).toMatchObject({ code: 22_002 });
    await nacos.post('/v1/cs/configs', { dataId: 'x', group: 'G', content: 'x', tenant: 'team-n' }, { headers });
    expect((await nacos.get('/v3/admin/core/namespace', { namespaceId: 'team-n' }, { headers })).json()).toMatchObject({ data: { namespace: 'team-n', namespaceShowName: 'Team N', namespaceDesc: 'about', configCount: 1 } });
    expect((await nacos.put('/v1/console/namespaces', { namespace: 'team-n', namespaceShowName: 'Renamed' }, { headers })).text).toBe('true');
    expect((await nacos.get('/v1/console/namespaces', { checkNamespaceIdExist: true, customNamespaceId: 'team-n' }, { headers })).text).toBe('true');
    expect((await nacos.delete('/v1/console/namespaces', { namespaceId: 'team-n' }, { headers })).text).toBe('true');
    expect((await nacos.get('/v1/cs/configs', { dataId: 'x', group: 'G', tenant: 'team-n' }, { headers })).status).toBe(404);
    const made = await nacos.post('/v2/console/namespace', { namespaceName: 'generated' }, { headers });
    expect(made.json()).toMatchObject({ data: true });
  });
});
