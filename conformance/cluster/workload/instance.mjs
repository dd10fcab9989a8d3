/**
 * An instance in a process of its own, with Rollcall's client: it registers over the native stream, tells its parent, and lives until it
 * is killed. Plain JavaScript over the built client, since each runs in a new process.
 *
 *   node instance.mjs '{"servers":[…],"service":"…","id":"…","graceMs":…}'
 */

import { connect } from '@rollcall/client';

const { servers, service, id, graceMs } = JSON.parse(process.argv[2]);
const rollcall = await connect({ servers, graceMs, name: id, node: 'chaos', onEvent: () => {} });
await rollcall.register({ service, id, address: '127.0.0.1', port: 1 });
process.send?.('registered');
// The parent's end is ours, even when it could not kill us.
process.on('disconnect', () => process.exit(0));
