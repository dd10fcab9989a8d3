/**
 * A web service that finds others, and is found, without a registry.
 *
 *   node examples/without-a-server/member.mjs [SEED]
 */

import { createServer } from 'node:http';
import { connect, registerServer } from '@rollcall/client';

const server = createServer((request, response) => {
  response.end(`hello from process ${process.pid}\n`);
}).listen(0, '127.0.0.1');

const seeds = process.argv[2] === undefined ? [] : [process.argv[2]];
const rollcall = await connect({ gossip: { port: 0, seeds } });
// On SIGTERM: callers stop choosing it, it answers the requests in flight, says goodbye, and ends.
await registerServer(rollcall, server, { service: 'hello', address: '127.0.0.1' });
console.log(`${rollcall.server.replace('gossip://', '')} is the address of process ${process.pid} in the group`);
