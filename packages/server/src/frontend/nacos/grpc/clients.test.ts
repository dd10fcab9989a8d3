/** Connections of Nacos' gRPC: how they begin, what ties calls to them, their signs of life, and how the server ends them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { manualClock, type ManualClock } from '../../../manual-clock.case.ts';
import { TestAuthority } from '../../../net/certificates.case.ts';
import { findCheck } from '../../../registry/kind/catalog/find.ts';
import type { Server } from '../../../server.ts';
import { hostsOf, NacosClient, nacosServer } from './client.case.ts';
import { answerMs, silenceMs } from './connection.ts';
import { callsMax, messageBytesMax } from './grpc.ts';

const check = (server: Server) => findCheck(server.registry.state, 'default', '', 'stream:10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@web')?.status;

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
}

describe('calls', () => {
  test('a call of a connection without a stream is refused with 301, so that its client connects again', async () => {
    const { port } = await nacosServer();
    const client = new NacosClient(port);
    expect(await client.register('web', 80)).toEqual({
      ...{ type: 'ErrorResponse', headers: {} },
      body: { resultCode: 500, errorCode: 301, message: 'Connection is unregistered.', success: false },
    });
    client.open();
    expect((await client.ask('HealthCheckRequest', {})).body).toMatchObject({ errorCode: 301 });
    client.close();
  });

  test('an unknown message is refused with 302, with or without a stream', async () => {
    const { port } = await nacosServer();
    const client = new NacosClient(port);
    const refused = { type: 'ErrorResponse', body: { resultCode: 500, errorCode: 302, success: false } };
    expect(await client.ask('LockOperationRequest', {})).toMatchObject(refused);
    client.close();
    const connected = await NacosClient.connected(port);
    for (const type of ['QueryMcpServerRequest', 'constructor', '__proto__', 'x'.repeat(10_000)]) expect(await connected.ask(type, {})).toMatchObject(refused);
    expect(await connected.ask('HealthCheckRequest', {})).toMatchObject({ type: 'HealthCheckResponse', body: { resultCode: 200, errorCode: 0, success: true } });
  });

  test('a client that sends no abilities gets no answer to its set-up', async () => {
    const { port } = await nacosServer();
    const client = new NacosClient(port);
    await client.ask('ServerCheckRequest', {});
    client.open();
    client.send('ConnectionSetupRequest', { clientVersion: 'Nacos-Go-Client:v2.3.2', labels: {} });
    while ((await client.register('web', 80)).body['errorCode'] === 301) await turns(1);
    expect(client.pushes).toEqual([]);
    client.close();
  });

  test('a second stream on one connection ends at once, and the first one stays', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    client.open();
    client.send('ConnectionSetupRequest', { abilityTable: {} });
    await client.ended;
    expect(await client.register('web', 80)).toMatchObject({ body: { resultCode: 200 } });
  });

  test('more calls than the limit at once are all answered', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const answers = await Promise.all(Array.from({ length: 3 * callsMax }, (_, at) => client.register(`s${at}`, 80)));
    expect(answers.filter(({ body }) => body['resultCode'] === 200)).toHaveLength(3 * callsMax);
  });

  test('a message over the limit is refused, and the connection stays', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const message = client.register('web', 80, { metadata: { big: 'x'.repeat(messageBytesMax) } });
    await expect(message).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await client.register('web', 80)).toMatchObject({ body: { resultCode: 200 } });
  });

  test('instances and subscriptions of one connection are limited', async () => {
    const { port } = await nacosServer({ limits: { instancesPerStreamMax: 2, watchesPerStreamMax: 2 } });
    const client = await NacosClient.connected(port);
    for (const name of ['a', 'b']) {
      await client.register(name, 80);
      await client.subscribe(name);
    }
    expect(await client.register('c', 80)).toMatchObject({ body: { errorCode: 503, message: 'the connection would have 3 instances, the limit is 2; use more connections' } });
    expect(await client.subscribe('c')).toMatchObject({ type: 'SubscribeServiceResponse', body: { errorCode: 503 } });
    expect(await client.register('a', 81)).toMatchObject({ body: { resultCode: 200 } });
  });
});

describe('signs of life', () => {
  async function registered(mute: string[]): Promise<{ clock: ManualClock; server: Server; client: NacosClient }> {
    const clock = manualClock();
    const { server, port } = await nacosServer({ clock });
    const client = await NacosClient.connected(port, { mute: new Set(mute) });
    await client.register('web', 80);
    return { clock, server, client };
  }

  test('a silent client is asked, and stays when it answers', async () => {
    const { clock, server, client } = await registered([]);
    for (let round = 0; round < 4; round++) {
      clock.advance(silenceMs + 10);
      await client.pushed('ClientDetectionRequest');
      await turns();
    }
    expect(await client.ask('HealthCheckRequest', {})).toMatchObject({ type: 'HealthCheckResponse' });
    expect(check(server)).toBe('passing');
  });

  test('a client that does not answer loses its connection; its instances are critical at once and go after the grace', async () => {
    const { clock, server, client } = await registered(['ClientDetectionRequest']);
    clock.advance(silenceMs + 10);
    await client.pushed('ClientDetectionRequest');
    clock.advance(answerMs + 10);
    await client.ended;
    await turns();
    expect(check(server)).toBe('critical');
    for (let second = 0; second < 33; second++) {
      clock.advance(1_000);
      await turns();
    }
    expect(check(server)).toBeUndefined();
  });

  test('a stall of the server is not taken for silence of the client', async () => {
    const { clock, server, client } = await registered(['ClientDetectionRequest']);
    clock.advance(silenceMs + 10);
    await client.pushed('ClientDetectionRequest');
    clock.stall(60_000);
    clock.advance(10);
    await turns();
    expect(check(server)).toBe('passing');
    expect(await client.ask('HealthCheckRequest', {})).toMatchObject({ type: 'HealthCheckResponse' });
  });
});

describe('pushes', () => {
  test('a client that does not answer a push gets no further one until it has had 5 s, then the newest list', async () => {
    const clock = manualClock();
    const { port } = await nacosServer({ clock });
    const client = await NacosClient.connected(port, { mute: new Set(['NotifySubscriberRequest']) });
    const writer = await NacosClient.connected(port);
    await client.subscribe('web');
    await writer.register('web', 1);
    clock.advance(100);
    await client.pushed('NotifySubscriberRequest');
    for (const each of [2, 3, 4]) {
      await writer.register('web', each);
      clock.advance(100);
      await turns();
    }
    expect(client.pushes).toEqual([]);
    clock.advance(answerMs + 10);
    clock.advance(1_100);
    expect(hostsOf(await client.pushed('NotifySubscriberRequest')).map((host) => host['port'])).toEqual([4]);
  });

  test('a change that no list shows is not pushed', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const writer = await NacosClient.connected(port);
    await writer.register('web', 1);
    await client.subscribe('web');
    await server.registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: '', id: 'stream:10.0.0.1#1#DEFAULT#DEFAULT_GROUP@@web', output: 'new' }] });
    await writer.register('web', 2);
    expect(hostsOf(await client.pushed('NotifySubscriberRequest')).map((host) => host['port'])).toEqual([2]);
    expect(client.pushes).toEqual([]);
  });

  test('a closed connection leaves no subscription behind', async () => {
    const { server, port } = await nacosServer();
    const before = server.registry.views.watching;
    const clients = await Promise.all(Array.from({ length: 5 }, () => NacosClient.connected(port)));
    for (const client of clients) for (const name of ['a', 'b']) await client.subscribe(name);
    expect(server.registry.views.watching).toBe(before + 4);
    await clients[0]?.subscribe('a', { subscribe: false });
    for (const client of clients) client.kill();
    while (server.registry.views.watching > before) await turns(1);
    expect(server.registry.views.watching).toBe(before);
  });
});

describe('the end', () => {
  test('a server that drains asks its clients to go elsewhere, and their instances stay', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    await client.register('web', 80);
    const closed = server.close();
    await client.pushed('ConnectResetRequest');
    await client.ended;
    client.close();
    await closed;
    expect(check(server)).toBe('passing');
  });

  test('over TLS, with the certificate of the listener', async () => {
    const authority = new TestAuthority();
    const { cert, key } = authority.issue();
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-nacos-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
    writeFileSync(files.certFile, cert);
    writeFileSync(files.keyFile, key);
    const { port } = await nacosServer({}, files);
    const client = await NacosClient.connected(port, { credentials: credentials.createSsl(Buffer.from(authority.cert)) });
    expect(await client.register('web', 80)).toMatchObject({ body: { resultCode: 200 } });
    const plain = new NacosClient(port);
    await expect(plain.ask('ServerCheckRequest', {})).rejects.toMatchObject({ code: status.UNAVAILABLE });
    plain.close();
  });
});
