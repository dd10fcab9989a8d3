/** Requests about znodes over the wire: what each answers, the order of answers, and the events between them. */

import { describe, expect, test } from 'vitest';
import { modes, openAcl, TestClient, zookeeperServer } from './zookeeper.case.ts';

const bytes = (text: string) => Buffer.from(text);

async function client() {
  const { port } = await zookeeperServer();
  return TestClient.connected(port);
}

describe('znodes', () => {
  test('are created, read, set and deleted, with stats', async () => {
    const zk = await client();
    expect(await zk.create('/app', 'one')).toBe('/app');
    const { data, stat } = await zk.get('getData', { path: '/app', watch: false });
    expect(Buffer.from(data ?? []).toString()).toBe('one');
    expect(stat).toMatchObject({ version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n, dataLength: 3, numChildren: 0 });
    expect([stat.mzxid, stat.pzxid]).toEqual([stat.czxid, stat.czxid]);
    const set = await zk.ask('setData', { path: '/app', data: bytes('three'), version: 0 });
    expect(set.body?.stat).toMatchObject({ czxid: stat.czxid, mzxid: set.zxid, version: 1, dataLength: 5 });
    const made = await zk.ask('create2', { path: '/app/a', data: null, acl: openAcl, flags: modes.persistent });
    expect(made.body).toMatchObject({ path: '/app/a', stat: { czxid: made.zxid, dataLength: 0 } });
    expect((await zk.get('getData', { path: '/app/a', watch: false })).data).toBeNull();
    expect(await zk.get('getChildren2', { path: '/app', watch: false })).toMatchObject({ children: ['a'], stat: { numChildren: 1, cversion: 1, pzxid: made.zxid } });
    await zk.delete('/app/a');
    expect(await zk.exists('/app/a')).toBe(false);
    expect(await zk.children('/')).toEqual(['app', 'zookeeper']);
  });

  test('of each mode: ephemeral, sequential, container, with a TTL', async () => {
    const zk = await client();
    await zk.create('/e', '', modes.ephemeral);
    const { sessionId } = zk.session;
    expect((await zk.get('exists', { path: '/e', watch: false })).stat.ephemeralOwner).toBe(sessionId);
    await zk.create('/q');
    expect([await zk.create('/q/n-', '', modes.persistentSequential), await zk.create('/q/e-', '', modes.ephemeralSequential)]).toEqual(['/q/n-0000000000', '/q/e-0000000001']);
    expect(await zk.get('createContainer', { path: '/c', data: null, acl: openAcl, flags: modes.container })).toMatchObject({ path: '/c', stat: { ephemeralOwner: 0n } });
    expect((await zk.get('createTTL', { path: '/t', data: null, acl: openAcl, flags: modes.persistentWithTtl, ttl: 60_000 })).path).toBe('/t');
    expect([...(await zk.get('getEphemerals', { prefixPath: '/' })).ephemerals].sort()).toEqual(['/e', '/q/e-0000000001']);
    expect((await zk.get('getEphemerals', { prefixPath: '/q' })).ephemerals).toEqual(['/q/e-0000000001']);
    expect((await zk.get('getAllChildrenNumber', { path: '/q' })).totalNumber).toBe(2);
    // With those that ZooKeeper has.
    expect((await zk.get('getAllChildrenNumber', { path: '/' })).totalNumber).toBe(9);
  });

  test('answer with the errors of ZooKeeper', async () => {
    const zk = await client();
    await zk.create('/a', 'x');
    await zk.create('/a/b');
    await zk.create('/e', '', modes.ephemeral);
    const create = (path: string, flags: number = modes.persistent) => ({ path, data: null, acl: openAcl, flags });
    expect(await zk.errorOf('create', create('/a'))).toBe('nodeExists');
    expect(await zk.errorOf('create', create('/x/y'))).toBe('noNode');
    expect(await zk.errorOf('create', create('/e/y'))).toBe('noChildrenForEphemerals');
    expect(await zk.errorOf('create', create('/a/..'))).toBe('badArguments');
    expect(await zk.errorOf('create', create('/f', 9))).toBe('badArguments');
    expect(await zk.errorOf('createTTL', { ...create('/t', modes.persistentWithTtl), ttl: -1 })).toBe('badArguments');
    expect(await zk.errorOf('create', { ...create('/a/c'), acl: [] })).toBe('invalidAcl');
    expect(await zk.errorOf('delete', { path: '/a', version: -1 })).toBe('notEmpty');
    expect(await zk.errorOf('delete', { path: '/a/b', version: 3 })).toBe('badVersion');
    expect(await zk.errorOf('setData', { path: '/a', data: null, version: 1 })).toBe('badVersion');
    expect(await zk.errorOf('exists', { path: '/none', watch: false })).toBe('noNode');
    expect(await zk.errorOf('exists', { path: '/no\0ne', watch: false })).toBe('badArguments');
    expect(await zk.errorOf('getData', { path: '/none', watch: false })).toBe('noNode');
    expect(await zk.errorOf('getChildren', { path: '/none', watch: false })).toBe('noNode');
    expect(await zk.errorOf('check', { path: '/a', version: 4 })).toBe('badVersion');
    expect(await zk.errorOf('check', { path: '/a', version: 0 })).toBe('ok');
    expect(await zk.errorOf('reconfig', { joiningServers: 'a', leavingServers: '', newMembers: '', curConfigId: -1 })).toBe('reconfigDisabled');
  });

  test('of a multi change together or not at all', async () => {
    const zk = await client();
    const create = (path: string) => ({ op: 'create', path, data: null, acl: openAcl, flags: 0 }) as const;
    const done = await zk.ask('multi', { operations: [create('/m'), { ...create('/m/a'), op: 'create2' }, { op: 'setData', path: '/m', data: bytes('x'), version: -1 }, { op: 'check', path: '/m', version: 1 }, { op: 'delete', path: '/m/a', version: 0 }] });
    expect(done.body?.results).toMatchObject([{ op: 'create', path: '/m' }, { op: 'create2', path: '/m/a', stat: { czxid: done.zxid } }, { op: 'setData', stat: { version: 1, mzxid: done.zxid } }, { op: 'check' }, { op: 'delete' }]);
    const failed = await zk.ask('multi', { operations: [create('/m/b'), create('/none/c'), create('/m'), create('/m/d')] });
    // The header has no error; those behind the first one were not tried (`FinalRequestProcessor`).
    expect(failed).toMatchObject({ error: 'ok', body: { results: [{ op: 'error', err: 0 }, { op: 'error', err: -101 }, { op: 'error', err: -2 }, { op: 'error', err: -2 }] } });
    expect(await zk.children('/m')).toEqual([]);
    const read = await zk.get('multiRead', { operations: [{ op: 'getData', path: '/m', watch: false }, { op: 'getChildren', path: '/', watch: false }, { op: 'getData', path: '/none', watch: false }] });
    expect(read.results).toMatchObject([{ op: 'getData', data: bytes('x') }, { op: 'getChildren', children: expect.arrayContaining(['m']) as unknown }, { op: 'error', err: -101 }]);
    const many = Array.from({ length: 501 }, () => ({ op: 'check', path: '/m', version: -1 }) as const);
    expect(await zk.errorOf('multi', { operations: many })).toBe('badArguments');
  });
});

describe('the order', () => {
  test('of answers is that of the requests, and a read sees the writes before it', async () => {
    const zk = await client();
    const asked = [
      zk.create('/o'),
      zk.create('/o/a', 'first'),
      zk.set('/o/a', 'second'),
      zk.text('/o/a'),
      zk.delete('/o/a'),
      zk.create('/o/a', 'third'),
      zk.ask('ping', {}),
      zk.text('/o/a'),
      zk.children('/o'),
    ];
    expect(await Promise.all(asked)).toMatchObject(['/o', '/o/a', undefined, 'second', undefined, '/o/a', { error: 'ok' }, 'third', ['a']]);
    expect(zk.heard.map(({ what }) => what)).toEqual(['create', 'create', 'setData', 'getData', 'delete', 'create', 'ping', 'getData', 'getChildren'].map((op) => `= ${op}`));
    const zxids = zk.heard.map(({ zxid }) => zxid);
    expect(zxids).toEqual([...zxids].sort((a, b) => a - b));
  });

  test('holds for more requests than are read at once', async () => {
    const zk = await client();
    await zk.create('/n', '0');
    const asked: Promise<unknown>[] = [];
    for (let at = 1; at <= 3_000; at++) asked.push(at % 3 === 0 ? zk.set('/n', `${at}`) : zk.text('/n'));
    const answers = await Promise.all(asked);
    for (let at = 1; at <= 3_000; at++) if (at % 3 !== 0) expect(answers[at - 1]).toBe(`${at - (at % 3)}`);
  });

  test('of events: each comes before the answer that shows its change', async () => {
    const zk = await client();
    await zk.create('/w');
    await zk.exists('/w/x', true);
    await zk.children('/w', true);
    zk.heard.length = 0;
    await zk.create('/w/x');
    expect(zk.heard.map(({ what }) => what)).toEqual(expect.arrayContaining(['created /w/x', 'childrenChanged /w']));
    expect(zk.heard.at(-1)).toEqual({ zxid: zk.heard[0]?.zxid, what: '= create' });
    expect(zk.heard).toHaveLength(3);
  });

  test('of an unknown request is an error, and the connection goes on', async () => {
    const zk = await client();
    expect(await zk.errorOfType(55)).toBe('unimplemented');
    await expect(zk.create('/still')).resolves.toBe('/still');
  });
});
