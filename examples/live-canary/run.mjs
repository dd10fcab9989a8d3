/**
 * A release in steps by the route of a service: the caller follows it without a restart.
 *
 *   npm run build && node examples/live-canary/run.mjs
 */

import { createServer as createHttp } from 'node:http';
import { connect, registerServer } from '@rollcall/client';
import { createServer } from '@rollcall/server';

const registry = await createServer();
const rollcall = await connect({ servers: [registry.url], name: 'live canary' });

const running = [];
for (const version of ['1.4.0', '1.4.0', '1.5.0']) {
  const server = createHttp((request, response) => response.end(version)).listen(0, '127.0.0.1');
  running.push(await registerServer(rollcall, server, { service: 'shop', meta: { version }, drainMs: 0, signals: false }));
}

let followed = () => {};
const shop = rollcall.service('shop', { onEvent: ({ kind }) => kind === 'route' && followed() });

/** Sets the route, as an operator would, and waits until the caller follows it. */
async function set(route) {
  const isFollowed = new Promise((resolve) => (followed = resolve));
  await fetch(`${registry.url}/rollcall/v1/routes?service=shop`, { method: 'PUT', body: JSON.stringify(route) });
  await isFollowed;
}

async function versions(count) {
  const seen = {};
  for (let n = 0; n < count; n++) {
    const version = await (await shop.fetch('/')).text();
    seen[version] = (seen[version] ?? 0) + 1;
  }
  return seen;
}

for await (const { instances } of shop.watch()) if (instances.length === 3) break;
for (const share of [0, 0.1, 0.5, 1]) {
  await set({ canary: { select: { version: '1.5' }, share } });
  console.log(`${share * 100} %:`, await versions(500));
}
console.log('decided by the route:', shop.explain().route.words.join(', '));

await Promise.all(running.map(({ close }) => close()));
await rollcall.close();
await registry.close();
