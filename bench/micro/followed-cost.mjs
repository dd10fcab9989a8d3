/**
 * The cost of heads and guards for a primary: the same commands through a replica with an exclusive engine, and through one
 * whose log others may follow (`engine/followed.ts`). The store is the embedded engine in a temporary directory. Both are
 * measured in turns, by processor time, so that other programs on the machine change little.
 *
 *   npm run build && node bench/micro/followed-cost.mjs
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../packages/server/dist/clock.js';
import { embedded } from '../../packages/server/dist/engine/embedded/embedded.js';
import { followed } from '../../packages/server/dist/engine/followed.js';
import { Replica } from '../../packages/server/dist/replica.js';
import { median } from '../statistics.mjs';

const rounds = 13;
const warmUp = 3;
const callers = 64;
const perRound = 4_096;

const instance = (id) => ({
  kind: 'register',
  namespace: 'default',
  node: { name: `node-${id % 1_000}`, address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id: `i-${id}`, service: `web-${id % 50}`, port: 80, tags: ['v1'] }],
});

const work = {
  'register an instance': (id) => instance(id),
  'register it again, changed': (id) => ({ ...instance(id), instances: [{ id: `i-${id}`, service: `web-${id % 50}`, port: 81, tags: ['v1'] }] }),
  'register it again, unchanged': (id) => ({ ...instance(id), instances: [{ id: `i-${id}`, service: `web-${id % 50}`, port: 81, tags: ['v1'] }] }),
  'put a key': (id) => ({ kind: 'kv-put', namespace: 'default', key: `k/${id}`, value: Buffer.from('value'), flags: '0' }),
  'remove an instance': (id) => ({ kind: 'deregister-instance', namespace: 'default', node: `node-${id % 1_000}`, id: `i-${id}` }),
};

async function open(dir, isFollowed) {
  const own = await embedded({ dir });
  const engine = isFollowed ? followed(own, { clock: systemClock }) : own;
  const replica = new Replica({ engine, clock: systemClock, onFatal: (error) => { throw error; } });
  await replica.start();
  return { replica, close: async () => { await replica.close(); await engine.close(); } };
}

/** Microseconds of processor time for one command. */
async function cost({ replica }, make, from) {
  let next = from;
  const before = process.cpuUsage();
  const caller = async () => {
    while (next < from + perRound) await replica.submit(make(next++));
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / perRound;
}

const dirs = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'rollcall-followed-'))));
const [own, shared] = [await open(dirs[0], false), await open(dirs[1], true)];
const costs = new Map(Object.keys(work).map((what) => [what, []]));
for (let round = 0; round < rounds; round++) {
  for (const [what, make] of Object.entries(work)) {
    const pair = [];
    // Which of them is first changes from round to round.
    for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) pair[at] = await cost(at === 0 ? own : shared, make, round * perRound);
    if (round >= warmUp) costs.get(what).push(pair);
  }
}
console.table(Object.fromEntries([...costs].map(([what, pairs]) => [what, {
  'own, µs': median(pairs.map(([a]) => a)).toFixed(1),
  'followed, µs': median(pairs.map(([, b]) => b)).toFixed(1),
  'followed / own': median(pairs.map(([a, b]) => b / a)).toFixed(2),
}])));
await Promise.all([own.close(), shared.close()]);
for (const dir of dirs) await rm(dir, { recursive: true, force: true });
