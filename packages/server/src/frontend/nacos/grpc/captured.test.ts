/**
 * Exchanges as a Java client of version 3.2.1 had them with a Nacos server of version 3.1: the same requests get answers with the same
 * fields. Times, ids and ports differ.
 */

import { expect, test } from 'vitest';
import { NacosClient, nacosServer } from './client.case.ts';
import { decodePayload, encodePayload, type JsonObject } from './wire.ts';

const success = { resultCode: 200, errorCode: 0, success: true };
const naming = { headers: {}, module: 'naming' };
const given = { weight: 1, healthy: true, enabled: true, metadata: {}, instanceHeartBeatInterval: 5_000, instanceHeartBeatTimeOut: 15_000, ipDeleteTimeout: 30_000 };
const web = { ...given, ip: '10.0.0.1', port: 8_080, weight: 2, ephemeral: true, metadata: { zone: 'z1' } };
const database = { ...given, ip: '10.0.0.2', port: 8_080, ephemeral: false, instanceIdGenerator: 'simple' };
const webService = { namespace: 'public', serviceName: 'java-web', groupName: 'DEFAULT_GROUP' };
const databaseService = { ...webService, serviceName: 'java-persist' };

const serviceInfo = (hosts: object[]) => ({
  ...{ name: 'java-web', groupName: 'DEFAULT_GROUP', clusters: '', cacheMillis: 10_000, hosts },
  ...{ lastRefTime: expect.any(Number) as number, checksum: '', allIps: false, reachProtectionThreshold: false, valid: true },
});

interface Exchange {
  readonly title: string;
  readonly type: string;
  readonly body: JsonObject;
  readonly reply: string;
  readonly fields: JsonObject;
}

const exchanges: readonly Exchange[] = [
  {
    title: 'a subscription to a service without instances',
    ...{ type: 'SubscribeServiceRequest', body: { ...naming, ...webService, subscribe: true, clusters: '' } },
    ...{ reply: 'SubscribeServiceResponse', fields: { ...success, message: 'success', serviceInfo: serviceInfo([]) } },
  },
  {
    title: 'a registration',
    ...{ type: 'InstanceRequest', body: { ...naming, ...webService, type: 'registerInstance', instance: web } },
    ...{ reply: 'InstanceResponse', fields: { ...success, type: 'registerInstance' } },
  },
  {
    title: 'a registration of a persistent instance',
    ...{ type: 'PersistentInstanceRequest', body: { ...naming, ...databaseService, type: 'registerInstance', instance: database } },
    ...{ reply: 'InstanceResponse', fields: { ...success, type: 'registerInstance' } },
  },
  {
    title: 'a list of services',
    ...{ type: 'ServiceListRequest', body: { ...naming, namespace: 'public', serviceName: '', groupName: 'DEFAULT_GROUP', pageNo: 1, pageSize: 10 } },
    ...{ reply: 'ServiceListResponse', fields: { ...success, count: 2, serviceNames: ['java-persist', 'java-web'] } },
  },
  {
    title: 'a deregistration, which names a weight of its own and the cluster',
    ...{ type: 'InstanceRequest', body: { ...naming, ...webService, type: 'deregisterInstance', instance: { ...web, weight: 1, clusterName: 'DEFAULT', metadata: {} } } },
    ...{ reply: 'InstanceResponse', fields: { ...success, type: 'deregisterInstance' } },
  },
  {
    title: 'a deregistration of a persistent instance',
    ...{ type: 'PersistentInstanceRequest', body: { ...naming, ...databaseService, type: 'deregisterInstance', instance: database } },
    ...{ reply: 'InstanceResponse', fields: { ...success, type: 'deregisterInstance' } },
  },
];

/** The order of fields is free in JSON, but some clients print it. */
const fieldsOf = (body: JsonObject) => Object.keys(body);

test('the first call and the set-up of a connection', async () => {
  const { port } = await nacosServer();
  const client = new NacosClient(port);
  const check = await client.ask('ServerCheckRequest', { headers: {}, module: 'internal' });
  expect(check).toEqual({
    ...{ type: 'ServerCheckResponse', headers: {} },
    body: { ...success, connectionId: expect.stringMatching(/^\d{13}_127\.0\.0\.1_\d+$/) as string, supportAbilityNegotiation: true },
  });
  expect(fieldsOf(check.body)).toEqual(['resultCode', 'errorCode', 'connectionId', 'supportAbilityNegotiation', 'success']);
  client.open();
  client.send('ConnectionSetupRequest', {
    ...{ headers: {}, clientVersion: 'Nacos-Java-Client:v3.2.1-2026.03.30', module: 'internal' },
    labels: { source: 'sdk', module: 'naming', AppName: 'unknown', 'tls.enable': 'false' },
    abilityTable: { agent: true, fuzzyWatch: true, lock: true, mcp: true },
  });
  expect(await client.pushed('SetupAckRequest')).toEqual({
    ...{ headers: {}, module: 'internal' },
    abilityTable: { supportPersistentInstanceByGrpc: true, fuzzyWatch: true, lock: false, mcp: false },
  });
  client.close();
});

test('the exchanges of naming', async () => {
  const { port } = await nacosServer();
  const client = await NacosClient.connected(port);
  for (const { title, type, body, reply, fields } of exchanges) {
    expect(await client.ask(type, body, { app: 'unknown' }), title).toEqual({ type: reply, headers: {}, body: fields });
  }
});

test('a push, and the list in it', async () => {
  const { port } = await nacosServer();
  const client = await NacosClient.connected(port, { mute: new Set(['NotifySubscriberRequest']) });
  await client.ask('SubscribeServiceRequest', { ...naming, ...webService, subscribe: true, clusters: '' });
  await client.ask('InstanceRequest', { ...naming, ...webService, type: 'registerInstance', instance: web });
  const { requestId, ...push } = await client.pushed('NotifySubscriberRequest');
  expect(requestId).toMatch(/^\d+$/);
  expect(push).toEqual({
    ...naming,
    serviceInfo: serviceInfo([
      {
        ...{ instanceId: '10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@java-web', ip: '10.0.0.1', port: 8_080, weight: 2, healthy: true, enabled: true, ephemeral: true },
        ...{ clusterName: 'DEFAULT', serviceName: 'DEFAULT_GROUP@@java-web', metadata: { zone: 'z1' } },
        ...{ instanceHeartBeatInterval: 5_000, instanceHeartBeatTimeOut: 15_000, ipDeleteTimeout: 30_000 },
      },
    ]),
  });
});

test('the bytes of a request and of an answer', () => {
  // The check of a server by the Java client, and the end of a health check by the server.
  const request = '121f1a12536572766572436865636b5265717565737442093132372e302e302e311a2412227b2268656164657273223a7b7d2c226d6f64756c65223a22696e7465726e616c227d';
  expect(decodePayload(Buffer.from(request, 'hex'))).toEqual({ type: 'ServerCheckRequest', headers: {}, body: { headers: {}, module: 'internal' } });
  expect(encodePayload('ServerCheckRequest', '{"headers":{},"module":"internal"}', '127.0.0.1').toString('hex')).toBe(request);
  const withHeader = '12161a01413a0e0a036170701207756e6b6e6f776e4201311a0412027b7d';
  expect(decodePayload(Buffer.from(withHeader, 'hex'))).toEqual({ type: 'A', headers: { app: 'unknown' }, body: {} });
});
