/**
 * A server with a filled registry, to try the console by hand. A check changes every two seconds. It ends with Ctrl-C, and keeps nothing.
 *
 *   npm run build && npm run console:demo
 */

import { createServer } from '@rollcall/server';
import { fill } from './fill.mjs';

const server = await createServer({ nodeName: 'registry-1', http: { port: Number(process.argv[2] ?? 0) }, consoleEnvironment: { name: 'demo', colour: 'violet' } });
const end = await fill(server.url);
process.stdout.write(`${server.url}/ui/\n`);

let round = 0;
setInterval(() => {
  const n = 1 + (round++ % 24);
  const Status = round % 48 < 24 ? 'warning' : 'passing';
  const zone = ['eu-a', 'eu-b', 'eu-c'][(n - 1) % 3];
  const node = `${zone}-host-${1 + (Math.floor((n - 1) / 3) % 4)}`;
  const Check = { Node: node, CheckID: `service:web-${n}`, Name: 'web answers', ServiceID: `web-${n}`, Status };
  fetch(`${server.url}/v1/catalog/register`, { method: 'PUT', body: JSON.stringify({ Node: node, SkipNodeUpdate: true, Check }) }).catch(() => {});
}, 2_000);
process.once('SIGINT', () => void end().then(() => server.close()).then(() => process.exit(0)));
