/**
 * A process for tests that registers one instance and then does nothing but live.
 *
 *   node registered-process.case.mjs URL SERVICE ID
 */

import { connect } from '@rollcall/client';

const [server, service, id] = process.argv.slice(2);
const rollcall = await connect({ servers: [server] });
await rollcall.register({ service, id, port: 80 });
process.stdout.write('registered\n');
