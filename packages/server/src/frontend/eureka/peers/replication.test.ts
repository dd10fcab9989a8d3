/** Replication with one peer: what it is told, what is taken from it, and what a lost link does not do. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../../../manual-clock.case.ts';
import { createServer, type Server } from '../../../server.ts';
import { instanceFields } from '../wire/write-json.ts';
import { fakeEureka, springInstance, type FakeEureka } from './fake-eureka.case.ts';
import type { Action } from './messages.ts';

let peer: FakeEureka;
let server: Server;
let clock: ManualClock;

beforeEach(async () => {
  peer = await fakeEureka();
  clock = manualClock();
});
afterEach(async () => {
  await server.close();
  await peer.stop().catch(() => {});
});

async function start(): Promise<void> {
  server = await createServer({ engine: memory(), clock, eureka: { peers: [peer.url] } });
  await until(() => peer.headers.length > 0);
}

/** Drives the clock in steps that liveness counts in full, and gives sockets their turns. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    clock.advance(Math.min(250, ms - passed));
    await turns();
  }
}

/** The last of them lasts a millisecond: time that a test drives must not outrun real sockets. */
async function turns(count = 8): Promise<void> {
  for (let turn = 1; turn < count; turn++) await new Promise<void>((next) => void setImmediate(next));
  await new Promise<void>((next) => void setTimeout(next, 1));
}

/** Drives the clock until something is true. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let step = 0; step < 2_000; step++) {
    if (await condition()) return;
    clock.advance(50);
    await turns();
  }
  throw new Error(`did not happen: ${condition.toString()}`);
}

const received = (action: Action, id: string) => peer.messages.filter((message) => message.action === action && message.id === id);
const call = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, { method, headers: { 'content-type': 'application/json', accept: 'application/json', ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const register = (app: string, id: string, more: object = {}) => call('POST', `/eureka/apps/${app}`, { instance: instanceFields(springInstance(app, id, more)) });
const batch = async (...replicationList: object[]) => {
  const answer = await call('POST', '/eureka/peerreplication/batch/', { replicationList });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { responseList: { statusCode: number; responseEntity?: { lastDirtyTimestamp: string } }[] }).responseList;
};
const replicated = (action: Action, app: string, id: string, more: object = {}) => ({ appName: app, id, action, lastDirtyTimestamp: 1_000, status: 'UP', ...more });
const registers = (app: string, id: string, more: object = {}) => replicated('Register', app, id, { instanceInfo: instanceFields(springInstance(app, id, more)) });
const shown = async (app: string, id: string) => {
  const answer = await call('GET', `/eureka/apps/${app}/${encodeURIComponent(id)}`);
  return answer.status === 200 ? ((await answer.json()) as { instance: { status: string; overriddenStatus: string } }).instance : undefined;
};

describe('a peer is told', () => {
  it('of registrations, heartbeats and removals of Eureka clients', async () => {
    await start();
    expect((await register('WEB', 'w1')).status).toBe(204);
    await until(() => received('Register', 'w1').length > 0);
    expect(received('Register', 'w1')[0]).toMatchObject({ app: 'WEB', status: 'UP', lastDirtyTimestamp: 1_000, info: { metadata: { zone: 'z1' }, leaseInfo: { durationInSecs: 30 } } });
    expect((await call('PUT', '/eureka/apps/WEB/w1?status=UP&lastDirtyTimestamp=1000')).status).toBe(200);
    await until(() => received('Heartbeat', 'w1').length > 0);
    expect((await call('DELETE', '/eureka/apps/WEB/w1')).status).toBe(200);
    await until(() => received('Cancel', 'w1').length > 0);
    expect(peer.instances.size).toBe(0);
    expect(peer.headers.at(-1)).toMatchObject({ 'x-netflix-discovery-replication': 'true' });
  });

  it('of services of other protocols, their changes of status and their end', async () => {
    await start();
    const check = { CheckID: 'up', TTL: '60s', Status: 'passing' };
    await call('PUT', '/v1/agent/service/register', { ID: 'db-1', Name: 'db', Address: '10.0.0.7', Port: 5432, Check: check });
    const id = () => peer.messages.find(({ app }) => app === 'DB')?.id ?? '';
    await until(() => received('Register', id()).length > 0);
    expect(received('Register', id())[0]?.info).toMatchObject({ ipAddr: '10.0.0.7', port: { port: 5432, enabled: true }, status: 'UP', vipAddress: 'db' });
    await call('PUT', '/v1/agent/check/fail/up');
    await until(() => received('Register', id()).at(-1)?.status === 'DOWN');
    await until(() => received('Heartbeat', id()).length > 0);
    await call('PUT', '/v1/agent/service/deregister/db-1');
    await until(() => received('Cancel', id()).length > 0);
  });

  it('of an override, and of its end', async () => {
    await start();
    await register('WEB', 'w1');
    await call('PUT', '/eureka/apps/WEB/w1/status?value=OUT_OF_SERVICE');
    await until(() => received('StatusUpdate', 'w1').length > 0 || received('Register', 'w1').some(({ info }) => info?.overriddenStatus === 'OUT_OF_SERVICE'));
    await until(() => peer.instances.get('WEB/w1')?.overriddenStatus === 'OUT_OF_SERVICE');
    await call('DELETE', '/eureka/apps/WEB/w1/status?value=UP');
    await until(() => received('DeleteStatusOverride', 'w1').length > 0);
    expect(peer.instances.get('WEB/w1')).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
  });

  it('all of an instance that it does not know', async () => {
    await start();
    await register('WEB', 'w1');
    await until(() => received('Register', 'w1').length === 1);
    peer.instances.clear();
    await call('PUT', '/eureka/apps/WEB/w1');
    await until(() => received('Register', 'w1').length === 2);
  });

  it('nothing of a lapsed lease: an eviction is no word of the client', async () => {
    await start();
    await register('WEB', 'w1');
    await until(() => received('Register', 'w1').length > 0);
    await pass(32_000);
    expect(await shown('WEB', 'w1')).toBeUndefined();
    const before = peer.messages.length;
    await pass(120_000);
    expect(peer.messages.slice(before)).toEqual([]);
  });

  it('all changes of many instances in few batches', async () => {
    await start();
    await Promise.all(Array.from({ length: 600 }, (_, n) => register('WEB', `w${n}`)));
    const before = peer.headers.length;
    await until(() => peer.instances.size === 600);
    expect(peer.headers.length - before).toBeLessThan(12);
  });
});

describe('a batch of a peer', () => {
  it('registers, renews and removes, and none of it is sent back', async () => {
    await start();
    const answers = await batch(registers('ORDERS', 'o1'), registers('ORDERS', 'o2'), replicated('Heartbeat', 'ORDERS', 'o1'), replicated('StatusUpdate', 'ORDERS', 'o1', { status: 'OUT_OF_SERVICE' }), replicated('Cancel', 'ORDERS', 'o2'));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200]);
    expect(await shown('ORDERS', 'o1')).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
    expect(await shown('ORDERS', 'o2')).toBeUndefined();
    expect((await batch(replicated('DeleteStatusOverride', 'ORDERS', 'o1')))[0]?.statusCode).toBe(200);
    expect(await shown('ORDERS', 'o1')).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
    await pass(20_000);
    expect(peer.messages).toEqual([]);
  });

  it('gets 404 for an unknown instance and for a newer one, 409 with the instance for an older one', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    const answers = await batch(
      replicated('Heartbeat', 'GHOST', 'g1'),
      replicated('Heartbeat', 'ORDERS', 'o1', { lastDirtyTimestamp: 2_000 }),
      replicated('Heartbeat', 'ORDERS', 'o1', { lastDirtyTimestamp: 1 }),
      replicated('Cancel', 'GHOST', 'g1'),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404, 409, 404]);
    expect(answers[2]?.responseEntity?.lastDirtyTimestamp).toBe('1000');
    // The same of single requests.
    const heartbeat = await call('PUT', '/eureka/apps/ORDERS/o1?status=UP&lastDirtyTimestamp=1', undefined, { 'x-netflix-discovery-replication': 'true' });
    expect(heartbeat.status).toBe(409);
    expect((await call('PUT', '/eureka/apps/ORDERS/o1?status=UP&lastDirtyTimestamp=1')).status).toBe(200);
  });

  it('keeps the changes beside one that cannot be read', async () => {
    await start();
    const answers = await batch({ appName: 'A', id: 'a', action: 'Evict' }, registers('ORDERS', 'o1'));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 200]);
    expect((await call('POST', '/eureka/peerreplication/batch/', { no: 'list' })).status).toBe(400);
  });
});

it('an override that a peer sets on an instance of ours is not sent back, nor its end', async () => {
  await start();
  await register('WEB', 'w1');
  await until(() => received('Register', 'w1').length > 0);
  await batch(replicated('StatusUpdate', 'WEB', 'w1', { status: 'OUT_OF_SERVICE' }));
  expect(await shown('WEB', 'w1')).toMatchObject({ status: 'OUT_OF_SERVICE' });
  await pass(1_000);
  await batch(replicated('DeleteStatusOverride', 'WEB', 'w1'));
  expect(await shown('WEB', 'w1')).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
  await pass(1_000);
  expect(peer.messages.map(({ action }) => action)).toEqual(['Register']);
});

describe('an instance of a peer', () => {
  it('dies when its heartbeats stop', async () => {
    await start();
    peer.instances.set('ORDERS/o1', springInstance('ORDERS', 'o1', { leaseInfo: { durationInSecs: 30, registrationTimestamp: 1, lastRenewalTimestamp: 1 } }));
    await batch(registers('ORDERS', 'o1'));
    await pass(25_000);
    expect(await shown('ORDERS', 'o1')).toBeDefined();
    await pass(7_000);
    expect(await shown('ORDERS', 'o1')).toBeUndefined();
  });

  it('lives on while its peer has heard of it, although no heartbeats get here', async () => {
    await start();
    // By the peer's clock, which is that of this machine, it was renewed just now.
    const renewedMs = Date.now() + 30_000;
    peer.instances.set('ORDERS/o1', springInstance('ORDERS', 'o1', { leaseInfo: { durationInSecs: 30, registrationTimestamp: 1, lastRenewalTimestamp: renewedMs } }));
    await batch(registers('ORDERS', 'o1'));
    await pass(90_000);
    expect(await shown('ORDERS', 'o1')).toBeDefined();
  });

  it('lives on while the peer cannot be reached, and dies after it is back if it is dead', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    await peer.stop();
    await pass(300_000);
    expect(await shown('ORDERS', 'o1')).toBeDefined();
    await peer.start();
    await pass(120_000);
    expect(await shown('ORDERS', 'o1')).toBeUndefined();
  });

  it('lives on while the peer refuses to answer', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    peer.refusal = 503;
    await pass(120_000);
    expect(await shown('ORDERS', 'o1')).toBeDefined();
  });

  it('is ours as soon as its client comes here, and the peer’s when it goes back', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    expect((await call('PUT', '/eureka/apps/ORDERS/o1?status=UP&lastDirtyTimestamp=1000')).status).toBe(200);
    await until(() => received('Register', 'o1').length > 0);
    await call('PUT', '/eureka/apps/ORDERS/o1?status=UP&lastDirtyTimestamp=1000');
    await until(() => received('Heartbeat', 'o1').length > 0);
    await batch(replicated('Heartbeat', 'ORDERS', 'o1'));
    const before = peer.messages.length;
    await pass(20_000);
    expect(peer.messages.slice(before)).toEqual([]);
  });

  it('is removed at the peer when its client deregisters it here', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    await call('DELETE', '/eureka/apps/ORDERS/o1');
    await until(() => received('Cancel', 'o1').length > 0);
  });

  it('can be taken out of service here', async () => {
    await start();
    await batch(registers('ORDERS', 'o1'));
    await call('PUT', '/eureka/apps/ORDERS/o1/status?value=OUT_OF_SERVICE');
    await until(() => received('StatusUpdate', 'o1').at(-1)?.status === 'OUT_OF_SERVICE');
    await call('DELETE', '/eureka/apps/ORDERS/o1/status');
    await until(() => received('DeleteStatusOverride', 'o1').length > 0);
    expect(received('Register', 'o1')).toEqual([]);
  });
});

describe('a link that begins', () => {
  it('takes over what the peer has, and tells what it lacks', async () => {
    peer.instances.set('ORDERS/o1', springInstance('ORDERS', 'o1'));
    peer.instances.set('ORDERS/o2', springInstance('ORDERS', 'o2', { status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' }));
    await start();
    await until(async () => (await shown('ORDERS', 'o1')) !== undefined);
    expect(await shown('ORDERS', 'o2')).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
    await register('WEB', 'w1');
    await until(() => received('Register', 'w1').length > 0);
    expect(peer.messages.filter(({ app }) => app === 'ORDERS')).toEqual([]);
  });

  it('tells what has changed while the peer was away, and removes nothing of its own accord', async () => {
    await start();
    const long = { leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 900 } };
    await register('WEB', 'w1', long);
    await register('WEB', 'w2', long);
    await until(() => peer.instances.size === 2);
    await peer.stop();
    await register('WEB', 'w3', long);
    await call('DELETE', '/eureka/apps/WEB/w1');
    await call('PUT', '/eureka/apps/WEB/w2/status?value=OUT_OF_SERVICE');
    await pass(20_000);
    peer.instances.set('ORDERS/o1', springInstance('ORDERS', 'o1'));
    await peer.start();
    await until(() => peer.instances.has('WEB/w3') && !peer.instances.has('WEB/w1'));
    await until(() => peer.instances.get('WEB/w2')?.overriddenStatus === 'OUT_OF_SERVICE');
    expect(await shown('ORDERS', 'o1')).toBeDefined();
    expect(peer.instances.has('ORDERS/o1')).toBe(true);
  });

  it('adopts the newer registration of a conflict', async () => {
    await start();
    await register('WEB', 'w1');
    await until(() => received('Register', 'w1').length > 0);
    const newer = springInstance('WEB', 'w1', { lastDirtyTimestamp: 5_000, metadata: { zone: 'z2' } });
    peer.answer = ({ action }) => (action === 'Heartbeat' ? { status: 409, info: newer } : undefined);
    await call('PUT', '/eureka/apps/WEB/w1');
    await until(async () => ((await shown('WEB', 'w1')) as { metadata?: { zone: string } } | undefined)?.metadata?.zone === 'z2');
  });
});
