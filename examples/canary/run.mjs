/**
 * A canary: a tenth of the requests go to the new version, and so do those that ask for it by header.
 *
 *   npm run build && node examples/canary/run.mjs
 */

import { createServer as createHttp } from 'node:http';
import { connect, registerServer } from '@rollcall/client';
import { createServer } from '@rollcall/server';

const registry = await createServer();
const rollcall = await connect({ servers: [registry.url], name: 'canary' });

const running = [];
for (const version of ['1.4.0', '1.4.0', '1.5.0']) {
  const server = createHttp((request, response) => response.end(version)).listen(0, '127.0.0.1');
  running.push(await registerServer(rollcall, server, { service: 'shop', meta: { version }, drainMs: 0, signals: false }));
}

const shop = rollcall.service('shop', {
  routing: { canary: { select: { version: '1.5' }, share: 0.1, header: 'x-canary' } },
});

async function versions(count, headers = {}) {
  const seen = {};
  for (let n = 0; n < count; n++) {
    const version = await (await shop.fetch('/', { headers })).text();
    seen[version] = (seen[version] ?? 0) + 1;
  }
  return seen;
}

for await (const { instances } of shop.watch()) if (instances.length === 3) break;
console.log('of 1000 requests:', await versions(1_000));
console.log('with x-canary: always:', await versions(20, { 'x-canary': 'always' }));
console.log('with x-canary: never:', await versions(20, { 'x-canary': 'never' }));

await Promise.all(running.map(({ close }) => close()));
await rollcall.close();
await registry.close();
