/** Sessions: defaults, forms of their times, renewal, and the texts that lock clients look for. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualClock } from '../../../manual-clock.case.ts';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

interface Session {
  readonly ID: string;
  readonly CreateIndex: number;
}

async function create(body?: unknown): Promise<string> {
  const answer = await consul.put('/v1/session/create', body);
  expect(answer.status).toBe(200);
  return answer.json<Session>().ID;
}

async function info(id: string): Promise<Session> {
  const [found] = (await consul.get(`/v1/session/info/${id}`)).json<Session[]>();
  return found as Session;
}

test('an empty body gives Consul’s defaults', async () => {
  const id = await create();
  const found = await info(id);
  expect(found).toEqual({
    ID: id,
    Name: '',
    Node: 'server-1',
    LockDelay: 15_000_000_000,
    Behavior: 'release',
    TTL: '',
    NodeChecks: ['serfHealth'],
    ServiceChecks: null,
    CreateIndex: found.CreateIndex,
    ModifyIndex: found.CreateIndex,
  });
});

test.each([
  [{ ttl: '15.0s', lockdelay: '1ms', name: 'n' }, { TTL: '15.0s', LockDelay: 1_000_000, Name: 'n' }],
  [{ LockDelay: 5 }, { LockDelay: 5_000_000_000 }],
  [{ LockDelay: 1_000_000 }, { LockDelay: 1_000_000 }],
  [{ LockDelay: '100s' }, { LockDelay: 60_000_000_000 }],
  [{ LockDelay: '0s' }, { LockDelay: 0 }],
  [{ LockDelay: -5 }, { LockDelay: 0 }],
  [{ TTL: '0s' }, { TTL: '0s' }],
  [{ TTL: '24h' }, { TTL: '24h' }],
  [{ Checks: [] }, { NodeChecks: [] }],
  [{ NodeChecks: [] }, { NodeChecks: [] }],
  [{ Checks: ['serfHealth'] }, { NodeChecks: ['serfHealth'] }],
  [{ Behavior: 'delete' }, { Behavior: 'delete' }],
  [{ LockDelay: null, TTL: null, Unknown: 1 }, { LockDelay: 15_000_000_000, TTL: '' }],
])('%j', async (body, wanted) => expect(await info(await create(body))).toMatchObject(wanted));

test.each([
  [{ TTL: '1s' }, 500, "Invalid Session TTL '1000000000', must be between [10s=24h0m0s]"],
  [{ TTL: '25h' }, 500, "Invalid Session TTL '90000000000000', must be between [10s=24h0m0s]"],
  [{ TTL: '-15s' }, 500, "Invalid Session TTL '-15000000000', must be between [10s=24h0m0s]"],
  [{ TTL: 'x' }, 400, 'Session TTL \'x\' invalid: time: invalid duration "x"'],
  [{ TTL: 15 }, 400, 'Request decode failed: json: cannot unmarshal number into field TTL of type string'],
  [{ LockDelay: 'x' }, 400, 'Request decode failed: time: invalid duration "x"'],
  [{ Behavior: 'x' }, 400, "Invalid Behavior setting 'x'"],
  [{ Node: '' }, 400, 'Must provide Node'],
  [{ Node: 'nowhere' }, 500, 'node nowhere is not registered'],
  [{ NodeChecks: ['none'] }, 500, 'check none is not registered on node server-1'],
  [{ ServiceChecks: [{ ID: 'none' }] }, 500, 'check none is not registered on node server-1'],
  ['{bad', 400, "Request decode failed: invalid character 'b' looking for beginning of object key string"],
  ['[]', 400, 'Request decode failed: json: cannot unmarshal array into request body of type object'],
])('refuses %j', async (body, status, text) => {
  const answer = await consul.put('/v1/session/create', body);
  expect([answer.status, answer.text]).toEqual([status, text]);
});

test('lists all sessions, or those of a node', async () => {
  const id = await create({ Name: 'listed' });
  const all = (await consul.get('/v1/session/list')).json<Session[]>();
  expect(all.map(({ ID }) => ID)).toContain(id);
  expect((await consul.get('/v1/session/node/server-1')).json()).toEqual(all);
  expect((await consul.get('/v1/session/node/nowhere')).json()).toEqual([]);
});

test('an unknown session has no info and cannot be renewed; destroying it succeeds', async () => {
  expect((await consul.get('/v1/session/info/x')).json()).toEqual([]);
  const renewed = await consul.put('/v1/session/renew/x');
  expect([renewed.status, renewed.text]).toEqual([404, "Session id 'x' not found"]);
  expect((await consul.put('/v1/session/destroy/x')).text).toBe('true');
  for (const verb of ['renew', 'destroy']) {
    const answer = await consul.put(`/v1/session/${verb}/`);
    expect([answer.status, answer.text]).toEqual([400, 'Missing session']);
  }
});

test('a session ends when one of its checks fails', async () => {
  await consul.put('/v1/agent/check/register', { ID: 'own', Name: 'own', TTL: '600s', Status: 'passing' });
  const id = await create({ NodeChecks: ['serfHealth', 'own'] });
  await consul.put('/v1/agent/check/fail/own');
  expect((await consul.get(`/v1/session/info/${id}`)).json()).toEqual([]);
});

describe('time', () => {
  test('a session lives for twice its TTL after the last renewal', async () => {
    const clock = manualClock();
    await using timed = await Consul.start({ clock });
    const { ID } = (await timed.put('/v1/session/create', { TTL: '10s' })).json<Session>();
    clock.advance(19_000);
    expect((await timed.put(`/v1/session/renew/${ID}`)).json<Session[]>()[0]?.ID).toBe(ID);
    clock.advance(19_000);
    expect((await timed.get(`/v1/session/info/${ID}`)).json()).toHaveLength(1);
    const { index } = await timed.get(`/v1/session/info/${ID}`);
    const ended = timed.get(`/v1/session/info/${ID}?index=${index}`);
    clock.advance(2_000);
    expect((await ended).json()).toEqual([]);
    expect((await timed.put(`/v1/session/renew/${ID}`)).status).toBe(404);
  });
});
