/** Access control in namespaces: where tokens and policies are, and what a token of one namespace sees of others. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

const management = 'root';
let consul: Consul;

beforeEach(async () => {
  consul = await Consul.start({ acl: { initialManagement: management } });
  await consul.createNamespace('team-a', management);
  for (const query of ['', '?ns=team-a']) {
    await write('PUT', `/v1/agent/service/register${query}`, { Name: 'web', ID: `web${query.slice(-1)}` });
  }
});
afterEach(() => consul[Symbol.asyncDispose]());

const as = (token: string) => ({ headers: { 'x-consul-token': token } });

async function write<T>(method: string, path: string, body: object, token = management): Promise<T> {
  const answer = await consul.ask(method, path, { ...as(token), body: JSON.stringify(body) });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return (answer.text === '' ? undefined : answer.json()) as T;
}

interface Record {
  readonly ID: string;
  readonly SecretID: string;
  readonly AccessorID: string;
  readonly Namespace?: string;
}

const readAll = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }';

/** A token of `team-a` with these rules. */
async function teamToken(rules: string): Promise<Record> {
  const { ID } = await write<Record>('PUT', '/v1/acl/policy?ns=team-a', { Name: 'p', Rules: rules });
  return write<Record>('PUT', '/v1/acl/token?ns=team-a', { Policies: [{ ID }] });
}

test('a token of a namespace uses that namespace if the request names none, and reads nothing of another', async () => {
  const { SecretID, Namespace } = await teamToken(readAll);
  expect(Namespace).toBe('team-a');
  const found = async (query: string, token: string) => {
    const answer = await consul.get(`/v1/catalog/service/web${query}`, as(token));
    return answer.json<{ ServiceID: string; Namespace?: string }[]>().map(({ ServiceID, Namespace }) => [ServiceID, Namespace]);
  };
  // In turns, since plans are kept by URL.
  for (let times = 0; times < 3; times++) {
    expect(await found('', management)).toEqual([['web', undefined]]);
    expect(await found('', SecretID)).toEqual([['weba', 'team-a']]);
    expect(await found('?ns=default', SecretID)).toEqual([]);
    expect(await found(`?wait=1s&token=${SecretID}`, management)).toEqual([['weba', 'team-a']]);
  }
  expect(await consul.get('/v1/acl/token/self', as(SecretID))).toMatchObject({ status: 200 });
});

test('records of access control are read and written in the namespace of the request, or of the body', async () => {
  const policy = await write<Record>('PUT', '/v1/acl/policy', { Name: 'q', Rules: readAll, Namespace: 'team-a' });
  expect(policy.Namespace).toBe('team-a');
  const get = async (path: string) => consul.get(path, as(management));
  expect((await get(`/v1/acl/policy/${policy.ID}`)).status).toBe(404);
  expect((await get(`/v1/acl/policy/${policy.ID}?ns=team-a`)).json()).toMatchObject({ Name: 'q', Namespace: 'team-a' });
  // The other is the one that a new namespace is managed with.
  expect((await get('/v1/acl/policies?ns=team-a')).json<Record[]>().map(({ Namespace }) => Namespace)).toEqual(['team-a', 'team-a']);
  const role = await write<Record>('PUT', '/v1/acl/role', { Name: 'r', Namespace: 'team-a', Policies: [{ Name: 'q' }] });
  expect([role.Namespace, (await get('/v1/acl/roles')).json()]).toEqual(['team-a', []]);
  const [plain] = (await get('/v1/acl/policies')).json<object[]>();
  expect(plain).not.toHaveProperty('Namespace');
  const mismatch = await consul.ask('PUT', '/v1/acl/token?ns=default', { ...as(management), body: '{"Namespace":"team-a"}' });
  expect([mismatch.status, mismatch.text]).toEqual([400, expect.stringContaining('does not match')]);
});

test('a body cannot name a namespace that its token may not manage', async () => {
  const { SecretID } = await teamToken('acl = "write"');
  const token = async (body: object) => (await consul.ask('PUT', '/v1/acl/token', { ...as(SecretID), body: JSON.stringify(body) })).status;
  expect(await token({})).toBe(200);
  expect(await token({ Namespace: 'team-a' })).toBe(200);
  expect(await token({ Namespace: 'default' })).toBe(403);
});
