/** Two nodes of one store behind one address, as a client sees them: heartbeats, lists and configurations on either. */

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock, pass, type ManualClock } from '../../manual-clock.case.ts';
import { Nacos, type Fields } from './nacos.case.ts';

let clock: ManualClock;
let one: Nacos;
let other: Nacos;

beforeEach(async () => {
  const engine = { ...memory(), exclusive: false };
  const shared = { ...engine, close: async () => {} };
  onTestFinished(() => engine.close());
  clock = manualClock();
  one = await Nacos.start({ engine: shared, clock, nodeName: 'one' });
  onTestFinished(() => one[Symbol.asyncDispose]());
  other = await Nacos.start({ engine: shared, clock, nodeName: 'other' });
  onTestFinished(() => other[Symbol.asyncDispose]());
});

const at = { serviceName: 'web', ip: '10.0.0.1', port: 80 };
const until = <T>(check: () => Promise<T>) => vi.waitFor(check, { interval: 10, timeout: 20_000 });

async function list(nacos: Nacos, query: Fields = { serviceName: 'web' }) {
  return (await nacos.get('/v1/ns/instance/list', query)).json<{ lastRefTime: number; hosts: readonly { ip: string; healthy: boolean }[] }>();
}

test('lists of both nodes have one time for one content, and a later one for a later content', async () => {
  await one.post('/v1/ns/instance', at);
  await until(async () => expect((await list(other)).hosts).toHaveLength(1));
  const [here, there] = [await list(one), await list(other)];
  expect(there).toEqual(here);
  await other.post('/v1/ns/instance', { ...at, ip: '10.0.0.2' });
  expect((await list(other)).lastRefTime).toBeGreaterThan(here.lastRefTime);
  await until(async () => expect(await list(one)).toEqual(await list(other)));
});

test('instances registered on one node live by heartbeats to the other, whichever watches them', async () => {
  const ips = Array.from({ length: 8 }, (_, n) => `10.0.0.${n}`);
  for (const ip of ips) await one.post('/v1/ns/instance', { ...at, ip });
  await until(async () => expect((await list(other)).hosts).toHaveLength(ips.length));
  const beat = () => Promise.all(ips.map((ip) => other.put('/v1/ns/instance/beat', { ...at, ip }).then((answer) => answer.json<{ code: number }>().code)));
  const healthy = async () => [...new Set((await list(one)).hosts.map((host) => host.healthy))];
  // Four times as long as it lives without one.
  for (let round = 0; round < 12; round++) {
    expect([...new Set(await beat())]).toEqual([10_200]);
    await pass(clock, 5_000);
    expect(await healthy()).toEqual([true]);
  }
  await pass(clock, 20_000);
  expect(await healthy()).toEqual([false]);
});

test('a client that waits on one node hears what is published on the other', async () => {
  const waiting = one.post('/v1/cs/configs/listener', { 'Listening-Configs': 'app\u0002G\u0002\u0001' }, { headers: { 'long-pulling-timeout': '30000' } });
  await until(async () => expect((await one.get('/v1/cs/configs/listener', { dataId: 'app', group: 'G' })).json<{ lisentersGroupkeyStatus: object }>().lisentersGroupkeyStatus).toEqual({ '127.0.0.1': '' }));
  await other.post('/v1/cs/configs', { dataId: 'app', group: 'G', content: 'x' });
  expect((await waiting).text).toBe('app%02G%01\n');
  expect((await one.get('/v1/cs/configs', { dataId: 'app', group: 'G' })).text).toBe('x');
});
