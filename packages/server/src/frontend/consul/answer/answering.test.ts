/** Several callers request the same URL again and again: each gets the present content that it may see. */

import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

const as = (token: string) => ({ headers: { 'X-Consul-Token': token } });
const root = as('root');

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start({ acl: { initialManagement: 'root' } });
});
afterEach(() => consul[Symbol.asyncDispose]());

async function tokenWith(rules: string): Promise<{ secret: string; policy: string }> {
  const { ID } = (await consul.put('/v1/acl/policy', { Name: `p${rules.length}`, Rules: rules }, root)).json<{ ID: string }>();
  const { SecretID } = (await consul.put('/v1/acl/token', { Policies: [{ ID }] }, root)).json<{ SecretID: string }>();
  return { secret: SecretID, policy: ID };
}

test('a key changes, is deleted, and is created again', async () => {
  const read = async () => {
    const { status, text } = await consul.get('/v1/kv/k?raw', root);
    return [status, text];
  };
  const seen: unknown[] = [await read(), await read()];
  for (const value of ['one', 'two']) {
    await consul.put('/v1/kv/k', value, root);
    seen.push(await read(), await read());
  }
  await consul.ask('DELETE', '/v1/kv/k', root);
  seen.push(await read(), await read());
  expect(seen).toEqual([[404, ''], [404, ''], [200, 'one'], [200, 'one'], [200, 'two'], [200, 'two'], [404, ''], [404, '']]);
});

test('callers with other rights get other lists, never one that was encoded for another caller', async () => {
  for (const Name of ['web', 'db']) await consul.put('/v1/agent/service/register', { Name }, root);
  const web = await tokenWith('service "web" { policy = "read" } node_prefix "" { policy = "read" }');
  const db = await tokenWith('service "db" { policy = "read" } node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }');
  const names = async (token: string) => Object.keys((await consul.get('/v1/catalog/services', as(token))).json<object>());
  for (const _time of [1, 2]) {
    expect(await names('root')).toEqual(['consul', 'db', 'web']);
    expect(await names(web.secret)).toEqual(['web']);
    expect(await names(db.secret)).toEqual(['db']);
  }
});

test('a removed right counts from the next request on', async () => {
  await consul.put('/v1/kv/k', 'v', root);
  const reader = await tokenWith('key "k" { policy = "read" }');
  const status = async () => (await consul.get('/v1/kv/k', as(reader.secret))).status;
  expect([await status(), await status()]).toEqual([200, 200]);
  await consul.put(`/v1/acl/policy/${reader.policy}`, { Name: 'nothing', Rules: '' }, root);
  expect([await status(), (await consul.get('/v1/kv/k', root)).status]).toEqual([403, 200]);
});

test('only clients that ask for gzip get it', async () => {
  await consul.put('/v1/kv/k', 'v'.repeat(2_000), root);
  const headers = { ...root.headers, 'accept-encoding': 'gzip' };
  const plain = (await consul.get('/v1/kv/k', root)).text;
  for (const _time of [1, 2]) {
    const zipped = await consul.get('/v1/kv/k', { headers });
    expect([zipped.headers['content-encoding'], gunzipSync(zipped.bytes).toString()]).toEqual(['gzip', plain]);
    const { headers: { 'content-encoding': encoding }, text } = await consul.get('/v1/kv/k', root);
    expect([encoding, text]).toEqual([undefined, plain]);
  }
});
