/**
 * A backend in a process of its own: answers after about 5 ms, and is registered for as long as its process lives.
 * It says where it listens; SIGTERM drains it, as a deployment does.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from '@rollcall/client';

const [registry, id, serviceMs = '5'] = process.argv.slice(2);
let delayMs = Number(serviceMs);
let requests = 0;

const server = createServer((_request, response) => {
  requests += 1;
  setTimeout(() => response.end('ok'), delayMs);
}).listen(0, '127.0.0.1');
server.keepAliveTimeout = 60_000;
await once(server, 'listening');

const rollcall = await connect({ servers: [registry] });
const registration = await rollcall.register({ service: 'web', id, address: '127.0.0.1', port: server.address().port });
process.stdout.write(`${JSON.stringify({ id, port: server.address().port })}\n`);

process.stdin.setEncoding('utf8').on('data', (line) => {
  const { slowMs } = JSON.parse(line);
  if (slowMs !== undefined) delayMs = slowMs;
  process.stdout.write(`${JSON.stringify({ requests })}\n`);
});

async function leave() {
  // Callers hear of it first; what is under way is answered before the listener goes.
  await registration.drain();
  await new Promise((resume) => setTimeout(resume, 250));
  server.close();
  server.closeIdleConnections();
  await rollcall.close();
  process.exit(0);
}
process.once('SIGTERM', () => void leave());
