/** `X-Consul-Index` is on every answer of a read that can wait: clients that miss it would never wait again. */

import { expect, test } from 'vitest';
import { grantor, management } from '../../security/grantor.case.ts';
import { Consul } from './consul.case.ts';

test('a 403, a 404 and a 500 of a read have it, and reveal nothing that the caller may not read', async () => {
  await using consul = await Consul.start({ acl: { initialManagement: management } });
  const grants = grantor(consul.server.registry);
  const { secret } = await grants.token('key_prefix "mine/" { policy = "read" }');
  const headers = { 'X-Consul-Token': secret };
  for (let time = 0; time < 3; time++) await consul.put('/v1/kv/other/a', String(time), { headers: { 'X-Consul-Token': management } });
  for (const path of ['/v1/kv/other/a', '/v1/kv/other/a?index=5&wait=1s', '/v1/acl/policies', '/v1/peerings', '/v1/operator/usage']) {
    const answer = await consul.get(path, { headers });
    expect([path, answer.status, answer.index]).toEqual([path, 403, 1]);
    expect(answer.headers).toMatchObject({ 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0' });
  }
  const wrong = await consul.get('/v1/kv/mine/a', { headers: { 'X-Consul-Token': 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa' } });
  expect([wrong.status, wrong.index]).toEqual([403, 1]);
  const absent = await consul.get('/v1/kv/mine/a', { headers });
  expect([absent.status, absent.index]).toEqual([404, 1]);
  const elsewhere = await consul.get('/v1/kv/mine/a?dc=other', { headers });
  expect([elsewhere.status, elsewhere.index]).toEqual([500, 1]);
  grants.close();
});

test('reads that never wait in Consul, but have the header there, have it', async () => {
  await using consul = await Consul.start();
  const { ID } = (await consul.ask('POST', '/v1/query', { body: '{"Name":"q","Service":{"Service":"web"}}' })).json<{ ID: string }>();
  const paths = [
    ...['/v1/operator/usage', `/v1/query/${ID}`, '/v1/query/q/execute', '/v1/query/nothing/execute'],
    ...['/v1/connect/intentions/match?by=source&name=web', '/v1/connect/intentions/check?source=a&destination=b'],
    ...['/v1/connect/intentions/exact?source=a&destination=b', '/v1/peering/x'],
  ];
  for (const path of paths) expect([path, (await consul.get(path)).index]).toEqual([path, 1]);
});

test('root certificates have it, and a query that waits for new ones does not return at once', async () => {
  await using consul = await Consul.start();
  for (const path of ['/v1/connect/ca/roots', '/v1/agent/connect/ca/roots']) {
    const answer = await consul.get(path);
    expect(answer.index).toBe(1);
    const abort = new AbortController();
    const waiting = consul.get(`${path}?index=${answer.index}&wait=60s`, { signal: abort.signal });
    await consul.untilParked(1);
    abort.abort();
    await expect(waiting).rejects.toThrow();
    await consul.untilParked(0);
  }
});
