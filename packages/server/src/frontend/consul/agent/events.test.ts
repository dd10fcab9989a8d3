/** User events and network coordinates. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start();
});
afterEach(() => consul[Symbol.asyncDispose]());

interface Event {
  readonly ID: string;
  readonly Name: string;
  readonly Payload: string | null;
  readonly LTime: number;
}

const fire = async (path: string, body?: string) => (await consul.put(`/v1/event/fire/${path}`, body)).json<Event>();
const listed = async (query = '', headers = {}) =>
  (await consul.get(`/v1/event/list${query}`, { headers })).json<Event[]>().map(({ Name }) => Name);

describe('events', () => {
  test('are returned by fire as by list, in order, by name', async () => {
    expect((await consul.get('/v1/event/list')).index).toBe(1);
    const one = await fire('deploy', 'v2');
    expect(one).toEqual({
      ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Name: 'deploy',
      Payload: Buffer.from('v2').toString('base64'),
      NodeFilter: '',
      ServiceFilter: '',
      TagFilter: '',
      Version: 1,
      LTime: 1,
    });
    const two = await fire('restart');
    expect([two.Payload, two.LTime]).toEqual([null, 2]);
    expect((await consul.get('/v1/event/list')).json()).toEqual([one, two]);
    expect((await consul.get('/v1/event/list?name=deploy')).json()).toEqual([one]);
  });

  test('have the newest id as index, and a client that knows it waits for the next', async () => {
    const one = await fire('a');
    const bits = BigInt(`0x${one.ID.replaceAll('-', '')}`);
    const index = String((bits >> 64n) ^ BigInt.asUintN(64, bits));
    const { headers } = await consul.get('/v1/event/list');
    expect(headers['x-consul-index']).toBe(index);
    // Any other index is answered at once.
    expect((await consul.get('/v1/event/list?index=7')).json()).toHaveLength(1);
    const waiting = consul.get(`/v1/event/list?index=${index}&wait=60s`);
    await consul.untilParked(1);
    await fire('b');
    expect((await waiting).json()).toHaveLength(2);
    expect((await consul.get('/v1/event/list?index=x')).status).toBe(400);
  });

  test('select agents by node, service and tag with a filter', async () => {
    const headers = { 'x-rollcall-node': 'worker-1' };
    await consul.put('/v1/agent/service/register', { Name: 'web', Tags: ['blue'] }, { headers });
    await fire('by-node?node=%5Eworker-');
    await fire('by-service?service=web');
    await fire('by-tag?service=web&tag=green');
    expect(await listed()).toEqual([]);
    expect(await listed('', headers)).toEqual(['by-node', 'by-service']);
    await consul.put('/v1/agent/service/register', { Name: 'web', Tags: ['green'] }, { headers });
    expect(await listed('', headers)).toEqual(['by-node', 'by-service', 'by-tag']);
  });

  test('are in no namespace: one that the request names changes nothing, and filters see services of default', async () => {
    await consul.put('/v1/namespace', { Name: 'team-a' });
    const headers = { 'x-rollcall-node': 'worker-1' };
    await fire('a?ns=team-a');
    await fire('by-service?service=web&ns=team-a');
    expect(await listed('', headers)).toEqual(['a']);
    expect(await listed('?ns=team-a', headers)).toEqual(['a']);
    await consul.put('/v1/agent/service/register?ns=team-a', { Name: 'web' }, { headers });
    expect(await listed('?ns=team-a', headers)).toEqual(['a']);
    const { headers: told } = await consul.get('/v1/event/list?ns=team-a', { headers });
    const waiting = consul.get(`/v1/event/list?ns=team-a&index=${String(told['x-consul-index'])}&wait=60s`, { headers });
    await consul.untilParked(1);
    await consul.put('/v1/agent/service/register', { Name: 'web' }, { headers });
    expect((await waiting).json<Event[]>().map(({ Name }) => Name)).toEqual(['a', 'by-service']);
  });

  test('are kept up to 256', async () => {
    for (let n = 1; n <= 260; n++) await fire(`e${n}`);
    const names = await listed();
    expect([names.length, names[0], names.at(-1)]).toEqual([256, 'e5', 'e260']);
  });

  test('with a pattern that takes too long select no agent, and the list still answers', async () => {
    const { status } = await consul.put(`/v1/event/fire/slow?node=${encodeURIComponent('(a?){60}b')}`);
    expect(status).toBe(200);
    const headers = { 'x-rollcall-node': `${'a'.repeat(200)}b` };
    expect(await listed('', headers)).toEqual([]);
  });

  test.each([
    ['', '', 'Missing name'],
    ['x?service=%5B', '', 'Invalid service filter: error parsing regexp: missing closing ]: `[`'],
    ['x?tag=a', '', 'Cannot provide tag filter without service filter'],
    ['x', 'y'.repeat(513), 'user event exceeds configured limit of 512 bytes before encoding'],
  ])('fire/%s is refused', async (path, body, text) => {
    const answer = await consul.put(`/v1/event/fire/${path}`, body);
    expect([answer.status, answer.text]).toEqual([400, text]);
    expect(await listed()).toEqual([]);
  });
});

describe('coordinates', () => {
  const Coord = { Vec: [0.5, 0, 0, 0, 0, 0, 0, 0], Error: 1, Adjustment: 0, Height: 0.00001 };

  test('are returned as sent, and are deleted with their node', async () => {
    await consul.put('/v1/catalog/register', { Node: 'n1', Address: '10.0.0.1' });
    expect((await consul.get('/v1/coordinate/nodes')).text).toBe('[]');
    expect((await consul.get('/v1/coordinate/node/n1')).status).toBe(404);
    const { index } = await consul.get('/v1/coordinate/nodes');
    const waiting = consul.get(`/v1/coordinate/nodes?index=${index}&wait=60s`);
    await consul.untilParked(1);
    expect((await consul.put('/v1/coordinate/update', { Node: 'n1', Coord })).status).toBe(200);
    const expected = [{ Node: 'n1', Segment: '', Coord }];
    expect((await waiting).json()).toEqual(expected);
    expect((await consul.get('/v1/coordinate/node/n1')).json()).toEqual(expected);
    await consul.put('/v1/catalog/deregister', { Node: 'n1' });
    expect((await consul.get('/v1/coordinate/nodes')).text).toBe('[]');
    expect((await consul.get('/v1/coordinate/node/n1')).status).toBe(404);
  });

  test('of an unknown node are ignored; those of another form are refused', async () => {
    expect((await consul.put('/v1/coordinate/update', { Node: 'nope', Coord })).status).toBe(200);
    expect((await consul.get('/v1/coordinate/nodes')).text).toBe('[]');
    const short = await consul.put('/v1/coordinate/update', { Node: 'server-1', Coord: { Vec: [1] } });
    expect([short.status, short.text]).toEqual([400, 'incompatible coordinate']);
  });

  test('list their own datacenter', async () => {
    const [own] = (await consul.get('/v1/coordinate/datacenters')).json<{ Datacenter: string }[]>();
    expect(own).toMatchObject({ Datacenter: 'dc1', Coordinates: [{ Node: 'server-1' }] });
  });
});
