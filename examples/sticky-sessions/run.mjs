/**
 * Sticky sessions: requests of one user go to the same instance, unless that has more than its share of
 * the load; when an instance leaves, only its users move.
 *
 *   npm run build && node examples/sticky-sessions/run.mjs
 */

import { createServer as createHttp } from 'node:http';
import { boundedLoad, connect, maglev, registerServer } from '@rollcall/client';
import { createServer } from '@rollcall/server';

const registry = await createServer();
const rollcall = await connect({ servers: [registry.url], name: 'sticky sessions' });

const running = [];
for (const name of ['a', 'b', 'c', 'd']) {
  const server = createHttp((request, response) => response.end(name)).listen(0, '127.0.0.1');
  running.push(await registerServer(rollcall, server, { service: 'cart', id: name, drainMs: 0, signals: false }));
}

const cart = rollcall.service('cart', { balancer: boundedLoad(maglev(), { factor: 1.25 }) });
const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);

/** The instance that serves each user. Requests are sent one after the other, so load moves no user. */
async function homes() {
  const served = new Map();
  for (const user of users) served.set(user, await (await cart.fetch('/', { hashKey: user })).text());
  return served;
}

const count = (wanted) => (instances) => instances.filter(({ status }) => status === 'passing').length === wanted;
async function until(holds) {
  for await (const { instances } of cart.watch()) if (holds(instances)) return;
}

await until(count(4));
const before = await homes();
const again = await homes();
console.log(`of ${users.length} users, ${users.filter((user) => before.get(user) !== again.get(user)).length} moved without a reason`);

await running[3].close();
await until(count(3));
const after = await homes();
const moved = users.filter((user) => before.get(user) !== after.get(user));
console.log(`instance d left: its ${users.filter((user) => before.get(user) === 'd').length} users moved,`);
console.log(`and ${moved.filter((user) => before.get(user) !== 'd').length} of the others`);

// A hot user: a hundred requests at once for the same key. No instance gets more than 1.25 of the mean.
const answers = await Promise.all(Array.from({ length: 100 }, async () => (await cart.fetch('/', { hashKey: 'user-0' })).text()));
console.log(`100 requests of one user at once were served by ${new Set(answers).size} instances`);

await Promise.all(running.slice(0, 3).map(({ close }) => close()));
await rollcall.close();
await registry.close();
