/**
 * Zones: requests stay in the caller's zone while it can serve them, go elsewhere as it loses instances, and
 * return.
 *
 *   npm run build && node examples/zone-failover/run.mjs
 */

import { createServer as createHttp } from 'node:http';
import { connect, registerServer } from '@rollcall/client';
import { createServer } from '@rollcall/server';

const registry = await createServer();
const rollcall = await connect({ servers: [registry.url], name: 'zone failover' });

async function start(zone) {
  const server = createHttp((request, response) => response.end(zone)).listen(0, '127.0.0.1');
  return await registerServer(rollcall, server, { service: 'search', meta: { zone }, drainMs: 0, signals: false });
}
const east = [await start('east'), await start('east'), await start('east')];
const west = [await start('west'), await start('west'), await start('west')];

// This caller is in the east. From three instances on, zones count.
const search = rollcall.service('search', { routing: { zone: { own: 'east', sizeMin: 3 } } });

async function until(wanted) {
  for await (const { instances } of search.watch()) if (instances.length === wanted) return;
}
async function zones() {
  const seen = { east: 0, west: 0 };
  for (let n = 0; n < 1_000; n++) seen[await (await search.fetch('/')).text()] += 1;
  return `${(seen.east / 10).toFixed(0)} % east, ${(seen.west / 10).toFixed(0)} % west`;
}

await until(6);
console.log('all are there:          ', await zones());
await Promise.all([east[0].close(), east[1].close()]);
await until(4);
console.log('east has one of three:  ', await zones());
await east[2].close();
await until(3);
console.log('east has none:          ', await zones());
const back = [await start('east'), await start('east'), await start('east')];
await until(6);
console.log('east is back:           ', await zones());

await Promise.all([...west, ...back].map(({ close }) => close()));
await rollcall.close();
await registry.close();
