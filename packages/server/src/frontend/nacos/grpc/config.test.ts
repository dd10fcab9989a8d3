/** Configurations over Nacos' gRPC: the exchanges that a Java client had with a Nacos server, changes pushed to listeners, gray releases. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { manualClock } from '../../../manual-clock.case.ts';
import { NacosClient, nacosServer } from './client.case.ts';
import { answerMs } from './connection.ts';
import { retryMs } from './delivery.ts';
import type { Payload } from './wire.ts';

const success = { resultCode: 200, errorCode: 0, success: true };
const app = { group: 'DEFAULT_GROUP', tenant: 'public', dataId: 'app.yaml' };
const missing = { resultCode: 500, errorCode: 300, message: 'config data not exist', lastModified: 0, beta: false, success: false };
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
/** Time of the publication, in milliseconds. */
const lastModified = expect.any(Number) as number;

const publish = (client: NacosClient, content: string, more: object = {}) => client.ask('ConfigPublishRequest', { ...app, content, additionMap: { type: 'yaml', ...more } });
const query = (client: NacosClient, more: object = {}, headers = {}) => client.ask('ConfigQueryRequest', { ...app, ...more }, headers);
const listen = (client: NacosClient, known: string, more: object = {}) =>
  client.ask('ConfigBatchListenRequest', { listen: true, configListenContexts: [{ ...app, md5: known }], ...more });

describe('captured exchanges', () => {
  test('listen, publish, the push, query, a lost race, remove', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const expectAnswer = ({ type, body }: Payload, reply: string, fields: object) => expect({ type, body }).toEqual({ type: reply, body: fields });
    expectAnswer(await listen(client, ''), 'ConfigChangeBatchListenResponse', { ...success, changedConfigs: [] });
    expectAnswer(await publish(client, 'a: 1', { encryptedDataKey: '' }), 'ConfigPublishResponse', success);
    expect(await client.pushed('ConfigChangeNotifyRequest')).toEqual({ headers: {}, requestId: '1', ...app, module: 'config' });
    expectAnswer(await listen(client, ''), 'ConfigChangeBatchListenResponse', { ...success, changedConfigs: [app] });
    expectAnswer(await query(client), 'ConfigQueryResponse', {
      ...success,
      ...{ content: 'a: 1', encryptedDataKey: '', contentType: 'yaml', md5: '270f9e65a80226eccd82c99cdd0dd2fb', lastModified, beta: false },
    });
    expectAnswer(await listen(client, md5('a: 1')), 'ConfigChangeBatchListenResponse', { ...success, changedConfigs: [] });
    const lost = await client.ask('ConfigPublishRequest', { ...app, content: 'a: 2', casMd5: 'bad', additionMap: { type: 'text' } });
    expectAnswer(lost, 'ConfigPublishResponse', { resultCode: 500, errorCode: 500, message: 'Cas publish fail, server md5 may have changed.', success: false });
    expectAnswer(await client.ask('ConfigRemoveRequest', app), 'ConfigRemoveResponse', success);
    expect(await client.pushed('ConfigChangeNotifyRequest')).toMatchObject(app);
    expectAnswer(await listen(client, md5('a: 1')), 'ConfigChangeBatchListenResponse', { ...success, changedConfigs: [app] });
    expectAnswer(await query(client), 'ConfigQueryResponse', missing);
    expectAnswer(await listen(client, ''), 'ConfigChangeBatchListenResponse', { ...success, changedConfigs: [] });
  });
});

describe('listening', () => {
  test('to thousands of configurations takes several turns of the event loop', async () => {
    const { server, port } = await nacosServer();
    const client = await NacosClient.connected(port);
    const { views } = server.registry;
    const before = views.watching;
    const count = 5_000;
    const asked = listen(client, '', { configListenContexts: Array.from({ length: count }, (_, n) => ({ ...app, dataId: `c-${n}`, md5: n % 2 === 0 ? '' : 'old' })) });
    const inTurns: number[] = [];
    while (views.watching < before + count) {
      const watching = views.watching;
      await new Promise((turn) => setImmediate(turn));
      inTurns.push(views.watching - watching);
    }
    expect(Math.max(...inTurns)).toBeLessThan(count / 4);
    const { body } = await asked;
    expect(body.changedConfigs).toHaveLength(count / 2);
  });

  test('each listener is told once of content that it does not have, and not of other changes', async () => {
    const { server, port } = await nacosServer();
    const watching = server.registry.views.watching;
    const writer = await NacosClient.connected(port);
    await publish(writer, 'a: 1');
    const readers = await Promise.all([1, 2, 3].map(() => NacosClient.connected(port)));
    for (const reader of readers) expect(await listen(reader, md5('a: 1'))).toMatchObject({ body: { changedConfigs: [] } });
    expect(server.registry.views.watching).toBe(watching + 1);
    await publish(writer, 'a: 1', { desc: 'another description' });
    await publish(writer, 'a: 2');
    for (const reader of readers) {
      await reader.pushed('ConfigChangeNotifyRequest');
      expect(reader.pushes).toEqual([]);
    }
    await listen(readers[0] as NacosClient, '', { listen: false });
    for (const reader of readers.slice(1)) reader.kill();
    while (server.registry.views.watching > watching) await new Promise((next) => setImmediate(next));
    expect(server.registry.views.watching).toBe(watching);
  });

  test('a client that does not answer is told again', async () => {
    const clock = manualClock();
    const { port } = await nacosServer({ clock });
    const client = await NacosClient.connected(port, { mute: new Set(['ConfigChangeNotifyRequest']) });
    await listen(client, '');
    await publish(client, 'a: 1');
    await client.pushed('ConfigChangeNotifyRequest');
    await publish(client, 'a: 2');
    expect(client.pushes).toEqual([]);
    clock.advance(answerMs + 10);
    clock.advance(retryMs + 10);
    await client.pushed('ConfigChangeNotifyRequest');
  });

  test('a client that listens to more configurations than the limit is refused', async () => {
    const { port } = await nacosServer({ limits: { watchesPerStreamMax: 2 } });
    const client = await NacosClient.connected(port);
    const contexts = ['a', 'b', 'c'].map((dataId) => ({ ...app, dataId, md5: '' }));
    expect(await listen(client, '', { configListenContexts: contexts })).toMatchObject({ type: 'ConfigChangeBatchListenResponse', body: { errorCode: 503 } });
  });
});

describe('gray releases', () => {
  test('clients at the named addresses get their own content, and others do not', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    await publish(client, 'all');
    await listen(client, md5('all'));
    await publish(client, 'elsewhere', { betaIps: '10.9.9.9' });
    expect((await query(client)).body).toMatchObject({ content: 'all', beta: false });
    expect(client.pushes).toEqual([]);
    await publish(client, 'here', { betaIps: '10.9.9.9, 127.0.0.1' });
    await client.pushed('ConfigChangeNotifyRequest');
    expect((await query(client)).body).toMatchObject({ content: 'here', beta: true });
  });

  test('clients with the tag get its content', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    await publish(client, 'all');
    await publish(client, 'tagged', { tag: 'blue' });
    expect((await query(client)).body).toMatchObject({ content: 'all' });
    expect((await query(client, { tag: 'blue' })).body).toMatchObject({ content: 'tagged', tag: 'blue' });
    expect((await query(client, {}, { 'Vipserver-Tag': 'blue' })).body).toMatchObject({ content: 'tagged' });
    await client.ask('ConfigRemoveRequest', { ...app, tag: 'blue' });
    expect((await query(client, { tag: 'blue' })).body).toMatchObject({ content: 'all' });
  });
});

test('a configuration without content, and names that Nacos does not take, are refused', async () => {
  const { port } = await nacosServer();
  const client = await NacosClient.connected(port);
  expect(await publish(client, '')).toMatchObject({ body: { errorCode: 400, message: "Param 'content' is required." } });
  for (const wrong of [{ dataId: '' }, { dataId: 'a/b' }, { group: 'a b' }, { tenant: 'default' }]) {
    expect(await query(client, wrong), JSON.stringify(wrong)).toMatchObject({ body: { resultCode: 500, errorCode: 400 } });
  }
  const whole = 'x'.repeat(1_048_576);
  expect(await publish(client, whole)).toMatchObject({ body: success });
  expect((await query(client)).body['content']).toBe(whole);
  expect(await publish(client, `${whole}x`)).toMatchObject({ body: { errorCode: 400 } });
});
