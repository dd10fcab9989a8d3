/** The npm package `ctrip-apollo` 4.5.1, unmodified, against a real server: it reads, is told of changes, and gets a rollout by its address. */

import { once, type EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ConfigServer } from '../../packages/server/src/config-server.case.ts';

interface Namespace extends EventEmitter {
  ready(): Promise<Namespace>;
  config(): Readonly<Record<string, string>>;
}

interface Application {
  namespace(name?: string): Namespace;
  cluster(name: string): { namespace(name?: string): Namespace; enableUpdateNotification(enable: boolean): void };
}

const createApplication = createRequire(import.meta.url)('ctrip-apollo') as (options: object) => Application;
const stops: (() => void)[] = [];
let server: ConfigServer;

/** A client of the app, which polls only if it is told to, and no longer than these tests. */
function client(more: object = {}): Application {
  const application = createApplication({ host: server.server.url, appId: 'orders', enableUpdateNotification: false, ...more });
  stops.push(() => application.cluster('default').enableUpdateNotification(false));
  return application;
}

beforeAll(async () => {
  server = await ConfigServer.start();
  await server.publish('orders/application.properties', 'timeout=1\nname=größe\n', { format: 'properties' });
  await server.publish('orders/blue/application.properties', 'timeout=7\n', { format: 'properties' });
  await server.publish('orders/rules.json', '{"a": 1}', { format: 'json' });
});
afterAll(async () => {
  for (const stop of stops) stop();
  await server[Symbol.asyncDispose]();
});

test('reads its namespaces, of its cluster', async () => {
  expect((await client().namespace().ready()).config()).toEqual({ timeout: '1', name: 'größe' });
  expect((await client().cluster('blue').namespace().ready()).config()).toEqual({ timeout: '7' });
  expect((await client().namespace('rules.json').ready()).config()).toEqual({ content: '{"a": 1}' });
});

test('is told of a change by long polling, and of which keys', async () => {
  const { views } = server.server.registry;
  const before = views.watching;
  const namespace = await client({ enableUpdateNotification: true }).namespace('application').ready();
  // Its first poll is answered at once, since it knows no id; the next one waits.
  await vi.waitFor(() => expect(views.watching).toBeGreaterThan(before), { interval: 5, timeout: 20_000 });
  const changed = once(namespace, 'change');
  await server.publish('orders/application.properties', 'timeout=2\nname=größe\n', { format: 'properties' });
  expect(await changed).toEqual([{ key: 'timeout', oldValue: '1', newValue: '2' }]);
});

test('gets a rollout by count that has chosen the instance at its address', async () => {
  await server.ask('/v1/catalog/register', { method: 'PUT', body: JSON.stringify({ Node: 'n', Address: '10.9.0.1', Service: { ID: 'orders-1', Service: 'orders' } }) });
  await server.publish('orders/rolled.properties', 'v=old\n', { format: 'properties' });
  await server.publish('orders/rolled.properties', 'v=new\n', { format: 'properties', rollout: { name: 'next', priority: 0, plan: { stages: [{ count: 1, bakeMs: 3_600_000 }] } } });
  expect((await client({ ip: '10.9.0.1' }).namespace('rolled').ready()).config()).toEqual({ v: 'new' });
  expect((await client({ ip: '10.9.0.2' }).namespace('rolled').ready()).config()).toEqual({ v: 'old' });
});
