/** Which clients subscribe to a service, over gRPC and over HTTP. */

import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { manualClock, pass, type ManualClock } from '../../../manual-clock.case.ts';
import { NacosClient } from '../grpc/client.case.ts';
import { Nacos, type Fields } from '../nacos.case.ts';

let clock: ManualClock;
let nacos: Nacos;
beforeEach(async () => {
  clock = manualClock();
  nacos = await Nacos.start({ clock, nacos: { port: 0 } });
  onTestFinished(() => nacos[Symbol.asyncDispose]());
});

interface List {
  readonly count: number;
  readonly subscribers: readonly object[];
}

const subscribers = async (query: Fields = {}) => (await nacos.get('/v1/ns/service/subscribers', { serviceName: 'web', ...query })).json<List>();
const poll = (query: Fields) => nacos.get('/v1/ns/instance/list', { serviceName: 'web', ...query }, { headers: { 'user-agent': 'Nacos-Java-Client:v1.4.8' } });
const connect = () => NacosClient.connected(nacos.server.ports['nacos-grpc'] as number);

test('a client over gRPC subscribes until it says so, or its connection ends', async () => {
  const [one, other] = [await connect(), await connect()];
  await one.subscribe('web');
  await other.subscribe('web');
  await other.subscribe('another');
  const shown = { addrStr: '127.0.0.1', ip: '127.0.0.1', port: 0, app: 'unknown', namespaceId: 'public', serviceName: 'DEFAULT_GROUP@@web', cluster: '' };
  expect(await subscribers()).toMatchObject({ count: 2, subscribers: [{ ...shown, agent: expect.stringMatching(/^Nacos-/) as string }, shown] });
  expect(await subscribers({ serviceName: 'web', namespaceId: 'other' })).toEqual({ count: 0, subscribers: [] });
  expect((await subscribers({ serviceName: 'another' })).count).toBe(1);
  one.kill();
  await expect.poll(async () => (await subscribers()).count).toBe(1);
  await other.ask('SubscribeServiceRequest', { namespace: 'public', serviceName: 'web', groupName: 'DEFAULT_GROUP', clusters: '', subscribe: false });
  expect((await subscribers()).count).toBe(0);
});

test('a client over HTTP subscribes by a port for pushes, and is forgotten when it has not polled for 30 s', async () => {
  await poll({});
  await poll({ udpPort: 0 });
  expect((await subscribers()).count).toBe(0);
  for (let round = 0; round < 2; round++) await poll({ udpPort: 40_000, clientIP: '10.0.0.9', clusters: 'BLUE', app: 'shop' });
  const shown = { addrStr: '10.0.0.9:40000', agent: 'Nacos-Java-Client:v1.4.8', app: 'shop', ip: '10.0.0.9', port: 40_000, namespaceId: 'public', serviceName: 'DEFAULT_GROUP@@web', cluster: 'BLUE' };
  expect(await subscribers()).toEqual({ count: 1, subscribers: [shown] });
  await pass(clock, 31_000);
  expect((await subscribers()).count).toBe(0);
});

test('the third version of the API answers in pages', async () => {
  for (let port = 1; port <= 5; port++) await poll({ udpPort: port, clientIP: '10.0.0.9' });
  const { data } = (await nacos.get('/v3/admin/ns/service/subscribers', { serviceName: 'web', pageNo: 2, pageSize: 2 })).json<{ data: { totalCount: number; pagesAvailable: number; pageItems: object[] } }>();
  expect(data).toMatchObject({ totalCount: 5, pagesAvailable: 3, pageItems: [{ groupName: 'DEFAULT_GROUP', serviceName: 'web', ip: '10.0.0.9', appName: 'unknown' }, {}] });
});
