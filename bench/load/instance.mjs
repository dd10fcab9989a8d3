/** An instance of `web` registered by stream, in a process that the bench kills. Prints its id once it is registered. */

import { connect } from '@rollcall/client';

const [server, id] = process.argv.slice(2);
const rollcall = await connect({ servers: [server] });
await rollcall.register({ service: 'web', id, address: '127.0.0.1', port: 8080 });
process.stdout.write(`${JSON.stringify({ id })}\n`);
setInterval(() => {}, 60_000);
