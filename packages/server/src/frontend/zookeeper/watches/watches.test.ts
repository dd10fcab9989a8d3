/** Watches over the wire: each kind, their removal, and those of a client that has connected again. */

import { describe, expect, test } from 'vitest';
import { modes, openAcl, TestClient, zookeeperServer } from '../zookeeper.case.ts';

async function two(): Promise<{ port: number; zk: TestClient; other: TestClient }> {
  const { port } = await zookeeperServer();
  return { port, zk: await TestClient.connected(port), other: await TestClient.connected(port) };
}

/** After it, the client has all events of what was written before. */
async function settled(zk: TestClient): Promise<readonly string[]> {
  await zk.ask('sync', { path: '/' });
  const { events } = zk;
  zk.heard.length = 0;
  return events;
}

describe('a watch that was set by a read', () => {
  test('fires once: data, existence, children', async () => {
    const { zk, other } = await two();
    await zk.create('/a');
    await zk.text('/a', true);
    await zk.exists('/b', true);
    await zk.children('/a', true);
    await other.set('/a', '1');
    await other.set('/a', '2');
    await other.create('/b');
    await other.delete('/b');
    await other.create('/a/x');
    await other.create('/a/y');
    expect(await settled(zk)).toEqual(['dataChanged /a', 'created /b', 'childrenChanged /a']);
    expect(await settled(zk)).toEqual([]);
  });

  test('of data and children tells of the end of its znode, once', async () => {
    const { zk, other } = await two();
    await zk.create('/a');
    await zk.text('/a', true);
    await zk.children('/a', true);
    await other.delete('/a');
    expect(await settled(zk)).toEqual(['deleted /a']);
  });

  test('is not set by a read that failed, except by exists', async () => {
    const { zk, other } = await two();
    expect(await zk.errorOf('getData', { path: '/a', watch: true })).toBe('noNode');
    expect(await zk.errorOf('getChildren', { path: '/a', watch: true })).toBe('noNode');
    await other.create('/a');
    expect(await settled(zk)).toEqual([]);
  });

  test('hears of the end of another session by its ephemeral znodes', async () => {
    const { zk, other } = await two();
    await other.create('/e', '', modes.ephemeral);
    await zk.exists('/e', true);
    await other.close();
    expect(await settled(zk)).toEqual(['deleted /e']);
  });
});

describe('a watch that stays', () => {
  test('persistent: of a znode and its children', async () => {
    const { zk, other } = await two();
    await zk.get('addWatch', { path: '/a', mode: 0 });
    await other.create('/a');
    await other.set('/a', '1');
    await other.create('/a/x');
    await other.set('/a/x', '1');
    await other.delete('/a/x');
    await other.delete('/a');
    expect(await settled(zk)).toEqual(['created /a', 'dataChanged /a', 'childrenChanged /a', 'childrenChanged /a', 'deleted /a']);
  });

  test('recursive: of a znode and all below, without lists of children', async () => {
    const { zk, other } = await two();
    await zk.get('addWatch', { path: '/a', mode: 1 });
    await other.create('/a');
    await other.create('/a/x');
    await other.create('/a/x/y');
    await other.set('/a/x/y', '1');
    await other.delete('/a/x/y');
    await other.create('/ab');
    expect(await settled(zk)).toEqual(['created /a', 'created /a/x', 'created /a/x/y', 'dataChanged /a/x/y', 'deleted /a/x/y']);
    expect(await zk.errorOf('addWatch', { path: '/a', mode: 2 })).toBe('badArguments');
  });

  test('is found and removed by its kind', async () => {
    const { zk, other } = await two();
    await zk.create('/a');
    await zk.get('addWatch', { path: '/a', mode: 0 });
    await zk.text('/a', true);
    const types = { children: 1, data: 2, any: 3, persistent: 4, recursive: 5 };
    for (const [type, expected] of [[types.data, 'ok'], [types.persistent, 'ok'], [types.children, 'noWatcher'], [types.recursive, 'noWatcher'], [types.any, 'ok']] as const) {
      expect(await zk.errorOf('checkWatches', { path: '/a', type })).toBe(expected);
    }
    expect(await zk.errorOf('removeWatches', { path: '/a', type: types.persistent })).toBe('ok');
    expect(await zk.errorOf('removeWatches', { path: '/a', type: types.persistent })).toBe('noWatcher');
    expect(await zk.errorOf('removeWatches', { path: '/a', type: 9 })).toBe('badArguments');
    await other.set('/a', '1');
    await other.set('/a', '2');
    expect(await settled(zk)).toEqual(['dataChanged /a']);
  });
});

describe('a client that has connected again', () => {
  test('hears at once of what it has missed, and watches the rest as before', async () => {
    const { port, zk, other } = await two();
    for (const path of ['/same', '/set', '/gone', '/list', '/full', '/still']) await zk.create(path);
    const { zxid } = await zk.ask('exists', { path: '/', watch: false });
    zk.socket.destroy();
    await other.set('/set', '1');
    await other.delete('/gone');
    await other.create('/list/x');
    await other.create('/new');
    const again = await zk.again(port, { lastZxidSeen: zxid });
    await again.get('setWatches2', {
      relativeZxid: zxid,
      ...{ dataWatches: ['/same', '/set', '/gone'], existWatches: ['/new', '/later'], childWatches: ['/list', '/still', '/gone'] },
      ...{ persistentWatches: ['/full'], persistentRecursiveWatches: ['/same'] },
    });
    expect(again.heard.at(-1)?.what).toBe('= setWatches2');
    expect(again.events).toEqual(['dataChanged /set', 'deleted /gone', 'created /new', 'childrenChanged /list', 'deleted /gone']);
    again.heard.length = 0;
    await other.set('/same', '1');
    await other.create('/later');
    await other.create('/still/x');
    await other.create('/full/x');
    await other.create('/same/below');
    expect(await settled(again)).toEqual(['dataChanged /same', 'created /later', 'childrenChanged /still', 'childrenChanged /full', 'created /same/below']);
    // A watch of the older connection fires no more.
    expect(zk.events).toEqual([]);
  });

  test('may have more watches than are set in one turn, and others are answered meanwhile', async () => {
    const { zk, other } = await two();
    const existWatches = Array.from({ length: 20_000 }, (_, at) => `/none/${at}`);
    const set = zk.ask('setWatches', { relativeZxid: 0, dataWatches: [], existWatches, childWatches: [] });
    const state = { isSet: false };
    void set.then(() => (state.isSet = true));
    let pings = 0;
    for (; !state.isSet; pings++) await other.ask('ping', {});
    expect(pings).toBeGreaterThan(3);
    expect((await set).error).toBe('ok');
    await other.create('/none');
    await other.create('/none/19999');
    expect(await settled(zk)).toEqual(['created /none/19999']);
  });
});

test('an event that waits for a long list comes behind it', async () => {
  const { zk, other } = await two();
  await zk.create('/long');
  for (let part = 0; part < 24; part++) {
    const operations = Array.from({ length: 500 }, (_, at) => ({ op: 'create', path: `/long/n${part * 500 + at}`, data: null, acl: openAcl, flags: 0 }) as const);
    await zk.get('multi', { operations });
  }
  zk.heard.length = 0;
  const list = zk.get('getChildren', { path: '/long', watch: true });
  const change = other.create('/long/new');
  const [{ children }] = await Promise.all([list, change]);
  await zk.event();
  const heard = zk.heard.map(({ what }) => what);
  expect(heard.indexOf('childrenChanged /long')).toBeGreaterThan(heard.indexOf('= getChildren'));
  // Either the list has the new child, or the event tells of it.
  expect(children.length).toBe(12_000);
});
