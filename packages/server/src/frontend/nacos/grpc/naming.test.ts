/** Instances over Nacos' gRPC: registered, listed, pushed to subscribers, and gone with their connection. */

import { describe, expect, test } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { findCheck, findInstance, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { Server } from '../../../server.ts';
import { hostsOf, NacosClient, nacosServer, refTimeOf } from './client.case.ts';

const ok = { resultCode: 200, errorCode: 0, success: true };

const idsOf = (server: Server, service: string) => [...instancesOfService(server.registry.state, 'default', service)].map(({ id }) => id);

/** Resolves when a condition on the state holds. */
async function until(server: Server, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((next) => {
      const stop = server.registry.observe({
        observe: () => {
          stop();
          next();
        },
        *replaced() {
          yield;
        },
      });
    });
  }
}

describe('instances', () => {
  test('an instance is registered, seen by a subscriber, and removed', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const first = await client.subscribe('web');
    expect(first.type).toBe('SubscribeServiceResponse');
    expect(first.body).toMatchObject({ ...ok, serviceInfo: { name: 'web', groupName: 'DEFAULT_GROUP', clusters: '', hosts: [] } });
    expect(await client.register('web', 8080, { weight: 2, metadata: { zone: 'z1' } })).toMatchObject({ type: 'InstanceResponse', body: { ...ok, type: 'registerInstance' } });
    const push = await client.pushed('NotifySubscriberRequest');
    expect(hostsOf(push)).toMatchObject([{ ip: '10.0.0.1', port: 8080, weight: 2, healthy: true, clusterName: 'DEFAULT', serviceName: 'DEFAULT_GROUP@@web', metadata: { zone: 'z1' } }]);
    expect(refTimeOf(push)).toBeGreaterThan(refTimeOf(first.body));
    const [row] = [...instancesOfService(server.registry.state, 'default', 'web')];
    expect(row).toMatchObject({ node: '', address: '10.0.0.1', port: 8080, weight: 2, zone: 'z1' });
    expect(await client.deregister('web', 8080)).toMatchObject({ body: { ...ok, type: 'deregisterInstance' } });
    const last = await client.pushed('NotifySubscriberRequest');
    expect(hostsOf(last)).toEqual([]);
    expect(refTimeOf(last)).toBeGreaterThan(refTimeOf(push));
    expect(idsOf(server, 'web')).toEqual([]);
  });

  test('a batch replaces the instances that the client has registered of the service', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const other = await NacosClient.connected(port);
    await other.register('web', 9);
    const batch = (ports: number[]) =>
      client.ask('BatchInstanceRequest', { namespace: 'public', serviceName: 'web', groupName: 'DEFAULT_GROUP', type: 'batchRegisterInstance', instances: ports.map((each) => ({ ip: '10.0.0.1', port: each })) });
    expect(await batch([1, 2, 3])).toMatchObject({ type: 'BatchInstanceResponse', body: { ...ok, type: 'batchRegisterInstance' } });
    expect(idsOf(server, 'web')).toHaveLength(4);
    await batch([2, 4]);
    expect(idsOf(server, 'web').map((id) => id.split('#')[1]).sort()).toEqual(['2', '4', '9']);
    await client.register('web', 5);
    expect(idsOf(server, 'web').map((id) => id.split('#')[1]).sort()).toEqual(['5', '9']);
  });

  test('a persistent instance outlives its client, and its server probes it', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const ask = (type: string) => client.ask('PersistentInstanceRequest', { namespace: 'public', serviceName: 'db', groupName: 'g', type, instance: { ip: '127.0.0.1', port: 1, ephemeral: false } });
    expect(await ask('registerInstance')).toMatchObject({ type: 'InstanceResponse', body: ok });
    const id = '127.0.0.1#1#DEFAULT#g@@db';
    expect(findInstance(server.registry.state, 'default', '', id)).toMatchObject({ service: 'g@@db', persistent: true });
    expect(findCheck(server.registry.state, 'default', '', `nacos:${id}`)).toMatchObject({ type: 'tcp' });
    expect(await ask('deregisterInstance')).toMatchObject({ body: ok });
    expect(idsOf(server, 'g@@db')).toEqual([]);
  });

  test('instances turn critical when their client is killed, and pass when it has registered them again', async () => {
    const { server, port } = await nacosServer();
    const watcher = await NacosClient.connected(port);
    const first = await NacosClient.connected(port);
    await first.register('web', 80);
    await watcher.subscribe('web');
    first.kill();
    expect(hostsOf(await watcher.pushed('NotifySubscriberRequest'))).toMatchObject([{ port: 80, healthy: false }]);
    const again = await NacosClient.connected(port);
    await again.register('web', 80);
    expect(hostsOf(await watcher.pushed('NotifySubscriberRequest'))).toMatchObject([{ port: 80, healthy: true }]);
    expect(idsOf(server, 'web')).toHaveLength(1);
  });

  test('only the client whose connection vouches for an instance, or one that comes after it, removes it', async () => {
    const { server, port } = await nacosServer();
    const owner = await NacosClient.connected(port);
    const other = await NacosClient.connected(port);
    await owner.register('web', 80);
    expect(await other.deregister('web', 80)).toMatchObject({ body: ok });
    expect(idsOf(server, 'web')).toHaveLength(1);
    owner.kill();
    await until(server, () => findCheck(server.registry.state, 'default', '', `stream:${idsOf(server, 'web')[0]}`)?.status === 'critical');
    await other.deregister('web', 80);
    expect(idsOf(server, 'web')).toEqual([]);
  });

  test('a server that restarts changes no instance, and lastRefTime goes on', async () => {
    const engine = memory();
    const { server, port } = await nacosServer({ engine: { ...engine, close: async () => {} } });
    const client = await NacosClient.connected(port);
    await client.register('web', 80);
    const before = await client.subscribe('web');
    await server.close();
    await client.ended;
    expect(await client.pushed('ConnectResetRequest')).toBeDefined();
    const again = await nacosServer({ engine });
    const reader = await NacosClient.connected(again.port);
    const after = await reader.subscribe('web');
    expect(hostsOf(after.body)).toMatchObject([{ port: 80, healthy: true }]);
    expect(refTimeOf(after.body)).toBeGreaterThanOrEqual(refTimeOf(before.body));
    await reader.register('web', 80);
    await reader.deregister('web', 80);
    const push = await reader.pushed('NotifySubscriberRequest', (body) => hostsOf(body).length === 0);
    expect(refTimeOf(push)).toBeGreaterThan(refTimeOf(after.body));
  });
});

describe('lists', () => {
  test('a query may ask for a cluster, and for healthy instances only', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const dead = await NacosClient.connected(port);
    await client.register('web', 1, { clusterName: 'a' });
    await dead.register('web', 2, { clusterName: 'b' });
    await client.subscribe('web');
    dead.kill();
    await client.pushed('NotifySubscriberRequest');
    const ask = async (more: object) => hostsOf((await client.ask('ServiceQueryRequest', { serviceName: 'web', groupName: 'DEFAULT_GROUP', ...more })).body).map((host) => host['port']);
    expect(await ask({})).toEqual([1, 2]);
    expect(await ask({ cluster: 'b' })).toEqual([2]);
    expect(await ask({ healthyOnly: true })).toEqual([1]);
  });

  test('services are listed by group, in pages', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    for (const name of ['a', 'b', 'c']) await client.register(name, 80);
    await client.register('d', 80, { groupName: 'other' });
    const ask = async (more: object) => (await client.ask('ServiceListRequest', { namespace: 'public', serviceName: '', pageNo: 1, pageSize: 2, ...more })).body;
    expect(await ask({ groupName: 'DEFAULT_GROUP' })).toMatchObject({ ...ok, count: 3, serviceNames: ['a', 'b'] });
    expect(await ask({ groupName: 'DEFAULT_GROUP', pageNo: 2 })).toMatchObject({ count: 3, serviceNames: ['c'] });
    expect(await ask({ groupName: 'other' })).toMatchObject({ count: 1, serviceNames: ['d'] });
  });

  test('the first write to a namespace creates it', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    expect(await client.register('web', 80, { namespace: 'dev' })).toMatchObject({ body: ok });
    expect([...instancesOfService(server.registry.state, 'dev', 'web')]).toHaveLength(1);
    expect(hostsOf((await client.subscribe('web')).body)).toEqual([]);
    expect(hostsOf((await client.subscribe('web', { namespace: 'dev' })).body)).toHaveLength(1);
  });
});
