/** Maintenance mode, local health, one service by hash, the operation of an agent, and endpoints without data. */

import { RegistryError } from '@rollcall/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
  const register = (body: object) => consul.put('/v1/agent/service/register', body);
  await register({ Name: 'web', ID: 'w1', Port: 80, Check: { TTL: '60s', Status: 'passing' } });
  await register({ Name: 'web', ID: 'w2', Port: 81, Check: { TTL: '60s', Status: 'warning' } });
  await register({ Name: 'bare' });
});
afterAll(() => consul[Symbol.asyncDispose]());

const passing = async () =>
  (await consul.get('/v1/health/service/web?passing'))
    .json<{ Service: { ID: string } }[]>()
    .map(({ Service }) => Service.ID);

describe('maintenance mode', () => {
  test('of a service removes it from the passing instances, and back', async () => {
    expect(await passing()).toEqual(['w1']);
    const answer = await consul.put('/v1/agent/service/maintenance/w1?enable=true&reason=new%20disk');
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(await passing()).toEqual([]);
    const checks = (await consul.get('/v1/agent/checks')).json<Record<string, object>>();
    expect(checks['_service_maintenance:w1']).toMatchObject({
      Name: 'Service Maintenance Mode',
      Status: 'critical',
      Notes: 'new disk',
      ServiceID: 'w1',
      ServiceName: 'web',
      Type: 'maintenance',
    });
    // Enabling it again does not change the reason.
    await consul.put('/v1/agent/service/maintenance/w1?enable=true&reason=other');
    expect((await consul.get('/v1/agent/checks')).text).toContain('new disk');
    await consul.put('/v1/agent/service/maintenance/w1?enable=false');
    await consul.put('/v1/agent/service/maintenance/w1?enable=false');
    expect(await passing()).toEqual(['w1']);
  });

  test('of a node removes everything on it', async () => {
    await consul.put('/v1/agent/maintenance?enable=true');
    expect(await passing()).toEqual([]);
    const checks = (await consul.get('/v1/agent/checks')).json<Record<string, object>>();
    expect(checks['_node_maintenance']).toMatchObject({
      Notes: 'Maintenance mode is enabled for this node, but no reason was provided. This is a default message.',
    });
    await consul.put('/v1/agent/maintenance?enable=false');
    expect(await passing()).toEqual(['w1']);
  });

  test.each([
    ['/v1/agent/maintenance', 400, 'Missing value for enable'],
    ['/v1/agent/maintenance?enable=x', 400, 'Invalid value for enable: "x"'],
    ['/v1/agent/service/maintenance/?enable=true', 400, 'Missing service ID'],
    [
      '/v1/agent/service/maintenance/nope?enable=true',
      404,
      'Unknown service ID "nope". Ensure that the service ID is passed, not the service name.',
    ],
    [
      '/v1/agent/service/maintenance/consul?enable=true',
      404,
      'Unknown service ID "consul". Ensure that the service ID is passed, not the service name.',
    ],
  ])('%s is refused', async (path, status, text) => {
    const answer = await consul.put(path);
    expect([answer.status, answer.text]).toEqual([status, text]);
  });
});

describe('local health', () => {
  test.each([
    ['id/w1', 200, 'passing'],
    ['id/w2', 429, 'warning'],
    ['id/bare', 200, 'passing'],
    ['id/nope', 404, 'ServiceId nope not found'],
    ['name/web', 429, 'warning'],
    ['name/nope', 404, 'ServiceName nope Not Found'],
  ])('%s: %i %s', async (what, status, reason) => {
    const text = await consul.get(`/v1/agent/health/service/${what}?format=text`);
    expect([text.status, text.text, text.headers['x-consul-reason']]).toEqual([status, reason, reason]);
    const accepted = await consul.get(`/v1/agent/health/service/${what}`, { headers: { accept: 'text/plain' } });
    expect(accepted.text).toBe(reason);
    const json = await consul.get(`/v1/agent/health/service/${what}`);
    expect([json.status, json.headers['content-type']]).toEqual([status, 'application/json']);
  });

  test('is 503 for critical and maintenance', async () => {
    await consul.put('/v1/agent/check/fail/service:w2');
    const one = await consul.get('/v1/agent/health/service/id/w2');
    expect([one.status, one.json()]).toEqual([
      503,
      expect.objectContaining({ AggregatedStatus: 'critical', Service: expect.objectContaining({ ID: 'w2' }) }),
    ]);
    await consul.put('/v1/agent/service/maintenance/w1?enable=true');
    const all = await consul.get('/v1/agent/health/service/name/web');
    expect(all.json<{ AggregatedStatus: string }[]>().map((each) => each.AggregatedStatus)).toEqual([
      'maintenance',
      'critical',
    ]);
    expect((await consul.get('/v1/agent/health/service/name/web?format=text')).text).toBe('maintenance');
    await consul.put('/v1/agent/service/maintenance/w1?enable=false');
    await consul.put('/v1/agent/check/pass/service:w2');
  });

  test('covers the caller’s own agent only', async () => {
    const headers = { 'x-rollcall-node': 'elsewhere' };
    expect((await consul.get('/v1/agent/health/service/id/w1', { headers })).status).toBe(404);
    expect((await consul.get('/v1/agent/service/w1', { headers })).status).toBe(404);
  });
});

describe('one service', () => {
  const path = '/v1/agent/service/w1';

  test('shows its hash; a query waits for another content and ignores other changes', async () => {
    const first = await consul.get(path);
    const hash = String(first.headers['x-consul-contenthash']);
    expect(first.json()).toMatchObject({ ID: 'w1', Service: 'web', Port: 80, ContentHash: hash });
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(first.headers).not.toHaveProperty('x-consul-index');
    // Another hash is answered at once.
    expect((await consul.get(`${path}?hash=0000`)).headers['x-consul-contenthash']).toBe(hash);
    const waiting = consul.get(`${path}?hash=${hash}&wait=60s`);
    const { index } = await consul.get('/v1/catalog/node/server-1');
    const witness = consul.get(`/v1/catalog/node/server-1?index=${index}&wait=60s`);
    await consul.untilParked(2);
    await consul.put('/v1/agent/check/warn/service:w1');
    await witness;
    await consul.untilParked(1);
    await consul.put('/v1/agent/service/register', { Name: 'web', ID: 'w1', Port: 8080 });
    const changed = await waiting;
    expect(changed.json()).toMatchObject({ Port: 8080 });
    expect(changed.headers['x-consul-contenthash']).not.toBe(hash);
  });

  test('that is removed while a client waits is a 404, as is one that never existed', async () => {
    await consul.put('/v1/agent/service/register', { Name: 'gone' });
    const hash = String((await consul.get('/v1/agent/service/gone')).headers['x-consul-contenthash']);
    const waiting = consul.get(`/v1/agent/service/gone?hash=${hash}`);
    await consul.untilParked(1);
    await consul.put('/v1/agent/service/deregister/gone');
    const [left, never] = [await waiting, await consul.get('/v1/agent/service/never')];
    expect([left.status, left.text]).toEqual([404, 'unknown service ID: gone']);
    expect([never.status, never.text]).toEqual([404, 'unknown service ID: never']);
  });
});

test('a cached answer has the headers of a hit and is as new as any other', async () => {
  await consul.put('/v1/agent/service/register', { Name: 'fresh', Port: 1 });
  await consul.get('/v1/health/service/fresh?cached');
  await consul.put('/v1/agent/service/register', { Name: 'fresh', Port: 2 });
  const answer = await consul.get('/v1/health/service/fresh?cached');
  expect([answer.headers['x-cache'], answer.headers['age']]).toEqual(['HIT', '0']);
  expect(answer.text).toContain('"Port":2');
  expect((await consul.get('/v1/health/service/fresh')).headers).not.toHaveProperty('x-cache');
});

describe('the operation of an agent', () => {
  test('version, host and the one server', async () => {
    const { Config } = (await consul.get('/v1/agent/self')).json<{ Config: { Version: string; NodeID: string } }>();
    expect((await consul.get('/v1/agent/version')).json()).toMatchObject({ HumanVersion: Config.Version });
    const host = (await consul.get('/v1/agent/host')).json<{ Memory: { total: number; free: number } }>();
    expect(host.Memory.total).toBeGreaterThan(host.Memory.free);
    expect((await consul.get('/v1/operator/raft/configuration')).json()).toMatchObject({
      Servers: [{ ID: Config.NodeID, Node: 'server-1', Leader: true, Voter: true }],
    });
  });

  test('the operator endpoints report one healthy server and the usage', async () => {
    await using own = await Consul.start();
    await own.put('/v1/agent/service/register', { Name: 'web', ID: 'web-1' });
    await own.put('/v1/agent/service/register', { Name: 'web', ID: 'web-2' });
    expect((await own.get('/v1/operator/autopilot/health')).json()).toMatchObject({
      ...{ Healthy: true, Servers: [{ Name: 'server-1', Leader: true, Healthy: true }] },
    });
    const { Leader, Servers } = (await own.get('/v1/operator/autopilot/state')).json<{ Leader: string; Servers: Record<string, unknown> }>();
    expect(Servers[Leader]).toMatchObject({ Name: 'server-1', Healthy: true, Status: 'leader', NodeType: 'voter' });
    expect((await own.get('/v1/operator/autopilot/configuration')).json()).toMatchObject({ CleanupDeadServers: true, MinQuorum: 0 });
    expect((await own.get('/v1/operator/usage')).json()).toMatchObject({
      Usage: { dc1: { Services: 2, ServiceInstances: 3, BillableServiceInstances: 2, Nodes: 1 } },
    });
  });

  test('Raft and gossip operations are refused with the error texts of Consul', async () => {
    const refusals: [string, string, string][] = [
      ['DELETE', 'raft/peer?address=10.0.0.9:8300', 'address "10.0.0.9:8300" was not found in the Raft configuration'],
      ['DELETE', 'raft/peer?id=x', 'id "x" was not found in the Raft configuration'],
      ['DELETE', 'raft/peer', "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove"],
      ['POST', 'raft/transfer-leader', 'failed to transfer leadership: cannot find peer'],
      ['PUT', 'autopilot/configuration', 'autopilot cannot be configured: servers join and leave by themselves'],
      ['GET', 'keyring', 'Keyring is empty (encryption not enabled)'],
    ];
    for (const [method, path, text] of refusals) {
      expect(await consul.ask(method, `/v1/operator/${path}`, {})).toMatchObject({ status: 400, text });
    }
  });

  test('both formats of the metrics have the same counts', async () => {
    interface Counter {
      Name: string;
      Count: number;
    }
    const { Counters, Gauges } = (await consul.get('/v1/agent/metrics')).json<{ Counters: Counter[]; Gauges: { Labels: object }[] }>();
    const labels = Gauges.flatMap(({ Labels }) => Object.values(Labels) as unknown[]);
    expect(new Set(labels.map((value) => typeof value))).toEqual(new Set(['string']));
    expect(Counters.every(({ Count }) => Number.isInteger(Count))).toBe(true);
    const commands = Counters.find(({ Name }) => Name === 'rollcall_commands_total');
    expect(commands?.Count).toBeGreaterThan(0);
    const text = (await consul.get('/v1/agent/metrics?format=prometheus')).text;
    expect(text).toContain(`rollcall_commands_total ${commands?.Count}`);
  });

  test('a reload reads the configuration files again, and reports their errors', async () => {
    let reloads = 0;
    await using own = await Consul.start({
      reload: async () => {
        if (++reloads === 2) throw new RegistryError('failed_precondition', 'a.hcl is not HCL');
        await Promise.resolve();
      },
    });
    expect((await own.put('/v1/agent/reload')).status).toBe(200);
    expect(await own.put('/v1/agent/reload')).toMatchObject({ status: 500, text: 'a.hcl is not HCL' });
    expect(reloads).toBe(2);
  });

  test('agent/self has the ports on which it listens, and -1 for the others', async () => {
    type Self = { readonly DebugConfig: { readonly HTTPPort: number; readonly HTTPSPort: number } };
    const { DebugConfig } = (await consul.get('/v1/agent/self')).json<Self>();
    expect(DebugConfig).toMatchObject({ HTTPPort: consul.server.ports.http, HTTPSPort: -1 });
  });

  test('joining and leaving work as in a datacenter with one server', async () => {
    const joined = async (address: string) => (await consul.put(`/v1/agent/join/${address}`)).status;
    expect([await joined('127.0.0.1'), await joined('127.0.0.1:8301'), await joined('10.255.255.1')]).toEqual([
      200, 200, 400,
    ]);
    const { DebugConfig } = (await consul.get('/v1/agent/self')).json<{ DebugConfig: { SerfAdvertiseAddrLAN: string } }>();
    expect(await joined(DebugConfig.SerfAdvertiseAddrLAN.replace('tcp://', ''))).toBe(200);
    expect((await consul.put('/v1/agent/reload')).status).toBe(200);
    expect((await consul.put('/v1/agent/leave')).status).toBe(400);
    expect((await consul.put('/v1/agent/force-leave/server-1')).status).toBe(200);
    const members = async () =>
      (await consul.get('/v1/agent/members')).json<{ Name: string }[]>().map(({ Name }) => Name);
    for (const name of ['worker-1', 'worker-2']) {
      const headers = { 'x-rollcall-node': name };
      await consul.put('/v1/agent/service/register', { Name: 'job' }, { headers });
    }
    expect(await members()).toEqual(['server-1', 'worker-1', 'worker-2']);
    await consul.put('/v1/agent/leave', undefined, { headers: { 'x-rollcall-node': 'worker-1' } });
    await consul.put('/v1/agent/force-leave/worker-2');
    expect(await members()).toEqual(['server-1']);
    const unknown = await consul.put('/v1/agent/force-leave/unknown');
    expect([unknown.status, unknown.text]).toEqual([500, "agent: No node found with name 'unknown'"]);
  });
});

describe('endpoints without data', () => {
  test.each([
    ['/v1/config/service-defaults', '[]'],
    ['/v1/connect/intentions', '[]'],
    ['/v1/connect/intentions/match?by=source&name=web', '{"web":null}'],
    ['/v1/connect/intentions/check?source=a&destination=b', '{"Allowed":true}'],
    ['/v1/catalog/gateway-services/g', '[]'],
    ['/v1/health/ingress/web', '[]'],
    ['/v1/peerings', '[]'],
  ])('%s is empty', async (path, text) => {
    const answer = await consul.get(path);
    expect([answer.status, answer.text]).toEqual([200, text]);
  });

  test.each([
    ['GET', '/v1/config/service-defaults/web', 404, 'Config entry not found for "service-defaults" / "web"'],
    ['GET', '/v1/connect/intentions/exact?source=a&destination=b', 404, 'Intention not found'],
    ['GET', '/v1/peering/east', 404, 'Peering not found for "east"'],
    ['PUT', '/v1/config', 400, 'configuration entries are not supported: there is no service mesh'],
    ['PUT', '/v1/connect/intentions/exact', 400, 'intentions are not supported: there is no service mesh'],
    ['GET', '/v1/discovery-chain/web', 400, 'discovery chains are not supported: there is no service mesh'],
    ['PUT', '/v1/peering/token', 400, 'peerings are not supported: there is no service mesh'],
  ])('%s %s is refused', async (method, path, status, text) => {
    const answer = await consul.ask(method, path, { body: '{}' });
    expect([answer.status, answer.text]).toEqual([status, text]);
  });
});
