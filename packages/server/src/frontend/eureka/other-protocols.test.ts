/** One registry: what Eureka's clients register is in Consul's API, and the other way round, with status, metadata and tags. */

import { expect, test, onTestFinished } from 'vitest';
import { Eureka, usual } from './eureka.case.ts';

async function start(): Promise<Eureka> {
  const eureka = await Eureka.start({ frontends: ['consul', 'eureka', 'admin'] });
  onTestFinished(() => eureka[Symbol.asyncDispose]());
  return eureka;
}

test('an instance of Eureka is a passing instance in Consul, and its status a check', async () => {
  const eureka = await start();
  await eureka.register({ app: 'ORDERS', metadata: { zone: 'z1', tags: 'blue,canary', weight: '3' }, securePort: { $: 8443, '@enabled': 'true' } });
  const [entry] = await eureka.json<object[]>('/v1/health/service/orders?passing');
  expect(entry).toMatchObject({
    Service: { ID: 'orders/h1:web:8080', Service: 'orders', Address: '10.0.0.1', Port: 8080, Tags: ['blue', 'canary'], Meta: { zone: 'z1' }, Weights: { Passing: 3 } },
    Checks: [{ Name: 'Eureka lease', Status: 'passing' }],
  });
  expect(Object.keys(await eureka.json<object>('/v1/catalog/services'))).toContain('orders');
  await eureka.ask('PUT', '/eureka/apps/ORDERS/h1:web:8080/status?value=OUT_OF_SERVICE');
  expect(await eureka.json('/v1/health/service/orders?passing')).toEqual([]);
  await eureka.register({ app: 'ORDERS', instanceId: 'starting', status: 'STARTING' });
  expect(await eureka.json('/v1/health/service/orders?passing')).toEqual([]);
  expect(await eureka.json('/v1/health/service/orders')).toHaveLength(2);
});

test('an instance of Consul has everything that Eureka\'s clients need', async () => {
  const eureka = await start();
  const body = { Name: 'Orders', ID: 'o1', Address: '10.1.0.1', Port: 80, Tags: ['blue'], Meta: { k: 'v' }, Weights: { Passing: 5, Warning: 1 }, Check: { TTL: '1h', Status: 'passing' } };
  await eureka.ask('PUT', '/v1/agent/service/register', { body });
  const id = 'server-1:o1';
  expect(await eureka.instance('ORDERS', id)).toEqual({
    ...{ instanceId: id, hostName: '10.1.0.1', app: 'ORDERS', ipAddr: '10.1.0.1', status: 'UP', overriddenStatus: 'UNKNOWN', countryId: 1 },
    ...{ port: { $: 80, '@enabled': 'true' }, securePort: { $: 7002, '@enabled': 'false' }, dataCenterInfo: usual.dataCenterInfo },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90, registrationTimestamp: expect.any(Number), lastRenewalTimestamp: expect.any(Number), evictionTimestamp: 0, serviceUpTimestamp: expect.any(Number) },
    ...{ metadata: { k: 'v', tags: 'blue', weight: '5' }, vipAddress: 'Orders', isCoordinatingDiscoveryServer: 'false' },
    ...{ lastUpdatedTimestamp: expect.any(String), lastDirtyTimestamp: expect.any(String), actionType: 'ADDED' },
  });
  expect(await eureka.apps('/eureka/vips/Orders')).toMatchObject({ application: [{ instance: [{ instanceId: id }] }] });
  await eureka.ask('PUT', '/v1/agent/check/fail/service:o1');
  expect(await eureka.instance('ORDERS', id)).toMatchObject({ status: 'DOWN' });
  await eureka.ask('PUT', '/v1/agent/check/pass/service:o1');
  await eureka.ask('PUT', '/v1/agent/service/maintenance/o1?enable=true');
  expect(await eureka.instance('ORDERS', id)).toMatchObject({ status: 'OUT_OF_SERVICE' });
});

test('an app has the services whose names differ in case only', async () => {
  const eureka = await start();
  await eureka.ask('PUT', '/v1/agent/service/register', { body: { Name: 'Orders', ID: 'o1', Port: 80 } });
  await eureka.register({ app: 'orders' });
  const { application } = await eureka.apps();
  expect(application.find(({ name }) => name === 'ORDERS')?.instance.map(({ instanceId }) => instanceId)).toEqual(['server-1:o1', 'h1:web:8080']);
  expect(await eureka.json('/eureka/apps/orders')).toMatchObject({ application: { instance: [{}, {}] } });
});

test('an operator may take an instance of Consul out of service, change its metadata and remove it by Eureka', async () => {
  const eureka = await start();
  await eureka.ask('PUT', '/v1/agent/service/register', { body: { Name: 'orders', ID: 'o1', Port: 80, Tags: ['a'], Meta: { k: 'v' } } });
  const path = '/eureka/apps/ORDERS/server-1:o1';
  expect((await eureka.ask('PUT', `${path}/status?value=OUT_OF_SERVICE`)).status).toBe(200);
  expect(await eureka.json('/v1/health/service/orders?passing')).toEqual([]);
  expect((await eureka.ask('DELETE', `${path}/status`)).status).toBe(200);
  expect((await eureka.ask('PUT', `${path}/metadata?m=n`)).status).toBe(200);
  expect(await eureka.json('/v1/catalog/service/orders')).toMatchObject([{ ServiceTags: ['a'], ServiceMeta: { k: 'v', m: 'n' }, ServicePort: 80 }]);
  expect((await eureka.ask('PUT', path)).status).toBe(404);
  expect((await eureka.ask('DELETE', path)).status).toBe(200);
  expect(await eureka.json('/v1/catalog/service/orders')).toEqual([]);
});

test('the registry’s own service is in no list of Eureka’s, and in no delta; a service of that name is', async () => {
  const eureka = await start();
  expect(await eureka.json<object>('/v1/catalog/services')).toHaveProperty('consul');
  for (const path of ['/eureka/apps', '/eureka/apps/delta']) expect(await eureka.apps(path)).toMatchObject({ apps__hashcode: '', application: [] });
  expect((await eureka.ask('GET', '/eureka/apps/CONSUL')).status).toBe(404);
  await eureka.ask('PUT', '/v1/agent/service/register', { body: { Name: 'consul', ID: 'c1', Address: '10.1.0.1', Port: 80 } });
  for (const path of ['/eureka/apps', '/eureka/apps/delta', '/eureka/apps/CONSUL']) expect((await eureka.ask('GET', path, { headers: { accept: 'application/json' } })).text.match(/"instanceId":"[^"]*"/g)).toEqual(['"instanceId":"server-1:c1"']);
});
