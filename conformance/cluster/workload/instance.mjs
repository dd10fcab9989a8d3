/**
 * An instance in a separate process, with Rollcall's client: it registers over the native stream, reports this to its parent,
 * and runs until it is killed. It is JavaScript over the built client, so that the process starts quickly.
 *
 *   node instance.mjs '{"servers":[…],"service":"…","id":"…","graceMs":…}'
 */

import { connect } from '@rollcall/client';

const { servers, service, id, graceMs } = JSON.parse(process.argv[2]);
const rollcall = await connect({ servers, graceMs, name: id, node: 'chaos', onEvent: () => {} });
await rollcall.register({ service, id, address: '127.0.0.1', port: 1 });
process.send?.('registered');
// Ends with its parent, even if the parent could not kill it.
process.on('disconnect', () => process.exit(0));
