/** A process that serves HTTP and registers itself in a group without a server; prints where others find it. */

import { createServer } from 'node:http';
import { connect } from '@rollcall/client';

const gossip = JSON.parse(process.argv[2]);
const server = createServer((_request, response) => response.end(gossip.name));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const rollcall = await connect({ gossip });
await rollcall.register({ service: 'web', id: gossip.name, address: '127.0.0.1', port: server.address().port });
while (rollcall.server === undefined) await new Promise((next) => setTimeout(next, 5));
process.stdout.write(`${rollcall.server.replace('gossip://', '')}\n`);
