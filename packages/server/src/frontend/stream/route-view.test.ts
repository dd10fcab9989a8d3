/** The route of a service over the native stream: pushed after every change, to those who may read the service. */

import { afterEach, expect, it } from 'vitest';
import { grantor, management } from '../../security/grantor.case.ts';
import { createServer, type Server } from '../../server.ts';
import type { ServerOptions } from '../../server-options.ts';
import { SocketClient } from './socket-client.case.ts';

let server: Server | undefined;
const clients: SocketClient[] = [];
afterEach(async () => {
  for (const { webSocket } of clients.splice(0)) webSocket.terminate();
  await server?.close();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  return (server = await createServer(options));
}

const view = { kind: 'route', name: 'orders' } as const;

it('comes at once, after every change, and when it is deleted', async () => {
  const { url, registry } = await start();
  const client = await SocketClient.greeted(url);
  clients.push(client);
  await client.ask({ type: 'watch', views: [view] });
  expect(await client.push('orders')).toMatchObject({ view, items: [] });
  await registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route: { timeoutMs: 500 } });
  expect(await client.push('orders')).toMatchObject({ view, items: [{ service: 'orders', route: { timeoutMs: 500 } }] });
  await registry.submit({ kind: 'route-set', namespace: 'default', service: 'other', route: {} });
  await registry.submit({ kind: 'route-delete', namespace: 'default', service: 'orders' });
  expect(await client.push('orders')).toMatchObject({ view, items: [] });
});

it('needs service:read on the service, before and while it is watched', async () => {
  const { url, registry } = await start({ acl: { initialManagement: management } });
  await registry.submit({ kind: 'route-set', namespace: 'default', service: 'orders', route: { triesMax: 1 } });
  const grants = grantor(registry);
  try {
    const token = await grants.token('service "orders" { policy = "read" }');
    const client = await SocketClient.greeted(url, {}, { headers: { authorization: `Bearer ${token.secret}` } });
    clients.push(client);
    expect(await client.ask({ type: 'watch', views: [{ kind: 'route', name: 'bills' }] })).toMatchObject({ type: 'error', code: 'permission_denied' });
    await client.ask({ type: 'watch', views: [view] });
    expect(await client.push('orders')).toMatchObject({ type: 'snapshot', items: [{ service: 'orders', route: { triesMax: 1 } }] });
    await grants.change(token, 'key "a" { policy = "read" }');
    expect(await client.push('orders')).toMatchObject({ type: 'watch-ended', code: 'permission_denied' });
  } finally {
    grants.close();
  }
});
