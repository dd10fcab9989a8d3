/** Clients that leave a stream for another server: they live, so no reader sees their instances critical. */

import { streamLeftCode } from '@rollcall/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../../manual-clock.case.ts';
import { findCheck } from '../../registry/kind/catalog/find.ts';
import { createServer, type Server } from '../../server.ts';
import { SocketClient, newSession } from './socket-client.case.ts';

const graceMs = 10_000;
const hello = { node: 'host', graceMs };
const web = { type: 'register', instances: [{ id: 'web-1', service: 'web', address: '10.0.0.1', port: 80 }] };

let clock: ManualClock;
let one: Server;
let other: Server;
let clients: SocketClient[] = [];
beforeEach(async () => {
  clock = manualClock();
  const engine = { ...memory(), exclusive: false };
  one = await createServer({ engine: { ...engine, close: async () => {} }, nodeName: 'one', clock });
  other = await createServer({ engine, nodeName: 'other', clock });
});
afterEach(async () => {
  for (const { webSocket } of clients.splice(0)) webSocket.terminate();
  await Promise.all([one.close(), other.close()]);
});

async function greeted(server: Server, session: object): Promise<SocketClient> {
  const client = await SocketClient.greeted(server.url, { ...hello, session });
  clients.push(client);
  return client;
}

const status = (server: Server) => findCheck(server.registry.state, 'default', 'host', 'stream:web-1')?.status ?? 'gone';

/** @returns what the nodes showed of the instance meanwhile, each status once */
async function pass(ms: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let gone = 0; gone < ms; gone += 100) {
    clock.advance(100);
    for (let turn = 0; turn < 6; turn++) {
      await new Promise((next) => setImmediate(next));
      seen.add(status(one)).add(status(other));
    }
  }
  return seen;
}

test('an instance passes on all nodes while its client goes from a stalled node to another', async () => {
  const session = newSession();
  const first = await greeted(one, session);
  expect(await first.ask(web)).toMatchObject({ type: 'done' });
  await pass(500);
  // The stalled node goes on and reads its sockets before its client has reached another node.
  first.webSocket.close(streamLeftCode);
  await first.ended;
  expect(await pass(3_000)).toEqual(new Set(['passing']));
  await greeted(other, session);
  expect(await pass(2 * graceMs)).toEqual(new Set(['passing']));
});

test('an instance whose client left and never came back is removed after the grace', async () => {
  const first = await greeted(one, newSession());
  expect(await first.ask(web)).toMatchObject({ type: 'done' });
  await pass(500);
  first.webSocket.close(streamLeftCode);
  await first.ended;
  expect(await pass(graceMs - 1_000)).toEqual(new Set(['passing']));
  await pass(4_000);
  expect([status(one), status(other)]).toEqual(['gone', 'gone']);
});
