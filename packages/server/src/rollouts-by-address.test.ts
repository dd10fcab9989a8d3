/**
 * Rollouts reach clients that know no instance of the registry, by the instance at their address: clients of Apollo, Spring Cloud
 * Config, OFREP and Nacos, each over its own protocol.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from './config-server.case.ts';
import type { Publication } from './configurations/configurations.ts';

const own = '127.0.0.1';
const flag = (value: string) => JSON.stringify({ flags: { release: { state: 'ENABLED', variants: { only: value }, defaultVariant: 'only' } } });

let server: ConfigServer;

async function register(node: string, address: string): Promise<void> {
  await server.ask('/v1/catalog/register', { method: 'PUT', body: JSON.stringify({ Node: node, Address: '10.0.0.1', Service: { ID: 'orders-1', Service: 'orders', Address: address } }) });
}

/** Publishes a release for one of the two instances, by a count of those that the rule names. */
async function rollOutTo(instance: string): Promise<void> {
  const rollout: Publication['rollout'] = { name: 'next', priority: 0, rule: { kind: 'instance', instances: [instance] }, plan: { stages: [{ count: 1, bakeMs: 3_600_000 }] } };
  await server.publish('orders/application.properties', `to=${instance}\n`, { format: 'properties', rollout });
  await server.publish('orders/web.flags.json', flag(instance), { format: 'flags', rollout });
}

beforeAll(async () => {
  server = await ConfigServer.start();
  await register('here', own);
  await register('there', '10.0.0.2');
  await server.publish('orders/application.properties', 'to=all\n', { format: 'properties' });
  await server.publish('orders/web.flags.json', flag('all'), { format: 'flags' });
});
afterAll(() => server[Symbol.asyncDispose]());

const apollo = async (ip?: string) => (await server.json<{ configurations: { to: string } }>(`/configs/orders/default/application${ip === undefined ? '' : `?ip=${ip}`}`)).configurations.to;
const spring = async () => (await server.json<{ propertySources: readonly [{ source: { to: string } }] }>('/spring/orders/default')).propertySources[0].source.to;
const ofrep = async () => (await server.json<{ value: string }>('/ofrep/orders/web.flags.json/ofrep/v1/evaluate/flags/release', { method: 'POST', body: '{"context": {"targetingKey": "user-1"}}' })).value;
const nacos = async () => (await server.ask('/nacos/v1/cs/configs?group=orders&dataId=application.properties')).text.trim().replace('to=', '');

test('a count of instances reaches the client at the address of the instance, and no other', async () => {
  await rollOutTo('here/orders-1');
  expect([await apollo(own), await apollo(), await spring(), await ofrep(), await nacos()]).toEqual(Array.from({ length: 5 }, () => 'here/orders-1'));
  expect([await apollo('10.0.0.2'), await apollo('10.0.0.3')]).toEqual(['all', 'all']);
  await rollOutTo('there/orders-1');
  expect([await apollo(own), await spring(), await ofrep(), await nacos()]).toEqual(Array.from({ length: 4 }, () => 'all'));
  expect(await apollo('10.0.0.2')).toBe('there/orders-1');
});
