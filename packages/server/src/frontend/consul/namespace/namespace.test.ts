/** `/v1/namespace` and `/v1/namespaces`: as the documentation of Consul Enterprise says it, and who may do what. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, Consul } from '../consul.case.ts';

const management = 'root';
let consul: Consul;

beforeEach(async () => {
  consul = await Consul.start({ acl: { initialManagement: management } });
});
afterEach(() => consul[Symbol.asyncDispose]());

function ask(method: string, path: string, body?: object, token = management): Promise<Answer> {
  const headers = { 'x-consul-token': token };
  return consul.ask(method, path, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function done<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await ask(method, path, body);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return (answer.text === '' ? undefined : answer.json()) as T;
}

const names = async (token = management) =>
  (await ask('GET', '/v1/namespaces', undefined, token)).json<{ Name: string }[]>().map(({ Name }) => Name);

describe('a namespace', () => {
  test('is created, read, listed, changed and removed', async () => {
    const body = { Name: 'team-a', Description: 'Namespace of team A', Meta: { owner: 'ada' } };
    const created = await done<{ CreateIndex: number }>('PUT', '/v1/namespace', body);
    expect(created).toMatchObject(body);
    expect(await done('GET', '/v1/namespace/team-a')).toEqual(created);
    expect(await done('GET', '/v1/namespaces')).toEqual([
      { Name: 'default', Description: 'Builtin Default Namespace', CreateIndex: 1, ModifyIndex: 1 },
      created,
    ]);
    const changed = await done('PUT', '/v1/namespace/team-a', { Description: 'changed' });
    expect(changed).toMatchObject({ Name: 'team-a', Description: 'changed', CreateIndex: created.CreateIndex });
    expect(changed).not.toHaveProperty('Meta');
    expect((await ask('DELETE', '/v1/namespace/team-a')).text).toBe('');
    expect((await ask('GET', '/v1/namespace/team-a')).status).toBe(404);
    expect(await names()).toEqual(['default']);
  });

  test('is removed with everything in it, which wakes queries for the list', async () => {
    await done('PUT', '/v1/namespace', { Name: 'team-a' });
    await done('PUT', '/v1/kv/key?ns=team-a', {});
    await done('PUT', '/v1/agent/service/register?ns=team-a', { Name: 'web' });
    await done('PUT', '/v1/kv/key', {});
    const { index } = await ask('GET', '/v1/namespaces');
    const waiting = ask('GET', `/v1/namespaces?index=${index}&wait=300s`);
    await consul.untilParked(1);
    await done('DELETE', '/v1/namespace/team-a');
    await waiting;
    expect((await ask('PUT', '/v1/kv/key?ns=team-a', {})).status).toBe(404);
    await done('PUT', '/v1/namespace', { Name: 'team-a' });
    expect((await ask('GET', '/v1/kv/key?ns=team-a')).status).toBe(404);
    expect(await done('GET', '/v1/catalog/services?ns=team-a')).toEqual({});
    expect((await ask('GET', '/v1/kv/key')).status).toBe(200);
  });

  test.each([
    ['PUT', '/v1/namespace', {}, 400, 'Must specify a Name'],
    ['PUT', '/v1/namespace', { Name: 'a.b' }, 400, 'is not a DNS label'],
    ['PUT', '/v1/namespace', { Name: '*' }, 400, 'Invalid namespace: "*"'],
    ['PUT', '/v1/namespace/a', { Name: 'b' }, 400, 'does not match'],
    ['PUT', '/v1/namespace', { Name: 'a', Nope: 1 }, 400, 'Nope'],
    ['PUT', '/v1/namespace', { Name: 'a', ACLs: { PolicyDefaults: [{ Name: 'none' }] } }, 400, 'none'],
    ['DELETE', '/v1/namespace/default', undefined, 400, 'cannot be deleted'],
    ['DELETE', '/v1/namespace/none', undefined, 404, 'does not exist'],
    ['GET', '/v1/namespace/', undefined, 400, 'Missing namespace name'],
  ])('is refused: %s %s %j', async (method, path, body, status, text) => {
    const answer = await ask(method, path, body);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(text)]);
    expect(await names()).toEqual(['default']);
  });

  test('must exist before anything is written in it; reads of a missing one return nothing', async () => {
    const write = await ask('PUT', '/v1/kv/key?ns=none', {});
    expect([write.status, write.text]).toEqual([404, expect.stringContaining('namespace "none" does not exist; create it first')]);
    expect(await done('GET', '/v1/catalog/service/web?ns=none')).toEqual([]);
  });
});

describe('default policies and roles', () => {
  test('link to the default namespace and count for every token of the namespace', async () => {
    const policy = await done<{ ID: string }>('PUT', '/v1/acl/policy', { Name: 'keys', Rules: 'namespace_prefix "" { key_prefix "" { policy = "read" } }' });
    const ACLs = { PolicyDefaults: [{ Name: 'keys' }], RoleDefaults: [] };
    const link = { PolicyDefaults: [{ ID: policy.ID, Name: 'keys' }], RoleDefaults: [] };
    expect(await done('PUT', '/v1/namespace', { Name: 'team-a', ACLs })).toMatchObject({ ACLs: link });
    await done('PUT', '/v1/kv/key?ns=team-a', {});
    const { SecretID } = await done<{ SecretID: string }>('PUT', '/v1/acl/token?ns=team-a', {});
    const read = async () => (await ask('GET', '/v1/kv/key', undefined, SecretID)).status;
    expect(await read()).toBe(200);
    await done('PUT', `/v1/acl/policy/${policy.ID}`, { Name: 'renamed', Rules: 'namespace_prefix "" { key_prefix "" { policy = "read" } }' });
    expect(await done('GET', '/v1/namespaces')).toMatchObject([{}, { ACLs: { PolicyDefaults: [{ Name: 'renamed' }] } }]);
    expect(await done('PUT', '/v1/namespace/team-a', {})).not.toHaveProperty('ACLs');
    expect(await done('GET', '/v1/namespaces')).not.toMatchObject([{}, { ACLs: {} }]);
    expect(await read()).toBe(403);
  });
});

describe('a token', () => {
  async function tokenWith(Rules: string, query = ''): Promise<string> {
    const { ID } = await done<{ ID: string }>('PUT', `/v1/acl/policy${query}`, { Name: `p${Rules.length}`, Rules });
    return (await done<{ SecretID: string }>('PUT', `/v1/acl/token${query}`, { Policies: [{ ID }] })).SecretID;
  }

  test('sees the namespaces in which it may do something', async () => {
    for (const Name of ['team-a', 'team-b']) await done('PUT', '/v1/namespace', { Name });
    const own = await tokenWith('key_prefix "" { policy = "read" }', '?ns=team-a');
    expect(await names(own)).toEqual(['team-a']);
    expect((await ask('GET', '/v1/namespace/team-a', undefined, own)).status).toBe(200);
    expect((await ask('GET', '/v1/namespace/team-b', undefined, own)).status).toBe(403);
    expect(await names(await tokenWith('operator = "read"'))).toEqual(['default', 'team-a', 'team-b']);
    expect((await ask('GET', '/v1/namespaces', undefined, '')).json()).toEqual([]);
    expect(await names()).toEqual(['default', 'team-a', 'team-b']);
  });

  test('needs operator:write to create, change or remove one', async () => {
    await done('PUT', '/v1/namespace', { Name: 'team-a' });
    for (const [rules, status] of [['operator = "read"', 403], ['operator = "write"', 200]] as const) {
      const token = await tokenWith(rules);
      expect((await ask('PUT', '/v1/namespace/team-a', {}, token)).status).toBe(status);
      const ACLs = { PolicyDefaults: [{ Name: 'global-management' }] };
      expect((await ask('PUT', '/v1/namespace/team-a', { ACLs }, token)).status).toBe(403);
      expect((await ask('DELETE', '/v1/namespace/team-a', undefined, token)).status).toBe(status);
    }
  });
});
