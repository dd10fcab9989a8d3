/** The lines of the overview that need more than rows: a freeze, an alarm, webhooks, clients that do not use their release, certificates. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createReceiver } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Overview } from '@rollcall/protocol';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { memory } from '../../engine/memory/memory.ts';
import { frontendTable } from '../../frontends.ts';
import { TestAuthority } from '../../net/certificates.case.ts';
import { startServer } from '../../server.ts';
import { SocketClient } from '../stream/socket-client.case.ts';
import { webConsole } from './frontend.ts';

const dayMs = 86_400_000;

async function linesOf(registry: ConfigServer, token = ''): Promise<Overview['lines']> {
  return (await registry.json<Overview>('/rollcall/v1/overview', { headers: token === '' ? {} : { 'x-consul-token': token } })).lines;
}

async function post(registry: ConfigServer, path: string, body: object): Promise<void> {
  const { status, text } = await registry.ask(`/rollcall/v1/config${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
}

test('a freeze of any process is one line, for callers who may see the state of the server', async () => {
  const freezes = async () => [{ frozen: true, sinceMs: 2_000, untilMs: 9_000, held: 3 }, { frozen: false, held: 1 }, { frozen: true, sinceMs: 1_000, untilMs: 8_000, held: 4 }];
  const table = { ...frontendTable, console: { make: (context: Parameters<typeof webConsole>[0]) => webConsole(context, { folder: '', environment: undefined, freezes, certificates: async () => [] }) } };
  await using registry = new ConfigServer(await startServer({ engine: memory(), acl: { initialManagement: managementToken } }, table));
  expect(await linesOf(registry, managementToken)).toEqual([{ kind: 'freeze', sinceMs: 1_000, untilMs: 9_000, held: 7 }]);
  expect(await linesOf(registry, await registry.tokenWith('service_prefix "" { policy = "read" }'))).toEqual([]);
});

test('a rollout that its alarm has ended is a line with the reason', async () => {
  await using registry = await ConfigServer.start();
  for (const node of ['n1', 'n2']) await registry.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure', instances: [{ id: 'fleet', service: 'fleet' }] });
  const query = '?app=fleet&name=app&cluster=blue';
  await post(registry, `/publish${query}`, { content: 'old', format: 'text' });
  await post(registry, `/publish${query}`, { content: 'new', format: 'text', rollout: { name: 'next', plan: { stages: [{ percent: 100, bakeMs: 600_000 }], alarm: { on: ['error'], share: 0.5 } } } });
  for (const node of ['n1', 'n2']) await post(registry, `/report${query}`, { release: 2, instance: `${node}/fleet`, error: 'cannot parse' });
  await expect.poll(() => linesOf(registry)).toEqual([{ kind: 'rolled-back', app: 'fleet', name: 'app', cluster: 'blue', atMs: expect.any(Number) as number, message: expect.stringContaining('the alarm of rollout next ended it') as string }]);
});

test('clients that do not use the release that they were given are one line for each cluster', async () => {
  await using registry = await ConfigServer.start();
  for (const cluster of ['default', 'blue']) await post(registry, `/publish?app=crew&name=app&cluster=${cluster}`, { content: cluster, format: 'text' });
  const client = async (name: string, cluster: string, report: { readonly applied: boolean; readonly error?: string }): Promise<void> => {
    const socket = await SocketClient.greeted(registry.server.url, { client: name });
    onTestFinished(() => socket.webSocket.terminate());
    await socket.ask({ type: 'watch', views: [{ kind: 'config', name: 'crew/app', cluster }] });
    await socket.ask({ type: 'config-report', name: 'crew/app', cluster, release: 1, ...report });
  };
  await client('one', 'blue', { applied: true });
  await client('two', 'blue', { applied: false, error: 'cannot parse' });
  await client('three', 'default', { applied: true });
  expect(await linesOf(registry)).toEqual([{ kind: 'not-used', app: 'crew', name: 'app', cluster: 'blue', clients: 1, of: 2, error: 'cannot parse' }]);
});

test('a webhook that fails is a line until a delivery or a test succeeds, for callers who may read webhooks', async () => {
  await using registry = await ConfigServer.start({ acl: { initialManagement: managementToken } });
  let status = 500;
  const receiver = createReceiver((request, response) => {
    request.resume();
    response.writeHead(status).end();
  });
  onTestFinished(() => void receiver.close());
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  const headers = { 'x-consul-token': managementToken };
  const hook = async (name: string, port: number, more: object = {}): Promise<void> => {
    const body = JSON.stringify({ url: `http://127.0.0.1:${port}/`, secret: `whsec_${Buffer.alloc(24, 1).toString('base64')}`, events: ['config.published'], ...more });
    expect((await registry.ask(`/rollcall/v1/webhooks?name=${name}`, { method: 'PUT', headers, body })).status).toBe(200);
  };
  const { port } = receiver.address() as AddressInfo;
  await hook('pager', port);
  await hook('off', port, { disabled: true });
  const test = async (name: string): Promise<void> => void (await registry.ask(`/rollcall/v1/webhooks/test?name=${name}`, { method: 'POST', headers }));
  await test('off');
  const line = { kind: 'webhook', name: 'pager', atMs: expect.any(Number) as number, tries: 1, error: 'the receiver answered with status 500' };
  // The process begins to send a moment after the webhook was set.
  await expect.poll(() => test('pager').then(() => linesOf(registry, managementToken)), { timeout: 10_000 }).toEqual([{ ...line, event: 'test', waiting: 0 }]);
  const body = JSON.stringify({ content: 'x' });
  expect((await registry.ask('/rollcall/v1/config/publish?app=shop&name=a', { method: 'POST', headers, body })).status).toBe(200);
  await expect.poll(() => linesOf(registry, managementToken), { timeout: 10_000 }).toMatchObject([{ kind: 'webhook', name: 'pager', event: 'config.published', waiting: 1 }]);
  expect(await linesOf(registry, await registry.tokenWith('service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }'))).toEqual([]);
  expect(await linesOf(registry, await registry.tokenWith('operator = "read"'))).toMatchObject([{ kind: 'webhook', name: 'pager' }]);
  const { revision } = await registry.json<{ readonly revision: number }>('/rollcall/v1/history', { headers });
  expect((await registry.json<Overview>(`/rollcall/v1/overview?at=r${revision}`, { headers })).lines).toEqual([]);
  status = 200;
  await test('pager');
  await expect.poll(() => linesOf(registry, managementToken), { timeout: 10_000 }).toEqual([]);
});

test('a certificate that ends within two weeks is a line, for callers who may see the state of the server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-overview-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), caFile: join(folder, 'ca.pem') };
  const authority = new TestAuthority();
  const notAfter = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3 * dayMs);
  const { cert, key } = authority.issue({ commonName: 'registry', notAfter });
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  writeFileSync(files.caFile, authority.cert);
  await using registry = await ConfigServer.start({ https: files, acl: { initialManagement: managementToken } });
  expect(await linesOf(registry, managementToken)).toEqual([{ kind: 'certificate', listener: 'https', of: 'own', subject: expect.stringContaining('registry') as string, processes: 1, untilMs: notAfter.getTime() }]);
  expect(await linesOf(registry)).toEqual([]);
});
