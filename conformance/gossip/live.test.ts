/**
 * A small group of real processes on this machine, ten times as fast as on a LAN: losses, a death, a goodbye, a partition, the
 * death of the only seed. The processes lose and block what they send themselves; `npm run conformance:gossip` has namespaces,
 * 50 processes, and the timing of a LAN. Needs the built packages.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fleet } from './fleet.mjs';

const timing = { probeIntervalMs: 200, probeTimeoutMs: 100, gossipIntervalMs: 40, reconnectIntervalMs: 1_000, syncIntervalMs: 5_000 };
const fleet = new Fleet({ options: { port: 0, timing } });
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const portsOf = (...of: string[]) => of.map((name) => fleet.members.get(name)?.address?.port ?? 0);
const seedsOf = (name: string) => ({ seeds: [`127.0.0.1:${portsOf(name)[0]}`] });

beforeAll(async () => {
  await fleet.start('a');
  await Promise.all(names.slice(1).map((name) => fleet.start(name, seedsOf('a'))));
});

afterAll(() => fleet.stop());

it('processes find each other by one seed, and agree with a fifth of their datagrams lost', async () => {
  await fleet.agreed(20_000);
  for (const name of names) fleet.tell(name, { do: 'network', loss: 0.2 });
  await fleet.agreed(20_000);
});

it('a partition heals, and no false death stays', async () => {
  const since = Date.now();
  for (const name of ['a', 'b', 'c']) fleet.tell(name, { do: 'network', blocked: portsOf('d', 'e', 'f') });
  for (const name of ['d', 'e', 'f']) fleet.tell(name, { do: 'network', blocked: portsOf('a', 'b', 'c') });
  await expect.poll(() => fleet.seen.some(({ at, by, name, state }) => at > since && by === 'a' && name === 'f' && state === 'dead')).toBe(true);
  for (const name of names) fleet.tell(name, { do: 'network' });
  await fleet.agreed(30_000);
});

it('a goodbye is known at once, a kill -9 soon, and the others stay together without their seed', async () => {
  const saidAt = Date.now();
  const leaving = fleet.members.get('f');
  if (leaving === undefined) throw new Error('f was not started');
  leaving.isLive = false;
  fleet.tell('f', { do: 'leave' });
  await fleet.known('f', 'left', saidAt, 20_000);
  await fleet.known('a', 'dead', fleet.kill('a'), 20_000);
  await fleet.agreed(10_000);
  await fleet.start('g', seedsOf('c'));
  // The name of the dead seed, at another port.
  await fleet.start('a', seedsOf('d'));
  await fleet.agreed(20_000);
});
