/** Two nodes of one store behind one address, as a client sees them: heartbeats, lists and configurations on either. */

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { Nacos, type Fields } from './nacos.case.ts';

let one: Nacos;
let other: Nacos;

beforeEach(async () => {
  const engine = { ...memory(), exclusive: false };
  const shared = { ...engine, close: async () => {} };
  onTestFinished(() => engine.close());
  one = await Nacos.start({ engine: shared, nodeName: 'one' });
  onTestFinished(() => one[Symbol.asyncDispose]());
  other = await Nacos.start({ engine: shared, nodeName: 'other' });
  onTestFinished(() => other[Symbol.asyncDispose]());
});

const at = { serviceName: 'web', ip: '10.0.0.1', port: 80 };
const until = <T>(check: () => Promise<T>) => vi.waitFor(check, { interval: 10, timeout: 8_000 });

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

test('an instance registered on one node lives by heartbeats to the other', async () => {
  const metadata = JSON.stringify({ 'preserved.heart.beat.interval': '100', 'preserved.heart.beat.timeout': '1000', 'preserved.ip.delete.timeout': '60000' });
  await one.post('/v1/ns/instance', { ...at, metadata });
  const beat = () => other.put('/v1/ns/instance/beat', at).then((answer) => answer.json<{ code: number }>().code);
  await until(async () => expect(await beat()).toBe(10_200));
  const ends = performance.now() + 2_500;
  const healthy = new Set<boolean | undefined>();
  while (performance.now() < ends) {
    expect(await beat()).toBe(10_200);
    healthy.add((await list(one)).hosts[0]?.healthy);
    await new Promise((next) => setTimeout(next, 100));
  }
  expect([...healthy]).toEqual([true]);
  await until(async () => expect((await list(one)).hosts).toMatchObject([{ healthy: false }]));
});

test('a client that waits on one node hears what is published on the other', async () => {
  const waiting = one.post('/v1/cs/configs/listener', { 'Listening-Configs': 'app\u0002G\u0002\u0001' }, { headers: { 'long-pulling-timeout': '30000' } });
  await until(async () => expect((await one.get('/v1/cs/configs/listener', { dataId: 'app', group: 'G' })).json<{ lisentersGroupkeyStatus: object }>().lisentersGroupkeyStatus).toEqual({ '127.0.0.1': '' }));
  await other.post('/v1/cs/configs', { dataId: 'app', group: 'G', content: 'x' });
  expect((await waiting).text).toBe('app%02G%01\n');
  expect((await one.get('/v1/cs/configs', { dataId: 'app', group: 'G' })).text).toBe('x');
});
