/** The protect threshold of a service, on a real server: the readers that show all instances when few are healthy. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { request } from 'undici';
import { askOverTcp } from './frontend/dns/ask.case.ts';
import { SocketClient, type Told } from './frontend/stream/socket-client.case.ts';
import { createServer, type Server } from './server.ts';

let server: Server;
let stream: SocketClient;
beforeEach(async () => {
  server = await createServer({ http: { port: 0 }, dns: { port: 0 }, nodeName: 'here' });
  stream = await SocketClient.greeted(server.url);
});
afterEach(async () => {
  stream.webSocket.terminate();
  await server.close();
});

async function put(path: string, body: object): Promise<void> {
  const { statusCode } = await request(`${server.url}${path}`, { method: 'PUT', body: JSON.stringify(body) });
  expect(statusCode).toBe(200);
}

const register = (n: number, Status: string) =>
  put('/v1/agent/service/register', { Name: 'web', ID: `web-${n}`, Address: `10.0.0.${n}`, Port: 80, Check: { TTL: '600s', Status } });
const protect = (protectThreshold: number) => put('/rollcall/v1/service?name=web', { protectThreshold });

/** After a change, DNS may still answer from the old index for a moment. */
const addresses = async () => (await askOverTcp(server.ports['dns'] ?? 0, 'web.service.consul', 'A')).answers.map((answer) => ('data' in answer ? (answer.data as string) : '')).sort();
const statusesIn = (frame: Told) => ('items' in frame ? (frame.items as { id: string; status: string }[]) : []).map(({ id, status }) => `${id} ${status}`).sort();
const seen = async () => statusesIn(await stream.ask({ type: 'get', view: { kind: 'service', name: 'web' } }));
const consul = async (query: string) => {
  const { body, headers } = await request(`${server.url}/v1/health/service/web${query}`);
  return [((await body.json()) as { Service: { ID: string } }[]).map(({ Service }) => Service.ID).sort(), headers['x-consul-index']];
};

it('at or below it, the stream and DNS show all instances as healthy; Consul shows the checks', async () => {
  await register(1, 'passing');
  for (const n of [2, 3, 4]) await register(n, 'critical');
  const before = [await consul(''), await consul('?passing')];
  const unprotected = ['web-1 passing', 'web-2 critical', 'web-3 critical', 'web-4 critical'];
  const all = ['web-1 passing', 'web-2 passing', 'web-3 passing', 'web-4 passing'];
  expect(await seen()).toEqual(unprotected);
  await expect.poll(addresses).toEqual(['10.0.0.1']);
  await protect(0.2);
  expect(await seen()).toEqual(unprotected);
  await expect.poll(addresses).toEqual(['10.0.0.1']);
  await protect(0.25);
  expect(await seen()).toEqual(all);
  await expect.poll(addresses).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
  expect([await consul(''), await consul('?passing')]).toEqual(before);
  await protect(0);
  expect(await seen()).toEqual(unprotected);
  await expect.poll(addresses).toEqual(['10.0.0.1']);
});

it('watchers learn when it is set, and when the share of healthy instances crosses it', async () => {
  await register(1, 'passing');
  await register(2, 'critical');
  await stream.ask({ type: 'watch', views: [{ kind: 'service', name: 'web' }] });
  expect(statusesIn(await stream.push('web'))).toEqual(['web-1 passing', 'web-2 critical']);
  await protect(0.5);
  expect(await stream.push('web')).toMatchObject({ put: [{ id: 'web-2', status: 'passing' }], remove: [] });
  await register(3, 'passing');
  const { put: changed } = (await stream.push('web')) as unknown as { put: { id: string; status: string }[] };
  expect(changed.map(({ id, status }) => `${id} ${status}`).sort()).toEqual(['web-2 critical', 'web-3 passing']);
});

it('instances that an operator took out of traffic neither count nor appear', async () => {
  await register(1, 'passing');
  await register(2, 'critical');
  for (const n of [3, 4]) await register(n, 'critical');
  await server.registry.submit({ kind: 'instance-status', namespace: 'default', node: 'here', id: 'web-3', override: 'out_of_service' });
  await put('/v1/agent/service/maintenance/web-4?enable=true', {});
  // One of the two that count is healthy.
  await protect(0.4);
  expect(await seen()).toEqual(['web-1 passing', 'web-2 critical', 'web-3 maintenance', 'web-4 maintenance']);
  await protect(0.5);
  expect(await seen()).toEqual(['web-1 passing', 'web-2 passing', 'web-3 maintenance', 'web-4 maintenance']);
});
