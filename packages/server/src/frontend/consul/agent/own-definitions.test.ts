/** Definitions in an operator's files are registered, follow the files, and change no other registration. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../../engine/embedded/embedded.ts';
import { Consul } from '../consul.case.ts';

const web = { name: 'web', port: 80, tags: ['blue'], check: { ttl: '30s', status: 'passing' } };

async function ids(consul: Consul, what: 'services' | 'checks'): Promise<string[]> {
  return Object.keys((await consul.get(`/v1/agent/${what}`)).json<Record<string, unknown>>()).sort();
}

describe('definitions of the server’s own node', () => {
  test('are registered like those of the agent API', async () => {
    await using consul = await Consul.start();
    await consul.server.define({ services: [web], checks: [{ name: 'disk', ttl: '1m', status: 'passing' }] });
    const [found] = (await consul.get('/v1/health/service/web?passing')).json<{ Service: object; Checks: unknown[] }[]>();
    expect(found?.Service).toMatchObject({ ID: 'web', Port: 80, Tags: ['blue'] });
    expect(await ids(consul, 'checks')).toEqual(['disk', 'service:web']);
  });

  test('follow their files, and leave registrations through the API alone', async () => {
    await using consul = await Consul.start();
    await consul.put('/v1/agent/service/register', { Name: 'api' });
    await consul.server.define({ services: [web, { name: 'db' }], checks: [{ name: 'disk', ttl: '1m' }] });
    await consul.put('/v1/agent/check/register', { Name: 'own', TTL: '1m', ServiceID: 'web' });
    await consul.server.define({ services: [{ name: 'web', port: 81 }], checks: [] });
    expect(await ids(consul, 'services')).toEqual(['api', 'web']);
    expect(await ids(consul, 'checks')).toEqual(['own']);
    expect((await consul.get('/v1/agent/service/web')).json()).toMatchObject({ Port: 81 });
    await consul.server.define({ services: [], checks: [] });
    expect(await ids(consul, 'services')).toEqual(['api']);
  });

  test('may name a namespace, which is created, and follow their files there', async () => {
    await using consul = await Consul.start();
    const found = async (query: string) => (await consul.get(`/v1/health/service/web${query}`)).json<{ Service: { Port: number } }[]>().map(({ Service }) => Service.Port);
    const inTeam = { ...web, namespace: 'team-a', port: 81 };
    await consul.server.define({ services: [web, inTeam], checks: [{ name: 'c', ttl: '1m', service_id: 'web', namespace: 'team-a' }] });
    expect([await found(''), await found('?ns=team-a')]).toEqual([[80], [81]]);
    expect(Object.keys((await consul.get('/v1/agent/checks?ns=team-a')).json<object>())).toEqual(['c', 'service:web']);
    await consul.server.define({ services: [web], checks: [] });
    expect([await found(''), await found('?ns=team-a')]).toEqual([[80], []]);
    const refused = consul.server.define({ services: [{ ...web, namespace: 'a.b' }], checks: [] });
    await expect(refused).rejects.toThrow('service "web": Invalid namespace: "a.b"');
  });

  test('may move a check from one service to another, but not a check that was registered through the API', async () => {
    await using consul = await Consul.start();
    const services = (holder: string) => ['a', 'b'].map((name) => ({ name, ...(name === holder ? { check: { checkid: 'c', ttl: '1m' } } : {}) }));
    await consul.server.define({ services: services('a'), checks: [] });
    await consul.server.define({ services: services('b'), checks: [] });
    expect((await consul.get('/v1/agent/checks')).json()).toMatchObject({ c: { ServiceID: 'b' } });
    await consul.put('/v1/agent/service/register', { Name: 'api', Check: { CheckID: 'taken', TTL: '1m' } });
    const taking = { services: [{ name: 'a', check: { checkid: 'taken', ttl: '1m' } }], checks: [] };
    await expect(consul.server.define(taking)).rejects.toThrow(
      'check "taken": service "api" has a check with this ID already, registered through the API',
    );
    expect((await consul.get('/v1/agent/checks')).json()).toMatchObject({ taken: { ServiceID: 'api' }, c: { ServiceID: 'b' } });
  });

  test('keep the status of a check, and wake no watcher when nothing changed', async () => {
    await using consul = await Consul.start();
    const definitions = { services: [web], checks: [{ name: 'disk', ttl: '1m', service_id: 'web' }] };
    await consul.server.define(definitions);
    await consul.put('/v1/agent/check/warn/service:web');
    const before = await consul.get('/v1/health/service/web');
    await consul.server.define(definitions);
    const after = await consul.get('/v1/health/service/web');
    expect(after.text).toBe(before.text);
    expect(after.index).toBe(before.index);
  });

  test('are all left unchanged if one is invalid', async () => {
    await using consul = await Consul.start();
    await consul.server.define({ services: [web], checks: [] });
    for (const [services, checks, message] of [
      [[{ name: 'new' }, { name: 'bad', port: 'x' }], [], 'service "bad": json: cannot unmarshal string into field Port of type int'],
      [[{ name: 'new' }, { id: 'new' }], [], 'service "new": Missing service name'],
      [[{ name: 'new' }, { name: 'new' }], [], 'service "new": another definition has the same ID'],
      [[{ name: 'a', check: { checkid: 'c', ttl: '1s' } }, { name: 'b', check: { checkid: 'c', ttl: '1s' } }], [], 'service "b": another service has a check with the ID "c"'],
      [[{ name: 'a', check: { checkid: 'c', ttl: '1s' } }], [{ id: 'c', name: 'c', ttl: '1s' }], 'check "c": another service has a check with the ID "c"'],
      [[{ name: 'consul' }], [], 'service "consul": the ID "consul" is the server\'s own'],
      [[], [{ name: 'c', ttl: '1s', serviceid: 'none' }], 'check "c": ServiceID "none" does not exist'],
      [[], [{ args: ['true'], interval: '1s', name: 'script' }], 'check "script": Invalid check: script checks are never run'],
      [[], [7], 'check number 1: '],
    ] as const) {
      await expect(consul.server.define({ services, checks })).rejects.toThrow(message);
    }
    expect(await ids(consul, 'services')).toEqual(['web']);
  });

  test('are removed at the next start without their file; another node needs another name', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-own-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    {
      await using consul = await Consul.start({ engine: embedded({ dir }) });
      await consul.put('/v1/agent/service/register', { Name: 'api' });
      await consul.server.define({ services: [web], checks: [] });
    }
    {
      await using consul = await Consul.start({ engine: embedded({ dir }) });
      expect(await ids(consul, 'services')).toEqual(['api', 'web']);
      await consul.server.define({ services: [], checks: [] });
      expect(await ids(consul, 'services')).toEqual(['api']);
    }
    const nodeId = '0f3a9a3c-6f6c-4a45-a1d5-9a3a5b7f1c11';
    await expect(Consul.start({ engine: embedded({ dir }), nodeId })).rejects.toThrow(/node name server-1 is reserved by node/);
    await using second = await Consul.start({ engine: embedded({ dir }), nodeId, nodeName: 'server-2' });
    expect((await second.get('/v1/agent/self')).json()).toMatchObject({ Config: { NodeID: nodeId, NodeName: 'server-2' } });
  });
});

describe('the server’s own node', () => {
  test('has the configured id and metadata', async () => {
    const nodeId = '0f3a9a3c-6f6c-4a45-a1d5-9a3a5b7f1c11';
    await using consul = await Consul.start({ nodeId, nodeMeta: { rack: 'r1' } });
    const [node] = (await consul.get('/v1/catalog/nodes?node-meta=rack:r1')).json<object[]>();
    expect(node).toMatchObject({ Node: 'server-1', ID: nodeId });
    expect((await consul.get('/v1/agent/self')).json()).toMatchObject({ Config: { NodeID: nodeId }, Meta: { rack: 'r1' } });
  });
});
