/**
 * What one change of a large service costs a node whose clients watch it: processor time from the command to the push, with a look at
 * the whole service at first, and then many changes of one instance each.
 *
 *   node bench/micro/watched-change.mjs [INSTANCES] [CHANGES]
 */

import { systemClock } from '../../packages/server/dist/clock.js';
import { memory } from '../../packages/server/dist/engine/memory/memory.js';
import { FanOut } from '../../packages/server/dist/net/fan-out.js';
import { Feeds } from '../../packages/server/dist/frontend/stream/watches.js';
import { Replica } from '../../packages/server/dist/replica.js';

const [instances = 10_000, changes = 200] = process.argv.slice(2).map(Number);
const perNode = 10;

const replica = new Replica({
  engine: memory(),
  clock: systemClock,
  onFatal(error) {
    throw error;
  },
});
await replica.start();
const register = (number, tag) =>
  replica.submit({
    kind: 'register',
    namespace: 'default',
    node: { name: `node-${Math.floor(number / perNode)}`, address: '10.0.0.1' },
    nodeMode: 'ensure',
    instances: [{ id: `i-${number}`, service: 'large', port: 80, tags: [tag], meta: {} }],
    checks: [{ id: `c-${number}`, name: 'alive', instance: `i-${number}`, status: 'passing' }],
  });
for (let number = 0; number < instances; number += 500) {
  await Promise.all(Array.from({ length: Math.min(500, instances - number) }, (_, at) => register(number + at, 'old')));
}

let told;
let bytes = 0;
const subscriber = {
  congested: false,
  push(message) {
    bytes += message.reduce((sum, part) => sum + part.length, 0);
    told();
  },
  defer() {},
  ended() {},
};
const timed = async (action) => {
  const before = process.cpuUsage();
  await new Promise((resolve) => {
    told = resolve;
    void action();
  });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};
const feeds = new Feeds(replica, new FanOut());
console.log(`first look at ${instances} instances: ${(await timed(() => feeds.of({ kind: 'service', name: 'large' }).add(subscriber, undefined))).toFixed(1)} ms of processor time`);
bytes = 0;
const times = [];
for (let change = 0; change < changes; change++) times.push(await timed(() => register((change * 37) % instances, `new-${change}`)));
times.sort((a, b) => a - b);
console.log(`a change of one of them, command and push: ${times[Math.floor(changes / 2)].toFixed(2)} ms (median of ${changes}), ${Math.round(bytes / changes)} bytes for a client`);
process.exit();
