/**
 * A web service that registers itself: it is listed for as long as it lives, and callers stop
 * choosing it before it stops.
 *
 *   node examples/http-pair/service.mjs
 */

import { createServer } from 'node:http';
import { connect, registerServer } from '@rollcall/client';

const server = createServer((request, response) => {
  response.end(`hello from process ${process.pid}\n`);
}).listen(0, '127.0.0.1');

const rollcall = await connect({ name: 'http-pair service' });
// On SIGTERM: callers stop choosing it, it answers the requests in flight, and then it ends.
const { registration } = await registerServer(rollcall, server, { service: 'hello' });
console.log(`process ${process.pid}: ${registration.id} listens on port ${server.address().port}`);
