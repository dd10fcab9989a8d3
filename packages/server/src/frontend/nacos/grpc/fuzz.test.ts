/**
 * Garbage at Nacos' gRPC: bytes that are no message, messages with fields of the wrong type, half messages. Each is answered with an
 * error in Nacos' form, nothing is registered by it, and the connection goes on.
 */

import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instancesOfService } from '../../../registry/kind/catalog/find.ts';
import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import { NacosClient, nacosServer } from './client.case.ts';
import { messageTypes } from './messages.ts';
import { encodePayload, type Payload } from './wire.ts';

const runs = { numRuns: 300 };

function expectAnswer({ type, body }: Payload): void {
  expect(type).toMatch(/Response$/);
  if (body['resultCode'] === 200) expect(body).toMatchObject({ errorCode: 0, success: true });
  else expect(body).toMatchObject({ resultCode: 500, success: false, message: expect.stringMatching(/./) as string });
  // Nothing that a client sends is an internal error.
  expect(body['errorCode']).not.toBe(500);
}

test('bytes that are no message', async () => {
  const { port } = await nacosServer();
  const client = await NacosClient.connected(port);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      client.sendBytes(Buffer.from(bytes));
      expectAnswer(await client.askBytes(Buffer.from(bytes)));
    }),
    runs,
  );
  const body = (bytes: Uint8Array) => {
    const whole = encodePayload('InstanceRequest', 'x'.repeat(bytes.length));
    whole.set(bytes, whole.length - bytes.length);
    return whole;
  };
  for (const bytes of ['', '[]', '"x"', 'null', '{', '{"a":1}x']) expectAnswer(await client.askBytes(body(Buffer.from(bytes))));
  expect((await client.askBytes(body(Buffer.from([0x7b, 0xff, 0x7d])))).body).toMatchObject({ errorCode: 400 });
  expect(await client.register('web', 80)).toMatchObject({ body: { resultCode: 200 } });
});

test('a message that was cut at any byte', async () => {
  const { server, port } = await nacosServer();
  const client = await NacosClient.connected(port);
  const whole = encodePayload('InstanceRequest', JSON.stringify({ serviceName: 'cut', type: 'registerInstance', instance: { ip: '10.0.0.1', port: 1 } }), '127.0.0.1', { app: 'x' });
  for (let length = 0; length < whole.length; length++) expectAnswer(await client.askBytes(whole.subarray(0, length)));
  expect([...instancesOfService(server.registry.state, 'default', 'cut')]).toEqual([]);
});

test('fields of the wrong type, in every message', async () => {
  const { server, port } = await nacosServer();
  const client = await NacosClient.connected(port);
  const names = ['namespace', 'tenant', 'serviceName', 'groupName', 'group', 'dataId', 'type', 'clusters', 'cluster', 'instance', 'instances', 'subscribe'];
  const more = ['pageNo', 'pageSize', 'healthyOnly', 'content', 'casMd5', 'additionMap', 'listen', 'configListenContexts', 'groupKeyPattern', 'watchType'];
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('', 'public', 'web', 'registerInstance', 'batchRegisterInstance', true, 1, null));
  const bodies = fc.dictionary(fc.constantFrom(...names, ...more), value, { maxKeys: 10 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(messageTypes)), bodies, async (type, body) => expectAnswer(await client.ask(type, body))),
    { numRuns: 1_000 },
  );
  expect([...servicesOf(server.registry.state).names('default')].length).toBeLessThan(10);
});

test('metadata over the limit is refused, and nothing is registered', async () => {
  const { server, port } = await nacosServer();
  const client = await NacosClient.connected(port);
  const { body } = await client.register('web', 80, { metadata: { big: 'x'.repeat(20_000) } });
  expect(body).toMatchObject({ resultCode: 500, errorCode: 400, message: expect.stringContaining('the limit is 16384') as string });
  expect([...instancesOfService(server.registry.state, 'default', 'web')]).toEqual([]);
});

test('connections that send no HTTP/2, or a part of it, take nothing from others', async () => {
  const { port } = await nacosServer();
  const client = await NacosClient.connected(port);
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', preface.slice(0, 10), `${preface}\0\0\0`, `${preface}\xff\xff\xff\xff\xff\xff`, '\x16\x03\x01\x02\x00']) {
    await new Promise<void>((closed) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => closed());
    });
  }
  expect(await client.register('web', 80)).toMatchObject({ body: { resultCode: 200 } });
});
