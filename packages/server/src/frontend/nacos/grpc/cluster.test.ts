/** Several nodes of one store: pushes on each of them, one order of lists, and clients that move between them. */

import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { findCheck, findInstance } from '../../../registry/kind/catalog/find.ts';
import type { Server } from '../../../server.ts';
import { hostsOf, NacosClient, nacosServer, refTimeOf, type NacosServer } from './client.case.ts';

const id = '10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@web';
const statusOn = ({ registry }: Server) => findCheck(registry.state, 'default', '', `stream:${id}`)?.status;

let one: NacosServer;
let other: NacosServer;
beforeEach(async () => {
  const engine = { ...memory(), exclusive: false };
  const shared = { ...engine, close: async () => {} };
  onTestFinished(() => engine.close());
  one = await nacosServer({ engine: shared, nodeName: 'one' });
  other = await nacosServer({ engine: shared, nodeName: 'other' });
});

async function until(server: Server, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await server.registry.barrier();
    await new Promise((next) => setImmediate(next));
  }
}

test('a registration on one node is pushed on the other, and lists have the same time on both', async () => {
  const near = await NacosClient.connected(one.port);
  const far = await NacosClient.connected(other.port);
  const before = refTimeOf((await far.subscribe('web')).body);
  await near.subscribe('web');
  await near.register('web', 80);
  const pushes = [await near.pushed('NotifySubscriberRequest'), await far.pushed('NotifySubscriberRequest')];
  expect(pushes.map((push) => hostsOf(push).length)).toEqual([1, 1]);
  expect(refTimeOf(pushes[0] ?? {})).toBe(refTimeOf(pushes[1] ?? {}));
  expect(refTimeOf(pushes[1] ?? {})).toBeGreaterThan(before);
});

test('a client that has come back on another node keeps its instances when the old connection is found lost', async () => {
  const first = await NacosClient.connected(one.port);
  await first.register('web', 80);
  await until(other.server, () => statusOn(other.server) === 'passing');
  const again = await NacosClient.connected(other.port);
  await again.register('web', 80);
  const { session } = findInstance(other.server.registry.state, 'default', '', id) ?? {};
  await until(one.server, () => findInstance(one.server.registry.state, 'default', '', id)?.session === session);
  const { revision } = one.server.registry.state;
  first.kill();
  await until(one.server, () => one.server.registry.state.revision > revision);
  expect([statusOn(one.server), statusOn(other.server)]).toEqual(['passing', 'passing']);
});

test('a node that leaves sends its clients away, and no reader sees their instances critical', async () => {
  const client = await NacosClient.connected(one.port);
  const reader = await NacosClient.connected(other.port);
  await client.register('web', 80);
  await until(other.server, () => statusOn(other.server) === 'passing');
  await reader.subscribe('web');
  const closed = one.server.close();
  await client.pushed('ConnectResetRequest');
  client.close();
  await closed;
  const again = await NacosClient.connected(other.port);
  await again.register('web', 80);
  await again.ask('HealthCheckRequest', {});
  expect(statusOn(other.server)).toBe('passing');
  expect(reader.pushes).toEqual([]);
});
