/** The JSON API of access control: who may use it, what it writes, and that secrets are in one answer only. */

import { faultIn } from '@rollcall/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { routes } from './routes.ts';

let registry: ConfigServer;
beforeAll(async () => {
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken } });
});
afterAll(() => registry[Symbol.asyncDispose]());

interface Token {
  readonly accessorId: string;
  readonly description: string;
  readonly policies: readonly { readonly name: string }[];
  readonly expiresAtMs: number | null;
  readonly isOwn: boolean;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the answer of each request is another one
async function call<T = Record<string, unknown>>(method: string, path: string, body?: object, token = managementToken): Promise<{ readonly status: number; readonly body: T }> {
  const { status, text } = await registry.ask(`/rollcall/v1/access/${path}`, { method, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const answered = JSON.parse(text) as T;
  // Every answer is of the form that the OpenAPI document shows.
  const route = routes.find((each) => each.path === `/rollcall/v1/access/${path.split('?')[0]}` && each.methods.includes(method));
  if (status === 200) expect(faultIn(answered, route?.operations[method]?.answer.schema ?? {}, 'the answer')).toBeUndefined();
  return { status, body: answered };
}

describe('tokens', () => {
  test('are created with their secret, changed and deleted; no list has a secret', async () => {
    await call('PUT', 'policies', { name: 'token-readers', rules: 'service_prefix "" { policy = "read" }' });
    const { body: created } = await call<{ token: Token; secret: string }>('POST', 'tokens', { description: 'for a test', policies: ['token-readers'], serviceIdentities: ['web'], ttlMs: 3_600_000 });
    const { accessorId } = created.token;
    expect(created.token).toMatchObject({ description: 'for a test', policies: [{ name: 'token-readers' }], serviceIdentities: ['web'], roles: [], isOwn: false, expiresAtMs: expect.any(Number) as number });
    expect((await registry.ask('/rollcall/v1/health', { headers: { authorization: `Bearer ${created.secret}` } })).status).toBe(200);
    expect(JSON.stringify((await call('GET', 'tokens')).body)).not.toContain(created.secret);
    // What is left out stays.
    expect((await call<{ token: Token }>('PUT', 'tokens', { accessorId, description: 'changed' })).body.token).toMatchObject({ description: 'changed', policies: [{ name: 'token-readers' }], serviceIdentities: ['web'] });
    expect((await call<{ token: Token }>('PUT', 'tokens', { accessorId, policies: [] })).body.token).toMatchObject({ description: 'changed', policies: [], serviceIdentities: ['web'] });
    expect((await call<{ tokens: Token[]; count: number }>('GET', 'tokens?search=CHANGED')).body).toMatchObject({ count: 1, tokens: [{ accessorId }] });
    expect((await call('DELETE', `tokens?id=${accessorId}`)).body).toEqual({ deleted: true });
    expect((await registry.ask('/rollcall/v1/health', { headers: { authorization: `Bearer ${created.secret}` } })).status).toBe(401);
    expect((await call('DELETE', `tokens?id=${accessorId}`)).status).toBe(404);
  });

  test('of the caller cannot be deleted by it', async () => {
    const { tokens } = (await call<{ tokens: Token[] }>('GET', 'tokens')).body;
    const own = tokens.find(({ isOwn }) => isOwn);
    expect(own?.description).toBe('Initial Management Token');
    expect((await call('DELETE', `tokens?id=${own?.accessorId}`)).status).toBe(400);
  });
});

describe('policies and roles', () => {
  test('are written and deleted, and rules are checked before', async () => {
    const bad = 'service "web" { policy = "eat" }';
    expect((await call('POST', 'check', { rules: bad })).body).toEqual({ problem: expect.stringContaining('eat') as string });
    expect((await call('POST', 'check', { rules: 'service "web" { policy = "read" }' })).body).toEqual({ problem: null });
    expect((await call('PUT', 'policies', { name: 'bad', rules: bad })).status).toBe(400);
    const { policy } = (await call<{ policy: { id: string } }>('PUT', 'policies', { name: 'web-writers', rules: 'service "web" { policy = "write" }' })).body;
    expect((await call('PUT', 'policies', { id: policy.id, name: 'web-writers', rules: '' })).body).toMatchObject({ policy: { rules: '' } });
    const { role } = (await call<{ role: { id: string } }>('PUT', 'roles', { name: 'operators', policies: ['web-writers'] })).body;
    expect((await call('GET', 'roles')).body).toMatchObject({ count: 1, roles: [{ id: role.id, policies: [{ name: 'web-writers' }] }] });
    expect((await call('DELETE', `roles?id=${role.id}`)).status).toBe(200);
    expect((await call('DELETE', `policies?id=${policy.id}`)).status).toBe(200);
  });
});

describe('auth methods', () => {
  test('show their binding rules, and never a secret; one that is left out stays', async () => {
    const config = { JWKSURL: 'https://login.example.com/keys', ClaimMappings: { sub: 'name' } };
    await call('PUT', 'methods', { name: 'programs', type: 'jwt', tokenTtlMs: 3_600_000, config });
    const { rule } = (await call<{ rule: { id: string } }>('PUT', 'rules', { method: 'programs', bindType: 'service', bindName: '${value.name}' })).body;
    expect((await call('GET', 'methods')).body).toMatchObject({ count: 1, methods: [{ name: 'programs', type: 'jwt', config, hasSecret: false, rules: [{ id: rule.id, bindType: 'service' }] }] });
    expect((await call('PUT', 'methods', { name: 'programs', description: 'for programs' })).body).toMatchObject({ method: { description: 'for programs', config, tokenTtlMs: 3_600_000 } });
    expect((await call('DELETE', `rules?id=${rule.id}`)).status).toBe(200);
    expect((await call('DELETE', 'methods?name=programs')).status).toBe(200);
  });
});

describe('questions', () => {
  test('what a token may do, with the rule that decides', async () => {
    const secret = await registry.tokenWith('service "web" { policy = "write" } key_prefix "" { policy = "list" }');
    const { body } = await call<{ subject: string; cells: { resource: string; verb: string; allowed: boolean; rule: { source: string; text: string } }[] }>('POST', 'matrix', { name: 'web' }, secret);
    const cell = (resource: string, verb: string) => body.cells.find((each) => each.resource === resource && each.verb === verb);
    expect(cell('service', 'write')).toMatchObject({ allowed: true, rule: { text: 'service "web" { policy = "write" }' } });
    expect(cell('key', 'list')).toMatchObject({ allowed: true });
    expect(cell('key', 'write')).toMatchObject({ allowed: false, rule: { text: 'key_prefix "" { policy = "list" }' } });
    expect(cell('operator', 'read')).toMatchObject({ allowed: false, rule: { source: 'default policy', text: 'deny' } });
    // The rights of other tokens are for callers with acl:read.
    const { tokens } = (await call<{ tokens: Token[] }>('GET', 'tokens?search=initial')).body;
    expect((await call('POST', 'matrix', { name: 'web', accessorId: tokens[0]?.accessorId }, secret)).status).toBe(403);
    expect((await call('POST', 'matrix', { name: 'web', accessorId: tokens[0]?.accessorId })).body).toMatchObject({ subject: 'Initial Management Token' });
    expect((await call('POST', 'matrix', { accessorId: '00000000-0000-4000-8000-000000000000' })).status).toBe(404);
  });

  test('whether a token may do one thing, and who can grant it', async () => {
    const secret = await registry.tokenWith('service "web" { policy = "read" } key_prefix "" { policy = "list" }');
    const ask = (query: string, token = secret) => call<{ allowed: boolean; rule: object; subject: string; grantors?: { tokens: string[]; policies: string[] } }>('GET', `can-i?${query}`, undefined, token);
    const allowed = (await ask('resource=service&verb=read&name=web')).body;
    expect(allowed).toMatchObject({ allowed: true, namespace: 'default', rule: { text: 'service "web" { policy = "read" }' } });
    expect(allowed.grantors).toBeUndefined();
    const refused = (await ask('resource=service&verb=write&name=web')).body;
    expect(refused).toMatchObject({ allowed: false, rule: { text: 'service "web" { policy = "read" }' }, grantors: { tokens: ['Initial Management Token'] } });
    // Of another token.
    const { tokens } = (await call<{ tokens: Token[] }>('GET', 'tokens?search=initial')).body;
    expect((await ask(`resource=operator&verb=write&accessorId=${tokens[0]?.accessorId}`)).status).toBe(403);
    expect((await ask(`resource=operator&verb=write&accessorId=${tokens[0]?.accessorId}`, managementToken)).body).toMatchObject({ allowed: true, subject: 'Initial Management Token' });
    expect((await ask('resource=food&verb=write')).status).toBe(400);
  });

  test('of configurations in the words of rules', async () => {
    const secret = await registry.tokenWith('config_prefix "shop/" { policy = "read" }');
    const ask = async (verb: string) => (await call<{ allowed: boolean; resource: string; verb: string }>('GET', `can-i?resource=config&verb=${verb}&name=shop/app`, undefined, secret)).body;
    expect(await ask('read')).toMatchObject({ allowed: true, resource: 'config', verb: 'read' });
    expect(await ask('edit')).toMatchObject({ allowed: false, resource: 'config', verb: 'write' });
    for (const word of ['approve', 'publish', 'reveal']) expect(await ask(word)).toMatchObject({ allowed: false, resource: `config-${word}`, verb: 'write' });
    const { status, body } = await call<{ message: string }>('GET', 'can-i?resource=service&verb=publish&name=web', undefined, secret);
    expect([status, body.message]).toEqual([400, 'verb must be one of read, list, write, or for a config read, edit, approve, publish, reveal']);
    const refused = await call<{ message: string }>('POST', '../config/publish?app=shop&name=app', { content: 'x' }, secret);
    expect([refused.status, refused.body.message]).toEqual([403, expect.stringContaining("lacks permission 'config-publish:write' (publish) on \"shop/app\"")]);
  });

  test('who may write a service', async () => {
    await call('PUT', 'policies', { name: 'billing-writers', rules: 'service "billing" { policy = "write" }' });
    await call('POST', 'tokens', { description: 'billing', policies: ['billing-writers'] });
    const { body } = await call<{ tokens: { description: string }[]; count: number; policies: { name: string }[] }>('GET', 'who?resource=service&verb=write&name=billing');
    expect(body.tokens.map(({ description }) => description).toSorted()).toEqual(['Initial Management Token', 'billing']);
    expect(body.count).toBe(2);
    expect(body.policies.map(({ name }) => name)).toContain('billing-writers');
    expect((await call('GET', 'who?resource=food&verb=write')).status).toBe(400);
  });
});

describe('permissions', () => {
  test.each([
    ['GET', 'tokens', 'acl = "read"'],
    ['GET', 'who?resource=service&verb=read', 'acl = "read"'],
    ['POST', 'check', 'acl = "read"'],
    ['POST', 'tokens', 'acl = "write"'],
    ['PUT', 'policies', 'acl = "write"'],
    ['DELETE', 'methods?name=x', 'acl = "write"'],
  ])('%s %s needs %s', async (method, path, rule) => {
    const less = rule.includes('read') ? 'service_prefix "" { policy = "write" }' : 'acl = "read"';
    expect((await call(method, path, method === 'GET' || method === 'DELETE' ? undefined : { rules: '' }, await registry.tokenWith(less))).status).toBe(403);
    expect((await call(method, path, method === 'GET' || method === 'DELETE' ? undefined : { rules: '' }, await registry.tokenWith(rule))).status).not.toBe(403);
  });

  test('without access control there is nothing to show', async () => {
    await using open = await ConfigServer.start();
    const { status, text } = await open.ask('/rollcall/v1/access/tokens');
    expect([status, text]).toEqual([412, expect.stringContaining('failed_precondition')]);
  });
});

test('a page that asks again gets an answer only when access control has changed, and changes are in the audit log by name', async () => {
  const list = (tag?: string) => registry.ask('/rollcall/v1/access/policies', { headers: { authorization: `Bearer ${managementToken}`, ...(tag === undefined ? {} : { 'if-none-match': tag }) } });
  const tag = (await list()).headers.get('etag') ?? '';
  expect((await list(tag)).status).toBe(304);
  await call('PUT', 'policies', { name: 'new-policy', rules: '' });
  expect((await list(tag)).status).toBe(200);
  const { text } = await registry.ask('/rollcall/v1/activity?text=policies', { headers: { authorization: `Bearer ${managementToken}` } });
  expect(text).toContain('PUT /rollcall/v1/access/policies: policy \\"new-policy\\"');
});
