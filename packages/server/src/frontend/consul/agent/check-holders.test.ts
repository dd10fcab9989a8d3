/** A check belongs to its service: no other registration takes it away, and none lifts maintenance. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
  await consul.put('/v1/agent/service/register', { Name: 'held', Check: { CheckID: 'c', TTL: '60s' } });
  await consul.put('/v1/agent/service/register', { Name: 'taker' });
  await consul.put('/v1/agent/check/register', { ID: 'disk', Name: 'disk', TTL: '60s' });
  const Service = { Service: 'held' };
  const Checks = [{ CheckID: 'c', Name: 'c', ServiceID: 'held' }, { CheckID: 'disk', Name: 'disk' }];
  await consul.put('/v1/catalog/register', { Node: 'n', Address: '10.0.0.1', Service, Checks });
});
afterAll(() => consul[Symbol.asyncDispose]());

const holders = async (node: string) =>
  (await consul.get(`/v1/health/node/${node}`))
    .json<{ CheckID: string; ServiceID: string }[]>()
    .filter(({ CheckID }) => CheckID !== 'serfHealth')
    .map(({ CheckID, ServiceID }) => `${CheckID}:${ServiceID}`);

const catalog = { Node: 'n', Address: '10.0.0.1' };
const message = (check: string, holder: string) =>
  `check ${check} belongs to ${holder}; give the check another id, or deregister that one first`;

test.each([
  ['a service', '/v1/agent/service/register', { Name: 'taker', Check: { CheckID: 'c', TTL: '9s' } }, 'server-1', 'c', 'instance held'],
  ['a service', '/v1/agent/service/register', { Name: 'taker', Check: { CheckID: 'disk', TTL: '9s' } }, 'server-1', 'disk', undefined],
  ['a check of a service', '/v1/agent/check/register', { ID: 'c', Name: 'c', TTL: '9s', ServiceID: 'taker' }, 'server-1', 'c', 'instance held'],
  ['a check of the node', '/v1/agent/check/register', { ID: 'c', Name: 'c', TTL: '9s' }, 'server-1', 'c', 'instance held'],
  [
    'a catalog registration',
    '/v1/catalog/register',
    { ...catalog, Service: { Service: 'taker' }, Check: { CheckID: 'c', Name: 'c', ServiceID: 'taker' } },
    'n',
    'c',
    'instance held',
  ],
  ['a check of a catalog node', '/v1/catalog/register', { ...catalog, Check: { CheckID: 'c', Name: 'c' } }, 'n', 'c', 'instance held'],
  [
    'a catalog service, for the check of its node',
    '/v1/catalog/register',
    { ...catalog, Check: { CheckID: 'disk', Name: 'disk', ServiceID: 'held' } },
    'n',
    'disk',
    undefined,
  ],
])('%s that names a check of another one is refused, and nothing changes', async (_what, path, body, node, check, holder) => {
  const before = await holders(node);
  const answer = await consul.put(path, body);
  expect(answer.status).toBe(400);
  expect(answer.text).toBe(message(check, holder === undefined ? `node ${node}` : `${holder} on node ${node}`));
  expect(await holders(node)).toEqual(before);
  expect((await consul.get('/v1/catalog/service/taker')).json<{ Node: string }[]>().map(({ Node }) => Node)).toEqual(['server-1']);
});

test('a transaction cannot take such a check either, unless it removes it first', async () => {
  await consul.put('/v1/catalog/register', { ...catalog, Service: { Service: 'second' } });
  const set = { Check: { Verb: 'set', Check: { Node: 'n', CheckID: 'c', Name: 'c', ServiceID: 'second' } } };
  const refused = await consul.put('/v1/txn', [set]);
  expect(refused.status).toBe(409);
  expect(refused.json()).toMatchObject({ Errors: [{ OpIndex: 0, What: message('c', 'instance held on node n') }] });
  expect(await holders('n')).toEqual(['c:held', 'disk:']);
  const removal = { Check: { Verb: 'delete', Check: { Node: 'n', CheckID: 'c' } } };
  expect((await consul.put('/v1/txn', [removal, set])).status).toBe(200);
  expect(await holders('n')).toEqual(['c:second', 'disk:']);
});

test('an id that is registered with another service name keeps its checks', async () => {
  await consul.put('/v1/agent/service/register', { ID: 'x', Name: 'old', Check: { CheckID: 'x', TTL: '60s' } });
  const answer = await consul.put('/v1/agent/service/register', { ID: 'x', Name: 'new', Check: { CheckID: 'x', TTL: '60s' } });
  expect(answer.status).toBe(200);
  expect(await holders('server-1')).toContain('x:x');
});

test('replace-existing-checks keeps the maintenance checks of the service and the node', async () => {
  const body = { Name: 'kept', Checks: [{ CheckID: 'k1', TTL: '60s' }, { CheckID: 'k2', TTL: '60s' }] };
  await consul.put('/v1/agent/service/register', body);
  await consul.put('/v1/agent/service/maintenance/kept?enable=true&reason=disk');
  await consul.put('/v1/agent/maintenance?enable=true');
  const again = { ...body, Checks: body.Checks.slice(0, 1) };
  expect((await consul.put('/v1/agent/service/register?replace-existing-checks', again)).status).toBe(200);
  const now = await holders('server-1');
  expect(now).toEqual(expect.arrayContaining(['_service_maintenance:kept:kept', '_node_maintenance:', 'k1:kept']));
  expect(now).not.toContain('k2:kept');
  // Another service's maintenance is nothing special on this one.
  await consul.put('/v1/agent/check/register', { ID: '_service_maintenance:other', Name: 'x', TTL: '60s', ServiceID: 'kept' });
  await consul.put('/v1/agent/service/register?replace-existing-checks=true', again);
  expect(await holders('server-1')).not.toContain('_service_maintenance:other:kept');
  await consul.put('/v1/agent/service/maintenance/kept?enable=false');
  expect(await holders('server-1')).not.toContain('_service_maintenance:kept:kept');
});
