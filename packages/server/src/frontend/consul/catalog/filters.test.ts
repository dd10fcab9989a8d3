/** `?filter=`: which endpoints take it, what they answer, and whom a filtered query wakes. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
  const register = (body: object) => consul.put('/v1/catalog/register', body);
  await register({
    Node: 'n1',
    Address: '10.0.0.1',
    NodeMeta: { zone: 'a' },
    Service: { Service: 'web', ID: 'web-1', Port: 80, Tags: ['blue'], Meta: { version: '2' } },
    Check: { CheckID: 'c1', Name: 'one', Status: 'passing', ServiceID: 'web-1' },
  });
  await register({
    Node: 'n2',
    Address: '10.0.0.2',
    NodeMeta: { zone: 'b' },
    Service: { Service: 'web', ID: 'web-2', Port: 81, Tags: ['green'] },
    Check: { CheckID: 'c2', Name: 'two', Status: 'warning', ServiceID: 'web-2' },
  });
  await register({ Node: 'n2', Address: '10.0.0.2', NodeMeta: { zone: 'b' }, Service: { Service: 'db', Tags: ['x'] } });
  await consul.put('/v1/agent/service/register', { Name: 'own', Port: 9, Check: { TTL: '30s' } });
  await consul.put('/v1/agent/service/register', { Name: 'second', ID: '__proto__', Port: 10 });
});
afterAll(() => consul[Symbol.asyncDispose]());

const filtered = (path: string, filter: string, more = '') =>
  consul.get(`${path}?filter=${encodeURIComponent(filter)}${more}`);

/** Every endpoint with a filter that some of its entries satisfy, and what they are. */
const endpoints: [path: string, filter: string, kept: RegExp[], dropped: RegExp[]][] = [
  ['/v1/catalog/nodes', 'Meta.zone == a', [/"n1"/], [/"n2"/]],
  ['/v1/catalog/services', 'NodeMeta.zone == b and ServiceName != db', [/"web":\["green"\]/], [/blue/, /"db"/]],
  ['/v1/catalog/service/web', 'ServiceMeta.version == 2 and ServicePort == 80', [/web-1/], [/web-2/]],
  ['/v1/catalog/node/n2', 'x in Tags', [/"Node":"n2"/, /"db"/], [/web-2/]],
  ['/v1/catalog/node-services/n2', 'Service matches "^w"', [/web-2/], [/"db"/]],
  ['/v1/health/service/web', 'Checks.Status == warning or Node.Meta["zone"] == q', [/web-2/], [/web-1/]],
  ['/v1/health/checks/web', 'Name == one', [/"c1"/], [/"c2"/]],
  ['/v1/health/node/n2', 'ServiceTags contains green', [/"c2"/], [/"c1"/]],
  ['/v1/health/state/any', 'c1 in CheckID', [/"c1"/], [/"c2"/, /serfHealth/]],
  ['/v1/agent/services', 'Port == 9', [/"own"/], [/second/]],
  ['/v1/agent/services', 'Port == 10', [/"__proto__":\{/, /second/], [/"own"/]],
  ['/v1/agent/checks', 'Status == critical', [/service:own/], []],
  ['/v1/agent/members', 'Tags.role == consul and Status == 1', [/server-1/], []],
];

test.each(endpoints)('%s?filter=%s', async (path, filter, kept, dropped) => {
  const answer = await filtered(path, filter);
  expect(answer.status).toBe(200);
  for (const each of kept) expect(answer.text).toMatch(each);
  for (const each of dropped) expect(answer.text).not.toMatch(each);
});

test.each([
  ...new Set(endpoints.map(([path]) => path)),
  '/v1/catalog/connect/web',
  '/v1/health/connect/web',
])('%s refuses a filter on an unknown field', async (path) => {
  const answer = await filtered(path, 'Nope == 1');
  const text = 'Failed to create boolean expression evaluator: Selector "Nope" is not valid';
  expect([answer.status, answer.text]).toEqual([400, text]);
});

test('a filter without a match gives an empty answer of the usual shape', async () => {
  expect((await filtered('/v1/health/service/web', 'Service.Port == 1')).text).toBe('[]');
  expect((await filtered('/v1/catalog/services', 'ServicePort == 1')).text).toBe('{}');
  expect((await filtered('/v1/agent/services', 'Port == 1')).text).toBe('{}');
  expect((await filtered('/v1/catalog/node-services/n1', 'Port == 1')).text).toMatch(/"Services":\[\]}$/);
  expect((await filtered('/v1/catalog/node/nope', 'Port == 1')).text).toBe('null');
  expect((await consul.get('/v1/catalog/service/db?filter=')).json()).toHaveLength(1);
});

test('a filter in another spelling of the URL is a separate answer only if its meaning differs', async () => {
  const one = await filtered('/v1/catalog/nodes', 'Node == n1');
  const two = await filtered('/v1/catalog/nodes', 'Node == n2');
  expect([one.text.includes('"n1"'), two.text.includes('"n1"')]).toEqual([true, false]);
  expect((await filtered('/v1/catalog/nodes', ' Node  ==  n1 ')).text).toBe(one.text);
});

test('a filter with expensive patterns is refused and does not delay other requests for long', async () => {
  const meta = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, 'a'.repeat(500)]));
  for (const at of [1, 2, 3]) {
    const Service = { Service: 'long', ID: `long-${at}`, Meta: meta };
    await consul.put('/v1/catalog/register', { Node: 'n3', Address: '10.0.0.3', Service });
  }
  const hostile = Array.from({ length: 60 }, (_, at) => `ServiceMeta.k${at} matches "(a?){60}b"`).join(' or ');
  const answer = await filtered('/v1/catalog/service/long', hostile);
  expect(answer.status).toBe(400);
  expect((await consul.get('/v1/status/leader')).status).toBe(200);
});

describe('waiting', () => {
  test('a change that the filter leaves out wakes no query; a change that it shows does', async () => {
    const path = '/v1/health/service/web';
    const { index } = await filtered(path, 'Service.Port == 80');
    const waiting = filtered(path, 'Service.Port == 80', `&index=${index}&wait=60s`);
    const unfiltered = consul.get(`${path}?index=${index}&wait=60s`);
    await consul.untilParked(2);
    const change = (id: string, node: string, Port: number, Tags: string[]) =>
      consul.put('/v1/catalog/register', {
        Node: node,
        Address: node === 'n1' ? '10.0.0.1' : '10.0.0.2',
        SkipNodeUpdate: true,
        Service: { Service: 'web', ID: id, Port, Tags },
      });
    await change('web-2', 'n2', 82, ['green']);
    // The one without a filter proves that the change arrived, and that both were visited.
    expect((await unfiltered).index).toBeGreaterThan(index);
    await consul.untilParked(1);
    await change('web-1', 'n1', 80, ['red']);
    const answer = await waiting;
    expect(answer.json<{ Service: { Tags: string[] } }[]>().map(({ Service }) => Service.Tags)).toEqual([['red']]);
    expect(answer.index).toBe((await consul.get(path)).index);
  });
});
