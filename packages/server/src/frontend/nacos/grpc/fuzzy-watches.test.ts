/** Watches of services by pattern, as clients of Nacos 3 use them. */

import { describe, expect, test } from 'vitest';
import { fromService } from '../names.ts';
import { NacosClient, nacosServer } from './client.case.ts';
import { keyOf, matches, nameOf, readPattern } from './fuzzy-pattern.ts';
import { batchMax } from './fuzzy-watches.ts';

describe('patterns', () => {
  test.each([
    ['public>>*>>*', 'orders', true],
    ['>>DEFAULT_GROUP>>orders', 'orders', true],
    ['public>>DEFAULT_GROUP>>order', 'orders', false],
    ['public>>DEFAULT_GROUP>>ord*', 'orders', true],
    ['public>>DEFAULT_GROUP>>*ers', 'orders', true],
    ['public>>DEFAULT_GROUP>>*rde*', 'orders', true],
    ['public>>DEFAULT_GROUP>>o*s', 'orders', false],
    ['public>>shop>>*', 'orders', false],
    ['public>>sh*>>*', 'shop@@orders', true],
  ])('%s and %s', (pattern, service, expected) => {
    expect(matches(readPattern(pattern), fromService(service) as { group: string; name: string })).toBe(expected);
  });

  test.each(['', 'a', 'a>>b', 'public>>>>x', 'public>>x>>', 'a>>b>>c>>d', 'default>>a>>b', `public>>${'x'.repeat(2_000)}>>b`])('%s is refused', (text) => {
    expect(() => readPattern(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
  });

  test('keys name the namespace as the client does', () => {
    const pattern = readPattern('public>>*>>*');
    expect(keyOf(pattern, { group: 'g', name: 'n' })).toBe('public@@g@@n');
    expect(nameOf(pattern, 'public@@g@@n')).toEqual({ group: 'g', name: 'n' });
    for (const key of ['', 'dev@@g@@n', 'public@@n', 'public@@g@@n@@x', 'public@@@@n', 'public@@g@@']) expect(nameOf(pattern, key)).toBeUndefined();
  });
});

const watch = (client: NacosClient, pattern: string, more: object = {}) =>
  client.ask('NamingFuzzyWatchRequest', { namespace: 'public', groupKeyPattern: pattern, receivedGroupKeys: [], watchType: 'WATCH', initializing: true, ...more });

describe('a watch', () => {
  test('begins with the services that match, and goes on with those that come and go', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    for (const name of ['orders', 'others', 'billing']) await client.register(name, 80);
    const pattern = 'public>>DEFAULT_GROUP>>o*';
    expect(await watch(client, pattern)).toMatchObject({ type: 'NamingFuzzyWatchResponse', body: { resultCode: 200 } });
    const first = await client.pushed('NamingFuzzyWatchSyncRequest');
    expect(first).toMatchObject({ syncType: 'FUZZY_WATCH_INIT_NOTIFY', groupKeyPattern: pattern, totalBatch: 1, currentBatch: 1 });
    expect(first['contexts']).toEqual(['orders', 'others'].map((name) => ({ serviceKey: `public@@DEFAULT_GROUP@@${name}`, changedType: 'ADD_SERVICE' })));
    expect(await client.pushed('NamingFuzzyWatchSyncRequest')).toMatchObject({ syncType: 'FINISH_FUZZY_WATCH_INIT_NOTIFY', contexts: [] });
    await client.register('more', 80);
    await client.register('old', 80);
    const change = { syncType: 'FUZZY_WATCH_RESOURCE_CHANGED', serviceKey: 'public@@DEFAULT_GROUP@@old' };
    expect(await client.pushed('NamingFuzzyWatchChangeNotifyRequest')).toMatchObject({ ...change, changedType: 'ADD_SERVICE' });
    // A second instance changes nothing for a watcher of services.
    const other = await NacosClient.connected(port);
    await other.register('old', 81);
    await client.deregister('old', 80);
    await other.deregister('old', 81);
    expect(await client.pushed('NamingFuzzyWatchChangeNotifyRequest')).toMatchObject({ ...change, changedType: 'DELETE_SERVICE' });
    expect(client.pushes).toEqual([]);
  });

  test('of a client that comes back names the differences only', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    await client.register('a', 80);
    await client.register('b', 80);
    await watch(client, 'public>>*>>*', { initializing: false, receivedGroupKeys: ['public@@DEFAULT_GROUP@@a', 'public@@DEFAULT_GROUP@@gone'] });
    const sync = await client.pushed('NamingFuzzyWatchSyncRequest');
    expect(sync).toMatchObject({ syncType: 'FUZZY_WATCH_DIFF_SYNC_NOTIFY', contexts: [{ serviceKey: 'public@@DEFAULT_GROUP@@b' }] });
    expect(await client.pushed('NamingFuzzyWatchChangeNotifyRequest')).toMatchObject({ serviceKey: 'public@@DEFAULT_GROUP@@gone', changedType: 'DELETE_SERVICE' });
    expect(client.pushes).toEqual([]);
  });

  test('comes in batches when many services match, and ends with its cancellation', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    await Promise.all(Array.from({ length: batchMax + 1 }, (_, at) => client.register(`s${at}`, 80)));
    await watch(client, 'public>>*>>*');
    const batches = [await client.pushed('NamingFuzzyWatchSyncRequest'), await client.pushed('NamingFuzzyWatchSyncRequest')];
    expect(batches.map((batch) => [batch['currentBatch'], batch['totalBatch'], (batch['contexts'] as unknown[]).length])).toEqual([[1, 2, batchMax], [2, 2, 1]]);
    await client.pushed('NamingFuzzyWatchSyncRequest', (body) => body['syncType'] === 'FINISH_FUZZY_WATCH_INIT_NOTIFY');
    await watch(client, 'public>>*>>*', { watchType: 'CANCEL_WATCH' });
    await client.register('new', 80);
    await client.ask('HealthCheckRequest', {});
    expect(client.pushes).toEqual([]);
  });

  test('a connection has a limited number of them', async () => {
    const { port } = await nacosServer();
    const client = await NacosClient.connected(port);
    for (let at = 0; at < 20; at++) expect(await watch(client, `public>>*>>s${at}`)).toMatchObject({ body: { resultCode: 200 } });
    expect(await watch(client, 'public>>*>>more')).toMatchObject({ body: { resultCode: 500, errorCode: 503 } });
  });
});
