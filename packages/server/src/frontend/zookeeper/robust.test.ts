/** Clients that send garbage, do not read, or ask for more than there is room for. */

import { connect } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { opCodes, type OpName } from '../../jute/codes.ts';
import { encodeRequest } from '../../jute/requests.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { modes, openAcl, TestClient, zookeeperServer } from './zookeeper.case.ts';

test('random bodies of every request are answered or end the connection, and change nothing of others', async () => {
  const { port, server } = await zookeeperServer();
  const witness = await TestClient.connected(port);
  await witness.create('/kept', 'x', modes.ephemeral);
  const ops = (Object.keys(opCodes) as OpName[]).filter((op) => op !== 'closeSession');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ops), fc.uint8Array({ maxLength: 60 }), async (op, bytes) => {
      const client = await TestClient.connected(port);
      const packet = Buffer.concat([Buffer.alloc(12), bytes]);
      packet.writeInt32BE(packet.length - 4, 0);
      packet.writeInt32BE(1, 4);
      packet.writeInt32BE(opCodes[op], 8);
      client.socket.write(packet);
      // Whatever the body was, the next request is answered, or the connection has ended.
      client.socket.write(encodeRequest(-8, 'whoAmI', {}));
      await Promise.race([client.anyAnswer(), client.ended()]);
      client.socket.destroy();
    }),
    { numRuns: 120 },
  );
  expect(await witness.text('/kept')).toBe('x');
  expect(server.ports['zookeeper']).toBe(port);
});

test('a packet beyond the limit ends the connection, and its session stays', async () => {
  const { port } = await zookeeperServer();
  const zk = await TestClient.connected(port);
  await zk.create('/big', 'x'.repeat(1_000_000));
  expect((await zk.text('/big')).length).toBe(1_000_000);
  zk.socket.write(encodeRequest(9, 'setData', { path: '/big', data: Buffer.alloc(1_048_576), version: -1 }));
  await zk.ended();
  const again = await zk.again(port);
  expect(again.session.sessionId).toBe(zk.session.sessionId);
});

test('a client that lets events wait is cut, and hears by its watches what it has missed', async () => {
  const { port } = await zookeeperServer();
  const [slow, writer] = [await TestClient.connected(port), await TestClient.connected(port)];
  await writer.create('/f');
  const paths = Array.from({ length: 450 }, (_, at) => `/f/${'n'.repeat(1_600)}${at}`);
  await writer.get('multi', { operations: paths.map((path) => ({ op: 'create', path, data: null, acl: openAcl, flags: 0 }) as const) });
  await slow.get('addWatch', { path: '/f', mode: 1 });
  slow.socket.pause();
  let rounds = 0;
  const isCut = () => slow.socket.destroyed || slow.isClosed;
  // Some 740 KB of events each; the sockets of the system take a part of them.
  for (; rounds < 60 && !isCut(); rounds++) {
    await writer.get('multi', { operations: paths.map((path) => ({ op: 'setData', path, data: null, version: -1 }) as const) });
    if (rounds === 45) slow.socket.resume();
  }
  slow.socket.resume();
  await slow.ended();
  expect(rounds).toBeLessThan(60);
  expect(await writer.exists('/f')).toBe(true);
});

test.for([
  ['TLS', Buffer.from('16030100c8', 'hex'), 'begins with TLS, and this port is plain'],
  ['HTTP', Buffer.from('GET /metrics HTTP/1.1\r\n\r\n'), 'sends HTTP'],
] as const)('a client that speaks %s is cut, and the log says so', async ([, bytes, why]) => {
  const lines: string[] = [];
  const { port } = await zookeeperServer({ log: pino({ level: 'info' }, { write: (line) => lines.push(line) }) });
  const other = connect({ port, host: '127.0.0.1' }, () => other.write(bytes));
  other.on('error', () => {});
  other.resume();
  await new Promise((closed) => other.once('close', closed));
  expect(lines.filter((line) => line.includes('a ZooKeeper connection was cut'))).toEqual([expect.stringContaining(why)]);
});

test('a connection that asks for no session is cut after ten seconds', async () => {
  const clock = manualClock();
  const { port } = await zookeeperServer({ clock });
  const silent = connect({ port, host: '127.0.0.1' });
  const closed = new Promise<void>((resolve) => silent.once('close', () => resolve()));
  silent.on('error', () => {});
  silent.resume();
  // The server has accepted it before this one.
  const zk = await TestClient.connected(port);
  clock.advance(9_000);
  expect(await zk.exists('/')).toBe(true);
  expect(silent.closed).toBe(false);
  clock.advance(2_000);
  await closed;
  expect(await zk.exists('/')).toBe(true);
});
