/** Names of services and namespaces across protocols: who sees what under which name, and what wins when two names meet. */

import { describe, expect, test } from 'vitest';
import { askOverTcp } from './frontend/dns/ask.case.ts';
import { hostsOf, NacosClient } from './frontend/nacos/grpc/client.case.ts';
import { newSession, SocketClient } from './frontend/stream/socket-client.case.ts';
import { get, registerByEureka, send, start } from './one-registry.case.ts';
import type { Server } from './server.ts';

const registerByConsul = (server: Server, Name: string, ID: string, Port: number, query = '') => send(server, 'PUT', `/v1/agent/service/register${query}`, { Name, ID, Port, Address: '10.0.0.1' });
const registerByNacos = (server: Server, serviceName: string, port: number, more = '') => send(server, 'POST', `/nacos/v1/ns/instance?serviceName=${encodeURIComponent(serviceName)}&ip=10.0.0.1&port=${port}${more}`);

const order = (a: number, b: number) => a - b;

/** The ports of the instances that each protocol shows under a name, in order. */
const shown = {
  consul: async (server: Server, name: string, query = '') => (await get<{ Service: { Port: number } }[]>(server, `/v1/health/service/${encodeURIComponent(name)}${query}`)).map(({ Service }) => Service.Port).sort(order),
  dns: async (server: Server, name: string) => ((await askOverTcp(server.ports['dns'] as number, `${name}.consul`, 'SRV')).answers as unknown as { data: { port: number } }[]).map(({ data }) => data.port).sort(order),
  eureka: async (server: Server, app: string) => {
    const { applications } = await get<{ applications: { application: { name: string; instance: { port: { $: number } }[] }[] } }>(server, '/eureka/apps');
    return applications.application.filter(({ name }) => name === app).flatMap(({ instance }) => instance.map(({ port }) => port.$)).sort(order);
  },
  nacos: async (server: Server, name: string, query = '') => ((await get<{ hosts?: { port: number }[] }>(server, `/nacos/v1/ns/instance/list?serviceName=${encodeURIComponent(name)}${query}`)).hosts ?? []).map(({ port }) => port).sort(order),
  prometheus: async (server: Server, name: string, query = '') => (await get<{ labels: Record<string, string> }[]>(server, `/prometheus/v1/sd?service=${encodeURIComponent(name)}${query}`)).map(({ labels }) => Number(labels['__meta_rollcall_port'])).sort(order),
};

describe('names of services', () => {
  test('ORDERS of Eureka is orders everywhere else', async () => {
    const server = await start();
    await registerByEureka(server);
    expect(await shown.eureka(server, 'ORDERS')).toEqual([8_080]);
    for (const protocol of ['consul', 'nacos', 'prometheus'] as const) {
      expect([protocol, await shown[protocol](server, 'orders'), await shown[protocol](server, 'ORDERS')]).toEqual([protocol, [8_080], []]);
    }
    await expect.poll(() => shown.dns(server, 'orders.service')).toEqual([8_080]);
  });

  test('Orders and orders are two services; Eureka, which knows no case, shows both as ORDERS, and so does DNS', async () => {
    const server = await start();
    await registerByConsul(server, 'Orders', 'o1', 1);
    await registerByEureka(server);
    expect(await shown.eureka(server, 'ORDERS')).toEqual([1, 8_080]);
    for (const protocol of ['consul', 'nacos', 'prometheus'] as const) {
      expect([protocol, await shown[protocol](server, 'Orders'), await shown[protocol](server, 'orders')]).toEqual([protocol, [1], [8_080]]);
    }
    await expect.poll(() => shown.dns(server, 'ORDERS.service')).toEqual([1, 8_080]);
  });

  test('the group DEFAULT_GROUP of Nacos has no name elsewhere; any other group is the first part of the name', async () => {
    const server = await start();
    await registerByNacos(server, 'DEFAULT_GROUP@@orders', 1);
    await registerByNacos(server, 'SHOP@@orders', 2);
    for (const protocol of ['consul', 'prometheus'] as const) {
      expect([protocol, await shown[protocol](server, 'orders'), await shown[protocol](server, 'SHOP@@orders')]).toEqual([protocol, [1], [2]]);
    }
    expect(await shown.eureka(server, 'ORDERS')).toEqual([1]);
    expect(await shown.eureka(server, 'SHOP@@ORDERS')).toEqual([2]);
    await expect.poll(() => shown.dns(server, 'orders.service')).toEqual([1]);
    expect(await shown.dns(server, 'SHOP@@orders.service')).toEqual([2]);
  });

  test('a service that Consul calls SHOP@@orders is orders of the group SHOP; Nacos has no name for DEFAULT_GROUP@@orders of Consul', async () => {
    const server = await start();
    await registerByConsul(server, 'SHOP@@orders', 'o1', 1);
    await registerByConsul(server, 'DEFAULT_GROUP@@orders', 'o2', 2);
    expect(await shown.nacos(server, 'orders', '&groupName=SHOP')).toEqual([1]);
    expect(await shown.nacos(server, 'orders')).toEqual([]);
    expect(await shown.consul(server, 'DEFAULT_GROUP@@orders')).toEqual([2]);
  });
});

describe('instances that could be taken for one another', () => {
  test('of the same address are one for each protocol that registered it', async () => {
    const server = await start();
    await registerByConsul(server, 'orders', 'o1', 8_080);
    await registerByEureka(server);
    await registerByNacos(server, 'orders', 8_080);
    expect(await shown.consul(server, 'orders')).toEqual([8_080, 8_080, 8_080]);
    await send(server, 'DELETE', '/nacos/v1/ns/instance?serviceName=orders&ip=10.0.0.1&port=8080');
    expect(await shown.consul(server, 'orders')).toEqual([8_080, 8_080]);
    await send(server, 'DELETE', '/eureka/apps/ORDERS/h1:orders:8080');
    expect(await shown.consul(server, 'orders')).toEqual([8_080]);
  });

  test('with the same id in two services of Eureka stay apart', async () => {
    const server = await start();
    await registerByEureka(server);
    await send(server, 'POST', '/eureka/apps/USERS', { instance: { instanceId: 'h1:orders:8080', app: 'USERS', hostName: 'h1', ipAddr: '10.0.0.2', status: 'UP', port: { $: 9, '@enabled': 'true' }, dataCenterInfo: { name: 'MyOwn' } } });
    expect([await shown.eureka(server, 'ORDERS'), await shown.eureka(server, 'USERS')]).toEqual([[8_080], [9]]);
  });

  test('of Consul and Eureka with the same id stay apart, since Eureka’s have no node', async () => {
    const server = await start();
    await registerByConsul(server, 'orders', 'orders/h1:orders:8080', 1);
    await registerByEureka(server);
    expect(await shown.eureka(server, 'ORDERS')).toEqual([1, 8_080]);
    await send(server, 'DELETE', '/eureka/apps/ORDERS/h1:orders:8080');
    expect(await shown.consul(server, 'orders')).toEqual([1]);
  });
});

describe('a namespace', () => {
  const inTeam: readonly (readonly [name: string, register: (server: Server) => Promise<unknown>])[] = [
    ['Consul', (server) => registerByConsul(server, 'orders', 'o1', 1, '?ns=team-a')],
    [
      'the native stream',
      async (server) => {
        const client = await SocketClient.greeted(server.url, { namespace: 'team-a', session: newSession() });
        await client.ask({ type: 'register', instances: [{ id: 'o1', service: 'orders', address: '10.0.0.1', port: 1 }] });
        return client;
      },
    ],
    ['Nacos over HTTP', (server) => registerByNacos(server, 'orders', 1, '&namespaceId=team-a')],
    ['Nacos over gRPC', async (server) => (await NacosClient.connected(server.ports['nacos-grpc'] as number)).register('orders', 1, { namespace: 'team-a' })],
  ];

  test.each(inTeam)('in which %s registers is the same for every protocol that has namespaces', async (_name, register) => {
    const server = await start();
    await send(server, 'PUT', '/v1/namespace', { Name: 'team-a' });
    await register(server);
    expect([await shown.consul(server, 'orders', '?ns=team-a'), await shown.consul(server, 'orders')]).toEqual([[1], []]);
    expect([await shown.nacos(server, 'orders', '&namespaceId=team-a'), await shown.nacos(server, 'orders')]).toEqual([[1], []]);
    const client = await NacosClient.connected(server.ports['nacos-grpc'] as number);
    const { body } = await client.ask('ServiceQueryRequest', { namespace: 'team-a', serviceName: 'orders', groupName: 'DEFAULT_GROUP', cluster: '', healthyOnly: false });
    expect(hostsOf(body).map(({ port }) => port)).toEqual([1]);
    expect([await shown.prometheus(server, 'orders', '&namespace=team-a'), await shown.prometheus(server, 'orders', '&namespace=*'), await shown.prometheus(server, 'orders')]).toEqual([[1], [1], []]);
    await expect.poll(() => shown.dns(server, 'orders.service.team-a.ns')).toEqual([1]);
    expect(await shown.dns(server, 'orders.service')).toEqual([]);
    // Eureka has no namespaces: it shows `default`.
    expect(await shown.eureka(server, 'ORDERS')).toEqual([]);
  });

  test('public, empty and absent of Nacos are default; its id default is refused', async () => {
    const server = await start();
    await registerByNacos(server, 'orders', 1, '&namespaceId=public');
    expect(await shown.consul(server, 'orders', '?ns=default')).toEqual([1]);
    expect(await shown.nacos(server, 'orders', '&namespaceId=')).toEqual([1]);
    await expect(registerByNacos(server, 'orders', 2, '&namespaceId=default')).rejects.toThrow(/: 400 /);
  });
});
