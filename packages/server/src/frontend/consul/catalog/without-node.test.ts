/** Instances of protocols that have no nodes, as a caller of Consul's API names them: by their id on an agent, by the shown node in the catalog. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Consul, type Ask } from '../consul.case.ts';

const management = '6a1c57b0-6d3a-4f0e-9f55-0c1c7b6a3d11';
const asManager: Ask = { headers: { 'x-consul-token': management } };
const id = '10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@orders';
const encoded = encodeURIComponent(id);

async function start(options: Parameters<typeof Consul.start>[0] = {}): Promise<Consul> {
  const consul = await Consul.start(options);
  const { status } = await consul.ask('POST', '/nacos/v1/ns/instance?serviceName=orders&ip=10.0.0.1&port=8080', asManager);
  expect(status).toBe(200);
  return consul;
}

const shown = async (consul: Consul, ask: Ask = {}) => (await consul.get('/v1/catalog/service/orders', ask)).json<{ Node: string; ServiceID: string }[]>().map(({ Node, ServiceID }) => [Node, ServiceID]);

describe('an instance without a node', () => {
  let consul: Consul;
  beforeEach(async () => void (consul = await start()));
  afterEach(() => consul[Symbol.asyncDispose]());

  test('is found by its id on any agent, and in no agent’s list', async () => {
    for (const headers of [{}, { 'x-rollcall-node': 'elsewhere' }]) {
      expect((await consul.get(`/v1/agent/service/${encoded}`, { headers })).json()).toMatchObject({ ID: id, Service: 'orders', Port: 8_080 });
      expect((await consul.get(`/v1/agent/health/service/id/${encoded}`, { headers })).status).toBe(200);
      expect((await consul.get('/v1/agent/services', { headers })).json()).toEqual({});
    }
  });

  test('goes into maintenance and out of it; a query that waits for it hears of its removal', async () => {
    await consul.put(`/v1/agent/service/maintenance/${encoded}?enable=true&reason=disk`);
    const health = await consul.get(`/v1/agent/health/service/id/${encoded}`);
    expect([health.status, health.json<{ AggregatedStatus: string }>().AggregatedStatus]).toEqual([503, 'maintenance']);
    await consul.put(`/v1/agent/service/maintenance/${encoded}?enable=false`);
    expect((await consul.get(`/v1/agent/health/service/id/${encoded}`)).status).toBe(200);
    const { headers } = await consul.get(`/v1/agent/service/${encoded}`);
    const waiting = consul.get(`/v1/agent/service/${encoded}?hash=${String(headers['x-consul-contenthash'])}&wait=20s`);
    await consul.untilParked(1);
    await consul.put(`/v1/agent/service/deregister/${encoded}`);
    expect((await waiting).status).toBe(404);
  });

  test.each([
    ['the agent', (): Promise<unknown> => consul.put(`/v1/agent/service/deregister/${encoded}`)],
    ['the catalog, by the node that it shows', () => consul.put('/v1/catalog/deregister', { Node: '10.0.0.1', ServiceID: id })],
  ])('is removed by %s', async (_by, remove) => {
    expect(await shown(consul)).toEqual([['10.0.0.1', id]]);
    await remove();
    expect(await shown(consul)).toEqual([]);
  });

  test('stays when the catalog is told another node', async () => {
    await consul.put('/v1/catalog/deregister', { Node: 'server-1', ServiceID: id });
    expect(await shown(consul)).toEqual([['10.0.0.1', id]]);
  });

  test('does not hide the agent’s own instance with that id', async () => {
    await consul.put('/v1/agent/service/register', { ID: id, Name: 'mine', Port: 1 });
    expect((await consul.get(`/v1/agent/service/${encoded}`)).json()).toMatchObject({ Service: 'mine' });
    await consul.put(`/v1/agent/service/deregister/${encoded}`);
    expect(await shown(consul)).toEqual([['10.0.0.1', id]]);
  });
});

test('an instance without a node needs the right to its service', async () => {
  await using consul = await start({ acl: { initialManagement: management } });
  await consul.put('/v1/acl/policy', { Name: 'other', Rules: 'service "other" { policy = "write" } node_prefix "10." { policy = "write" }' }, asManager);
  const { SecretID } = (await consul.put('/v1/acl/token', { Policies: [{ Name: 'other' }] }, asManager)).json<{ SecretID: string }>();
  const ask: Ask = { headers: { 'x-consul-token': SecretID } };
  expect((await consul.put(`/v1/agent/service/maintenance/${encoded}?enable=true`, undefined, ask)).status).toBe(403);
  expect((await consul.put(`/v1/agent/service/deregister/${encoded}`, undefined, ask)).status).toBe(403);
  // The placeholder is no node: rights on its name are rights on nothing.
  expect((await consul.put('/v1/catalog/deregister', { Node: '10.0.0.1', ServiceID: id }, ask)).status).toBe(403);
  expect((await consul.get(`/v1/agent/service/${encoded}`, ask)).status).toBe(403);
  expect((await consul.get(`/v1/agent/health/service/id/${encoded}`, ask)).status).toBe(403);
  expect(await shown(consul, asManager)).toEqual([['10.0.0.1', id]]);
});
