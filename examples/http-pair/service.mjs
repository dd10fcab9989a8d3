/**
 * A web service that registers itself: it is found for as long as it lives, and callers stop
 * choosing it before it stops.
 *
 *   node examples/http-pair/service.mjs
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from '@rollcall/client';

const server = createServer((request, response) => {
  response.end(`hello from process ${process.pid}\n`);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();

const rollcall = await connect({ name: 'http-pair service' });
const registration = await rollcall.register({ service: 'hello', address: '127.0.0.1', port });
console.log(`process ${process.pid}: ${registration.id} listens on port ${port}`);

async function leave() {
  // First nobody chooses it any more, then what is under way is answered, then it goes. It goes, too,
  // when the registry cannot be told.
  await registration.drain().catch((error) => console.error(error.message));
  server.close();
  await once(server, 'close');
  await rollcall.close();
}
process.once('SIGTERM', () => void leave());
process.once('SIGINT', () => void leave());
