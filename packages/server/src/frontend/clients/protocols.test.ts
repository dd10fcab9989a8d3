/** Clients of every protocol are listed with what they follow: one server, a client of each, and what an operator reads. */

import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import type { ListedClient, TopologyEdge } from '@rollcall/protocol';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server } from '../../server.ts';
import type { ServerOptions } from '../../server-options.ts';
import { NacosClient } from '../nacos/grpc/client.case.ts';
import { XdsClient } from '../xds/client.case.ts';
import { encode } from '../xds/wire/any.ts';
import { paths } from '../xds/wire/schema.ts';
import { TestClient, portOf } from '../zookeeper/zookeeper.case.ts';

async function start(options: ServerOptions): Promise<Server> {
  const server = await createServer({ engine: memory(), nodeName: 's1', ...options });
  onTestFinished(() => server.close());
  return server;
}

async function listed({ url }: Server, via: string): Promise<readonly Partial<ListedClient>[]> {
  const { clients } = (await (await fetch(`${url}/rollcall/v1/clients`)).json()) as { clients: ListedClient[] };
  return clients.filter((client) => client.via === via);
}

async function edges({ url }: Server): Promise<readonly TopologyEdge[]> {
  return ((await (await fetch(`${url}/rollcall/v1/topology`)).json()) as { edges: TopologyEdge[] }).edges;
}

const web = { kind: 'service', namespace: 'default', name: 'web' };
const main = { kind: 'config', namespace: 'default', name: 'shop/main' };

async function publish({ url }: Server, name: string, content: string, format: string): Promise<void> {
  const answer = await fetch(`${url}/rollcall/v1/config/publish?app=shop&name=${name}`, { method: 'POST', body: JSON.stringify({ content, format }) });
  expect(answer.status).toBe(200);
}

test('xDS: a node with its agent, the services that it asks for, and the load that it reports', async () => {
  const server = await start({ grpc: {} });
  const node = { id: 'front', user_agent_name: 'gRPC Go' };
  const client = new XdsClient(server, { node });
  client.ask('endpoints', ['web', 'web~canary']);
  await expect.poll(() => listed(server, 'xds')).toMatchObject([{ client: 'front', version: 'gRPC Go', address: '127.0.0.1', node: 's1', watches: [web], watchCount: 1, sinceMs: expect.any(Number) as number }]);
  // The load comes on the connection of the resources.
  const grpc = new Client(`127.0.0.1:${server.ports['grpc']}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => grpc.close());
  const same = (bytes: Buffer) => bytes;
  const resources = grpc.makeBidiStreamRequest(paths.sotw, same, same, new Metadata());
  resources.on('error', () => {});
  resources.write(encode('DiscoveryRequest', { node: { id: 'caller' }, type_url: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment', resource_names: ['web'] }));
  const load = grpc.makeBidiStreamRequest(paths.load, same, same, new Metadata());
  load.on('error', () => {});
  const locality = { locality: { zone: 'a' }, total_successful_requests: 6, total_error_requests: 2 };
  load.write(encode('LoadStatsRequest', { node: { id: 'caller' }, cluster_stats: [{ cluster_name: 'web', upstream_locality_stats: [locality] }, { cluster_name: 'web~canary', upstream_locality_stats: [locality] }] }));
  const ofCaller = async () => (await edges(server)).filter(({ from }) => from === 'caller');
  await expect.poll(async () => (await ofCaller()).map(({ to, watches, picksPerSecond, failuresPerSecond }) => [to, watches, picksPerSecond > 0, Math.round(picksPerSecond / failuresPerSecond)])).toEqual([['web', 1, true, 4]]);
  load.cancel();
  await expect.poll(async () => (await ofCaller()).map(({ picksPerSecond }) => picksPerSecond)).toEqual([0]);
});

test('Nacos: an application with its library, its instances, subscriptions and configurations', async () => {
  const server = await start({ nacos: { port: 0 } });
  const client = await NacosClient.connected(server.ports['nacos-grpc'] as number, { version: 'Nacos-Java-Client:v3.1.0' });
  await client.register('shop', 80);
  await client.subscribe('web');
  await client.ask('ConfigBatchListenRequest', { listen: true, configListenContexts: [{ dataId: 'main', group: 'shop', tenant: '', md5: '' }] });
  const [found] = await listed(server, 'nacos');
  expect(found).toMatchObject({ version: 'Nacos-Java-Client:v3.1.0', address: '127.0.0.1', instances: [{ service: 'shop', namespace: 'default' }], watches: [web, main] });
  client.kill();
  await expect.poll(() => listed(server, 'nacos')).toEqual([]);
});

test('ZooKeeper: a session with its paths, and with the service whose instances are below a path', async () => {
  const server = await start({ zookeeper: {} });
  const client = await TestClient.connected(portOf(server));
  await client.create('/a');
  await client.get('getData', { path: '/a', watch: true });
  expect(await listed(server, 'zookeeper')).toMatchObject([{ client: expect.stringMatching(/^session 0x/) as string, address: '127.0.0.1', watches: [{ kind: 'znode', namespace: 'default', name: '/a' }] }]);
  client.socket.destroy();
  await expect.poll(() => listed(server, 'zookeeper')).toEqual([]);
});

test('Consul: blocking queries of one address and agent are one client while they wait', async () => {
  const server = await start({});
  const stop = new AbortController();
  const ask = (path: string) => fetch(server.url + path, { signal: stop.signal, headers: { 'user-agent': 'consul-template/0.40' } });
  for (const service of ['web', 'db']) await fetch(`${server.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: service }) });
  const waiting = ['/v1/health/service/web', '/v1/health/service/db', '/v1/kv/a', '/v1/catalog/nodes'].map(async (path) => {
    const index = (await ask(path)).headers.get('x-consul-index');
    await ask(`${path}?index=${index}&wait=60s`).catch(() => {});
  });
  await expect.poll(async () => (await listed(server, 'consul')).map(({ client, address, watches }) => [client, address, watches?.map(({ kind, name }) => `${kind} ${name}`).toSorted()])).toEqual([['consul-template/0.40', '127.0.0.1', ['key a', 'service db', 'service web']]]);
  expect((await edges(server)).map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual(['consul-template/0.40 db', 'consul-template/0.40 web']);
  stop.abort();
  await Promise.all(waiting);
  await expect.poll(() => listed(server, 'consul')).toEqual([]);
});

test('Apollo and flagd: clients that wait for a configuration', async () => {
  const server = await start({ grpc: {} });
  await publish(server, 'main', 'a=1', 'properties');
  await publish(server, 'flags', JSON.stringify({ flags: {} }), 'flags');
  const stop = new AbortController();
  const known = (await (await fetch(`${server.url}/notifications/v2?appId=shop&cluster=default&notifications=${encodeURIComponent('[{"namespaceName":"main","notificationId":-1}]')}`)).json()) as { notificationId: number }[];
  const notifications = encodeURIComponent(JSON.stringify([{ namespaceName: 'main', notificationId: known[0]?.notificationId }]));
  const poll = fetch(`${server.url}/notifications/v2?appId=shop&cluster=default&notifications=${notifications}`, { signal: stop.signal }).catch(() => {});
  await expect.poll(() => listed(server, 'apollo')).toMatchObject([{ client: 'shop', watches: [main] }]);
  stop.abort();
  await poll;

  const grpc = new Client(`127.0.0.1:${server.ports['grpc']}`, credentials.createInsecure(), {});
  onTestFinished(() => grpc.close());
  const metadata = new Metadata();
  metadata.set('flagd-selector', 'shop/flags');
  const stream = grpc.makeServerStreamRequest('/flagd.sync.v1.FlagSyncService/SyncFlags', (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, Buffer.of(), metadata);
  stream.on('error', () => {});
  await expect.poll(() => listed(server, 'flagd')).toMatchObject([{ client: 'a provider of flagd', watches: [{ kind: 'config', name: 'shop/flags' }], releases: [{ name: 'shop/flags', release: 1 }] }]);
  stream.cancel();
});
