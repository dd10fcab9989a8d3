/** `/v1/acl/`: requests, answers and words of Consul, over what `security/` does. */

import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, Consul } from '../consul.case.ts';

const management = 'root';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const managementPolicy = '00000000-0000-0000-0000-000000000001';
const anonymous = '00000000-0000-0000-0000-000000000002';
const unknown = '22222222-0000-4000-8000-000000000000';

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start({ acl: { initialManagement: management } });
});
afterEach(() => consul[Symbol.asyncDispose]());

type Body = Record<string, unknown>;

function ask(method: string, path: string, body?: unknown, token: string | undefined = management): Promise<Answer> {
  const text = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  return consul.ask(method, path, { headers: token === '' ? {} : { 'x-consul-token': token }, ...text });
}

async function good(method: string, path: string, body?: unknown, token?: string): Promise<Body> {
  const answer = await ask(method, path, body, token);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.json<Body>();
}

async function refusal(method: string, path: string, body?: unknown, token?: string): Promise<[number, string]> {
  const { status, text } = await ask(method, path, body, token);
  return [status, text];
}

describe('bootstrap', () => {
  test('creates a management token once', async () => {
    await using fresh = await Consul.start({ acl: {} });
    const first = await fresh.put('/v1/acl/bootstrap');
    const made = first.json<Body>();
    expect(first.status).toBe(200);
    expect(Object.keys(made)).toEqual(['ID', 'AccessorID', 'SecretID', 'Description', 'Policies', 'Local', 'CreateTime', 'Hash', 'CreateIndex', 'ModifyIndex']);
    expect(made).toMatchObject({ ID: made['SecretID'], Policies: [{ ID: managementPolicy, Name: 'global-management' }] });
    const again = await fresh.put('/v1/acl/bootstrap');
    expect([again.status, again.text]).toEqual([403, expect.stringMatching(/^Permission denied: ACL bootstrap no longer allowed \(reset index: \d+\)$/)]);
    expect((await fresh.get('/v1/acl/tokens', { headers: { 'x-consul-token': made['SecretID'] as string } })).status).toBe(200);
  });

  test('accepts a secret that is a UUID', async () => {
    await using fresh = await Consul.start({ acl: {} });
    expect((await fresh.put('/v1/acl/bootstrap', { BootstrapSecret: 'short' })).status).toBe(400);
    expect((await fresh.put('/v1/acl/bootstrap', { BootstrapSecret: unknown })).json()).toMatchObject({ SecretID: unknown });
  });
});

describe('tokens', () => {
  test('are created, read, changed, cloned and deleted', async () => {
    const { ID: policy } = await good('PUT', '/v1/acl/policy', { Name: 'p', Rules: 'key "a" { policy = "read" }' });
    const { ID: role } = await good('PUT', '/v1/acl/role', { Name: 'r', Policies: [{ Name: 'p' }] });
    const made = await good('PUT', '/v1/acl/token', {
      Description: 'd',
      Policies: [{ Name: 'p' }],
      Roles: [{ ID: role }],
      ServiceIdentities: [{ ServiceName: 'web', Datacenters: ['dc1'] }],
      NodeIdentities: [{ NodeName: 'n', Datacenter: 'dc1' }],
      TemplatedPolicies: [{ TemplateName: 'builtin/dns' }],
      ExpirationTTL: '1h',
    });
    expect(made).toMatchObject({
      AccessorID: expect.stringMatching(uuid) as string,
      SecretID: expect.stringMatching(uuid) as string,
      Description: 'd',
      Policies: [{ ID: policy, Name: 'p' }],
      Roles: [{ ID: role, Name: 'r' }],
      ServiceIdentities: [{ ServiceName: 'web', Datacenters: ['dc1'] }],
      NodeIdentities: [{ NodeName: 'n', Datacenter: 'dc1' }],
      TemplatedPolicies: [{ TemplateName: 'builtin/dns' }],
      Local: false,
    });
    expect(Date.parse(made['ExpirationTime'] as string) - Date.parse(made['CreateTime'] as string)).toBe(3_600_000);
    const { AccessorID: id, SecretID: secret } = made as { AccessorID: string; SecretID: string };
    const read = await good('GET', `/v1/acl/token/${id}`);
    expect(read).toEqual({ ...made, SecretID: '<hidden>' });
    expect(await good('GET', '/v1/acl/token/self', undefined, secret)).toEqual(made);
    // An entry can be written again as it was read.
    const changed = await good('PUT', `/v1/acl/token/${id}`, { ...read, Description: 'e', Roles: [] });
    expect(changed).toMatchObject({ AccessorID: id, Description: 'e', Policies: [{ ID: policy }] });
    expect(changed).not.toHaveProperty('Roles');
    expect(changed['Hash']).not.toBe(made['Hash']);
    const clone = await good('PUT', `/v1/acl/token/${id}/clone`, { Description: 'c' });
    expect(clone).toMatchObject({ Description: 'c', Policies: [{ ID: policy }], SecretID: expect.stringMatching(uuid) as string });
    expect(clone['AccessorID']).not.toBe(id);
    expect(await good('DELETE', `/v1/acl/token/${id}`)).toBe(true);
    expect(await refusal('DELETE', `/v1/acl/token/${id}`)).toEqual([404, 'Cannot find token to delete']);
    expect(await refusal('GET', `/v1/acl/token/${id}`)).toEqual([403, 'token does not exist: ACL not found']);
    expect(await refusal('GET', '/v1/acl/token/self', undefined, secret)).toEqual([403, 'ACL not found']);
    expect(await refusal('GET', '/v1/acl/token/self', undefined, '')).toEqual([403, 'token does not exist: ACL not found']);
  });

  test('are listed by their grants, without their secrets', async () => {
    const { ID: role } = await good('PUT', '/v1/acl/role', { Name: 'r' });
    const one = await good('PUT', '/v1/acl/token', { Roles: [{ Name: 'r' }], SecretID: unknown });
    const two = await good('PUT', '/v1/acl/token', { ServiceIdentities: [{ ServiceName: 'web' }] });
    const list = async (query: string) => {
      const all = (await ask('GET', `/v1/acl/tokens${query}`)).json<Body[]>();
      // The secret of the anonymous token is public.
      for (const { AccessorID, SecretID } of all) expect(SecretID).toBe(AccessorID === anonymous ? 'anonymous' : '<hidden>');
      return all.map(({ AccessorID }) => AccessorID);
    };
    expect(await list('')).toHaveLength(4);
    expect(await list(`?role=${role as string}`)).toEqual([one['AccessorID']]);
    expect(await list('?servicename=web')).toEqual([two['AccessorID']]);
    expect(await list(`?policy=${managementPolicy}`)).toHaveLength(1);
    expect(await list('?authmethod=none')).toEqual([]);
    expect((await ask('GET', '/v1/acl/tokens')).text).not.toContain(unknown);
  });

  test('show all of their grants with ?expanded', async () => {
    await good('PUT', '/v1/acl/policy', { Name: 'p', Rules: 'key "a" { policy = "read" }' });
    await good('PUT', '/v1/acl/role', { Name: 'r', Policies: [{ Name: 'p' }], ServiceIdentities: [{ ServiceName: 'web' }] });
    const { AccessorID } = await good('PUT', '/v1/acl/token', { Roles: [{ Name: 'r' }] });
    const read = await good('GET', `/v1/acl/token/${AccessorID as string}?expanded=true`);
    expect(read['ExpandedRoles']).toMatchObject([{ Name: 'r' }]);
    expect(read['ExpandedPolicies']).toMatchObject([
      { Name: 'p', Rules: 'key "a" { policy = "read" }' },
      { Description: 'synthetic policy for service identity "web"', Rules: expect.stringContaining('service "web"') as string },
    ]);
  });

  test('are refused with the error texts of Consul', async () => {
    expect(await refusal('PUT', '/v1/acl/token', '')).toEqual([400, 'Token decoding failed: EOF']);
    expect(await refusal('PUT', '/v1/acl/token', { Foo: 1 })).toEqual([400, 'Token decoding failed: json: unknown field "Foo"']);
    expect(await refusal('PUT', '/v1/acl/token', { Policies: [{ Name: 'no' }] })).toEqual([400, 'No such ACL policy with name "no"']);
    expect(await refusal('PUT', '/v1/acl/token', { ExpirationTTL: '1s' })).toEqual([400, 'ExpirationTime cannot be less than 1m0s in the future (was 1s)']);
    expect((await refusal('PUT', '/v1/acl/token', { ExpirationTime: 'soon' }))[0]).toBe(400);
    expect(await refusal('PUT', `/v1/acl/token/${unknown}`, { AccessorID: anonymous })).toEqual([400, 'Token Accessor ID in URL and payload do not match']);
    expect(await refusal('PUT', `/v1/acl/token/${unknown}/clone`, {})).toEqual([403, 'token does not exist: ACL not found']);
    expect(await refusal('DELETE', `/v1/acl/token/${anonymous}`)).toEqual([400, 'Delete operation not permitted on the anonymous token']);
    const { AccessorID } = await good('GET', '/v1/acl/token/self');
    expect(await refusal('DELETE', `/v1/acl/token/${AccessorID as string}`)).toEqual([400, "Deletion of the request's authorization token is not permitted"]);
  });
});

describe('policies and roles', () => {
  test('are found by id and by name, and lists wait for changes', async () => {
    const misspelt = { Name: 'x', Rules: 'service_prefx "" { policy = "deny" }' };
    expect(await refusal('PUT', '/v1/acl/policy', misspelt)).toEqual([
      400,
      expect.stringContaining('unknown key "service_prefx"; did you mean "service_prefix"?'),
    ]);
    const policy = await good('PUT', '/v1/acl/policy', { Name: 'p', Description: 'd', Rules: 'operator = "read"', Datacenters: ['dc1'] });
    expect(await good('GET', `/v1/acl/policy/${policy['ID'] as string}`)).toEqual(policy);
    expect(await good('GET', '/v1/acl/policy/name/p')).toEqual(policy);
    expect(await good('GET', '/v1/acl/policy/name/builtin/global-read-only')).toMatchObject({ ID: anonymous });
    const list = await ask('GET', '/v1/acl/policies');
    expect(list.json<Body[]>().map(({ Name }) => Name)).toEqual(['builtin/global-read-only', 'global-management', 'p']);
    expect(list.json<Body[]>()[2]).not.toHaveProperty('Rules');
    const waiting = ask('GET', `/v1/acl/policies?index=${list.index}&wait=300s`);
    await consul.untilParked(1);
    await good('DELETE', `/v1/acl/policy/${policy['ID'] as string}`);
    expect((await waiting).json()).toHaveLength(2);
  });

  test('are refused with the error texts of Consul', async () => {
    for (const kind of ['policy', 'role']) {
      expect(await refusal('GET', `/v1/acl/${kind}/${unknown}`)).toEqual([404, `Requested ${kind} does not exist: ACL not found`]);
      expect(await refusal('GET', `/v1/acl/${kind}/name/no`)).toEqual([404, `Requested ${kind} does not exist: ACL not found`]);
      expect(await refusal('DELETE', `/v1/acl/${kind}/${unknown}`)).toEqual([404, `Cannot find ${kind} to delete`]);
      expect(await refusal('PUT', `/v1/acl/${kind}/${unknown}`, { Name: 'x' })).toEqual([400, `cannot find ${kind} ${unknown}`]);
      expect((await refusal('GET', `/v1/acl/${kind}`))[0]).toBe(405);
      expect((await refusal('GET', `/v1/acl/${kind}/`))[0]).toBe(400);
    }
    expect(await refusal('PUT', '/v1/acl/policy', { ID: unknown, Name: 'x' })).toEqual([400, 'Cannot specify the ID when creating a new policy']);
    expect(await refusal('PUT', '/v1/acl/policy', { Name: 'x', Rules: 'key "a" { policy = "foo" }' })).toEqual([
      400,
      'Invalid key policy: &acl.KeyRule{Prefix:"a", Policy:"foo", EnterpriseRule:acl.EnterpriseRule{}}',
    ]);
    expect(await refusal('DELETE', `/v1/acl/policy/${managementPolicy}`)).toEqual([400, 'Delete operation not permitted on the builtin global-management policy']);
  });
});

describe('logins', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const method = {
    Name: 'jwt',
    Type: 'jwt',
    MaxTokenTTL: '5m',
    Config: { JWTValidationPubKeys: [publicKey.export({ type: 'spki', format: 'pem' })], ClaimMappings: { sub: 'sub' } },
  };
  const token = (subject: string) =>
    new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).setSubject(subject).setIssuedAt().setExpirationTime('1m').sign(privateKey);

  test('get the grants of the binding rules, until the logout', async () => {
    expect(await good('PUT', '/v1/acl/auth-method', method)).toMatchObject({ MaxTokenTTL: '5m0s', Name: 'jwt', Type: 'jwt', Config: method.Config });
    const rule = await good('PUT', '/v1/acl/binding-rule', { AuthMethod: 'jwt', BindType: 'service', BindName: '${value.sub}' });
    expect(await good('GET', `/v1/acl/binding-rule/${rule['ID'] as string}`)).toEqual(rule);
    const { AuthMethod, SecretID, ...made } = await good('POST', '/v1/acl/login', { AuthMethod: 'jwt', BearerToken: await token('web'), Meta: { pod: 'a' } }, '');
    expect([AuthMethod, made['Description'], made['ServiceIdentities']]).toEqual(['jwt', 'token created via login: {"pod":"a"}', [{ ServiceName: 'web' }]]);
    const register = (Name: string) => ask('PUT', '/v1/agent/service/register', { Name }, SecretID as string);
    expect([(await register('web')).status, (await register('db')).status]).toEqual([200, 403]);
    expect((await ask('POST', '/v1/acl/logout', undefined, SecretID as string)).text).toBe('true');
    expect((await register('web')).text).toBe('ACL not found');
  });

  test('are refused with a bad proof, or without any grant', async () => {
    await good('PUT', '/v1/acl/auth-method', method);
    const login = (body: object) => refusal('POST', '/v1/acl/login', body, '');
    expect(await login({ AuthMethod: 'no', BearerToken: 'x' })).toEqual([403, 'ACL not found: auth method "no" not found']);
    expect(await login({ AuthMethod: 'jwt', BearerToken: await token('web') })).toEqual([403, 'Permission denied']);
    expect((await login({ AuthMethod: 'jwt', BearerToken: 'a.b.c' }))[0]).toBe(403);
    expect(await refusal('POST', '/v1/acl/logout', undefined, '')).toEqual([401, 'Supplied token does not exist']);
    expect(await refusal('POST', '/v1/acl/logout')).toEqual([403, "Permission denied: token wasn't created via login"]);
  });

  test('end with their auth method', async () => {
    await good('PUT', '/v1/acl/auth-method', method);
    await good('PUT', '/v1/acl/binding-rule', { AuthMethod: 'jwt', BindType: 'node', BindName: 'n' });
    const { SecretID } = await good('POST', '/v1/acl/login', { AuthMethod: 'jwt', BearerToken: await token('web') }, '');
    expect((await ask('GET', '/v1/acl/auth-methods')).json()).toMatchObject([{ Name: 'jwt' }]);
    await good('DELETE', '/v1/acl/auth-method/jwt');
    expect(await refusal('GET', '/v1/catalog/nodes', undefined, SecretID as string)).toEqual([403, 'ACL not found']);
    expect((await ask('GET', '/v1/acl/binding-rules')).json()).toEqual([]);
    expect(await refusal('GET', '/v1/acl/auth-method/jwt')).toEqual([404, 'Requested auth method does not exist: ACL not found']);
  });
});

test('templated policies are listed, read and previewed', async () => {
  const all = await good('GET', '/v1/acl/templated-policies');
  expect(Object.keys(all)).toContain('builtin/service');
  expect(await good('GET', '/v1/acl/templated-policy/name/builtin/service')).toEqual(all['builtin/service']);
  expect(all['builtin/service']).toMatchObject({ TemplateName: 'builtin/service', Template: expect.stringContaining('service "{{.Name}}"') as string });
  const preview = await good('POST', '/v1/acl/templated-policy/preview/builtin/service', { Name: 'web' });
  expect(preview).toMatchObject({ Rules: expect.stringContaining('service "web"') as string });
  expect((await refusal('POST', '/v1/acl/templated-policy/preview/builtin/service', {}))[0]).toBe(400);
  expect((await refusal('GET', '/v1/acl/templated-policy/name/no'))[0]).toBe(404);
});

test('every caller may ask what its token allows', async () => {
  const { SecretID } = await good('PUT', '/v1/acl/token', { ServiceIdentities: [{ ServiceName: 'web' }] });
  const questions = [
    { Resource: 'service', Access: 'write', Segment: 'web' },
    { Resource: 'service', Access: 'write', Segment: 'db' },
    { Resource: 'key', Access: 'write-prefix', Segment: '' },
    { Resource: 'acl', Access: 'read' },
  ];
  const answer = await ask('POST', '/v1/internal/acl/authorize', questions, SecretID as string);
  expect(answer.json()).toEqual(questions.map((question, at) => ({ ...question, ...(at === 2 ? { Segment: undefined } : {}), Allow: at === 0 })).map((one) => JSON.parse(JSON.stringify(one)) as object));
  expect(await refusal('POST', '/v1/internal/acl/authorize', [{ Resource: 'foo', Access: 'read' }])).toEqual([400, 'Invalid ACL resource requested: "foo"']);
  expect(await refusal('POST', '/v1/internal/acl/authorize', [{ Resource: 'key', Access: 'foo' }])).toEqual([400, 'Invalid access level for key resource: foo']);
});

test('the default token of the agent is used for requests without one', async () => {
  const { ID } = await good('PUT', '/v1/acl/policy', { Name: 'p', Rules: 'node_prefix "" { policy = "read" }' });
  const { SecretID } = await good('PUT', '/v1/acl/token', { Policies: [{ ID }] });
  expect((await consul.get('/v1/catalog/nodes')).json()).toEqual([]);
  await ask('PUT', '/v1/agent/token/default', { Token: SecretID });
  expect((await consul.get('/v1/catalog/nodes')).json()).toHaveLength(1);
  await ask('PUT', '/v1/agent/token/default', { Token: '' });
  expect((await consul.get('/v1/catalog/nodes')).json()).toEqual([]);
  expect((await ask('PUT', '/v1/agent/token/agent', { Token: 'x' })).status).toBe(200);
  expect(await refusal('PUT', '/v1/agent/token/no', { Token: 'x' })).toEqual([404, 'Token "no" is unknown']);
});

test('routes that Consul has removed do not exist', async () => {
  for (const path of ['create', 'update', 'destroy/x', 'info/x', 'clone/x', 'list', 'rules/translate']) {
    expect((await ask('PUT', `/v1/acl/${path}`, {})).status).toBe(404);
  }
});
