/** Sessions over the wire: how they begin, go on at another connection or node, and end. */

import { describe, expect, test } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { encodeConnectRequest } from '../../jute/handshake.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import { turnsUntil } from '../../turns-until.case.ts';
import { idOf, numberFrom, numberOf, shownNumber } from './session-id.ts';
import { modes, portOf, TestClient, zookeeperServer } from './zookeeper.case.ts';

describe('a session', () => {
  test.each([
    [1, 4_000],
    [10_000, 10_000],
    [3_600_000, 40_000],
  ])('that asks for %d ms gets %d', async (timeOut, granted) => {
    const { port } = await zookeeperServer();
    const zk = await TestClient.connected(port, { timeOut });
    expect(zk.session).toMatchObject({ protocolVersion: 0, timeOut: granted, readOnly: false });
    expect(zk.session.sessionId).toBeGreaterThan(0n);
    expect(zk.session.passwd).toHaveLength(16);
  });

  test('of a client before 3.4 is answered without the flag that it does not know', async () => {
    const { port } = await zookeeperServer();
    expect((await TestClient.connected(port, { readOnly: undefined })).session.readOnly).toBeUndefined();
  });

  test('goes on at another connection, which keeps its ephemeral znodes; the older connection ends', async () => {
    const { port } = await zookeeperServer();
    const first = await TestClient.connected(port);
    await first.create('/e', '', modes.ephemeral);
    const second = await first.again(port);
    await first.ended();
    expect(second.session).toMatchObject({ sessionId: first.session.sessionId, timeOut: 10_000 });
    expect(await second.exists('/e')).toBe(true);
    await second.close();
    expect(await (await TestClient.connected(port)).exists('/e')).toBe(false);
  });

  test('with a wrong password, or that never existed, is told that it has expired', async () => {
    const { port, server } = await zookeeperServer();
    const zk = await TestClient.connected(port);
    for (const wrong of [{ passwd: new Uint8Array(16).fill(7) }, { passwd: new Uint8Array(0) }, { passwd: null }, { sessionId: 12_345n }]) {
      const told = await zk.again(port, wrong);
      expect(told.session).toMatchObject({ timeOut: 0, sessionId: 0n, passwd: Buffer.alloc(16) });
      await told.ended();
    }
    expect(await zk.exists('/')).toBe(true);
    const row = findSession(server.registry.state, 'default', idOf(zk.session.sessionId));
    expect(row).toMatchObject({ liveness: 'ttl', exact: true, ttlMs: 10_000, node: '' });
    // The password itself is not kept.
    expect(JSON.stringify(row)).not.toContain(Buffer.from(zk.session.passwd ?? []).toString('base64'));
  });

  test('whose client has seen a newer tree than there is gets no answer', async () => {
    const { port } = await zookeeperServer();
    await expect(TestClient.connected(port, { lastZxidSeen: 2 ** 40 })).rejects.toThrow('ended the connection');
  });

  test('ends with closeSession: its ephemeral znodes go, then it is answered, then the connection ends', async () => {
    const { port, server } = await zookeeperServer();
    const [zk, other] = [await TestClient.connected(port), await TestClient.connected(port)];
    await zk.create('/e', '', modes.ephemeral);
    await other.exists('/e', true);
    await zk.children('/', true);
    const last = zk.ask('closeSession', {});
    const behind = zk.ask('exists', { path: '/', watch: false });
    behind.catch(() => {});
    await expect(last).resolves.toMatchObject({ error: 'ok' });
    expect(zk.heard.map(({ what }) => what).slice(-2)).toEqual(['childrenChanged /', '= closeSession']);
    await zk.ended();
    await expect(behind).rejects.toThrow();
    expect(await other.event()).toEqual(['deleted /e']);
    expect(findSession(server.registry.state, 'default', idOf(zk.session.sessionId))).toBeUndefined();
  });

  test('without a sign of life expires after its time-out, and any packet is one', async () => {
    const clock = manualClock();
    const { port, server } = await zookeeperServer({ clock });
    const [silent, lively] = [await TestClient.connected(port, { timeOut: 4_000 }), await TestClient.connected(port, { timeOut: 4_000 })];
    await silent.create('/silent', '', modes.ephemeral);
    await lively.create('/lively', '', modes.ephemeral);
    await lively.exists('/silent', true);
    for (let second = 0; second < 8; second++) {
      for (let step = 0; step < 10; step++) {
        clock.advance(100);
        await new Promise((turn) => setImmediate(turn));
      }
      await lively.ask('ping', {});
    }
    await turnsUntil(() => silent.isClosed);
    expect(lively.events).toEqual(['deleted /silent']);
    expect(await lively.exists('/lively')).toBe(true);
    expect((await silent.again(port)).session.sessionId).toBe(0n);
    expect(findSession(server.registry.state, 'default', idOf(lively.session.sessionId))).toBeDefined();
  });

  test('outlives a restart of its server', async () => {
    const engine = memory();
    const { server, port } = await zookeeperServer({ engine: { ...engine, close: async () => {} } });
    const zk = await TestClient.connected(port);
    await zk.create('/e', '', modes.ephemeral);
    const { zxid } = await zk.ask('exists', { path: '/e', watch: true });
    await server.close();
    await zk.ended();
    const again = await zookeeperServer({ engine });
    const resumed = await zk.again(again.port, { lastZxidSeen: zxid });
    expect(resumed.session.sessionId).toBe(zk.session.sessionId);
    expect((await resumed.get('exists', { path: '/e', watch: false })).stat.ephemeralOwner).toBe(zk.session.sessionId);
  });
});

describe('on a store with two nodes', () => {
  async function twoNodes() {
    const engine = { ...memory(), exclusive: false };
    const one = await zookeeperServer({ engine: { ...engine, close: async () => {} }, nodeName: 'one' });
    const two = await zookeeperServer({ engine, nodeName: 'two' });
    return { one: portOf(one.server), two: portOf(two.server) };
  }

  test('a session moves with its ephemeral znodes; its older connection ends', async () => {
    const { one, two } = await twoNodes();
    const first = await TestClient.connected(one);
    await first.create('/e', 'x', modes.ephemeral);
    const { zxid } = await first.ask('exists', { path: '/e', watch: false });
    const second = await first.again(two, { lastZxidSeen: zxid });
    await first.ended();
    expect(await second.text('/e')).toBe('x');
    expect((await second.get('exists', { path: '/e', watch: false })).stat.ephemeralOwner).toBe(first.session.sessionId);
    await second.create('/e2', '', modes.ephemeral);
    const back = await second.again(one);
    await second.ended();
    expect([await back.exists('/e'), await back.exists('/e2')]).toEqual([true, true]);
  });

  test('a write at one node is seen at the other after sync, and its watchers there hear of it', async () => {
    const { one, two } = await twoNodes();
    const [ann, bob] = [await TestClient.connected(one), await TestClient.connected(two)];
    await ann.create('/a', '1');
    await bob.ask('sync', { path: '/a' });
    expect(await bob.text('/a', true)).toBe('1');
    await ann.set('/a', '2');
    expect(await bob.event()).toEqual(['dataChanged /a']);
    expect(await bob.text('/a')).toBe('2');
  });
});

test('bytes that are no request for a session end the connection', async () => {
  const { port } = await zookeeperServer();
  const zk = await TestClient.connected(port);
  const request = encodeConnectRequest({ protocolVersion: 0, lastZxidSeen: 0, timeOut: 1, sessionId: 0n, passwd: null, readOnly: false });
  for (const bytes of [Buffer.from([0, 0, 0, 3, 1, 2, 3]), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0xff, 0xff, 0xff, 0xff]), request.subarray(0, 20)]) {
    const { connect } = await import('node:net');
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.resume();
    if (bytes.length === 20) socket.end(bytes);
    else socket.write(bytes);
    await new Promise((closed) => socket.once('close', closed));
  }
  expect(await zk.exists('/')).toBe(true);
});

test('the number of a session and the id of its row follow from each other', () => {
  const number = numberFrom('f47ac10b-58cc-4372-a567-0e02b2c3d479');
  expect(shownNumber(number)).toBe('0x17ac10b58cc4372');
  expect(idOf(number)).toBe('017ac10b-58cc-4372-0000-000000000000');
  expect(numberOf(idOf(number))).toBe(number);
  expect([numberOf(idOf(-1n)), numberOf('f47ac10b-58cc-4372-a567-0e02b2c3d479')]).toEqual([-1n, 0n]);
});
