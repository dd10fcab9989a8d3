/** Several nodes of one store with one peer: each change is told once, by the node that watches the instance, and by another one after it. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { OneStore } from '../../../one-store.case.ts';
import type { Server } from '../../../server.ts';
import { instanceFields } from '../wire/write-json.ts';
import { fakeEureka, springInstance, type FakeEureka } from './fake-eureka.case.ts';
import { batchJson, type Action } from './messages.ts';

let all: OneStore;
let peer: FakeEureka;
let servers: Server[];

beforeEach(async () => {
  peer = await fakeEureka();
  all = await OneStore.with(['s1', 's2', 's3'], { eureka: { peers: [peer.url] } });
  ({ servers } = all);
});

afterEach(async () => {
  await all.close();
  await peer.stop();
});

const received = (action: Action) => peer.messages.filter((message) => message.action === action);
const send = (index: number, method: string, path: string, body?: string) =>
  fetch(`${servers[index]?.url}/eureka${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body }) });
// No lease may end while a busy machine makes 30 registrations; heartbeats are told after a third of it.
const short = { leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 15 } };
const registerAll = () =>
  Promise.all(Array.from({ length: 30 }, (_, n) => send(n % 3, 'POST', '/apps/WEB', JSON.stringify({ instance: instanceFields(springInstance('WEB', `w${n}`, short)) }))));

it('is told each change once, wherever it was made', async () => {
  await registerAll();
  await peer.until(() => peer.instances.size === 30);
  expect((await send(0, 'PUT', '/apps/WEB/w1/status?value=OUT_OF_SERVICE')).status).toBe(200);
  await peer.until(() => received('StatusUpdate').length > 0);
  expect((await send(1, 'DELETE', '/apps/WEB/w2')).status).toBe(200);
  await peer.until(() => received('Cancel').length > 0);
  // Heartbeats come after a third of the lease: by then every node would have told what it had to tell.
  await send(2, 'PUT', '/apps/WEB/w3');
  await peer.until(() => received('Heartbeat').length > 0);
  expect([new Set(received('Register').map(({ id }) => id)).size, received('StatusUpdate').length, received('Cancel').length]).toEqual([30, 1, 1]);
  // A node that compares its instances with the peer's while they are being told may tell some again; a second node would tell all of them.
  expect(received('Register').length).toBeLessThan(60);
});

it('gets nothing back of what it told, whichever node it told', async () => {
  const info = springInstance('ORDERS', 'o1', short);
  const about = { app: 'ORDERS', id: 'o1', lastDirtyTimestamp: 1_000 };
  await send(0, 'POST', '/peerreplication/batch/', batchJson([{ action: 'Register', ...about, info, status: 'UP' }]));
  await send(1, 'POST', '/peerreplication/batch/', batchJson([{ action: 'StatusUpdate', ...about, status: 'OUT_OF_SERVICE' }]));
  await send(2, 'POST', '/peerreplication/batch/', batchJson([{ action: 'DeleteStatusOverride', ...about, status: 'UP' }]));
  // A change of ours that is made later is told later.
  await send(0, 'POST', '/apps/WEB', JSON.stringify({ instance: instanceFields(springInstance('WEB', 'w1', short)) }));
  await peer.until(() => received('Heartbeat').length > 0);
  expect(new Set(peer.messages.map(({ app }) => app))).toEqual(new Set(['WEB']));
});

it('is told on by others when a node leaves', async () => {
  await registerAll();
  await peer.until(() => peer.instances.size === 30);
  const [gone] = servers.splice(0, 1);
  await gone?.close();
  peer.messages.length = 0;
  const beating = setInterval(() => {
    for (let n = 0; n < 30; n++) void send(n % 2, 'PUT', `/apps/WEB/w${n}`).catch(() => {});
  }, 500);
  try {
    const alive = () => new Set(received('Heartbeat').map(({ id }) => id)).size;
    await peer.until(() => alive() === 30);
  } finally {
    clearInterval(beating);
  }
  expect(received('Cancel')).toEqual([]);
});
