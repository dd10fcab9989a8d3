/**
 * A Rollcall node on etcd as a process, over the built server.
 *
 *   node cluster-node.mjs '{"port":…,"name":"…","urls":["http://…"]}'
 */

import { createServer, etcd, stderrLog } from '@rollcall/server';

const { port, name, urls } = JSON.parse(process.argv[2]);
const log = stderrLog('info');
const server = await createServer({ engine: etcd({ urls }), http: { port }, nodeName: name, log });
void server.fatal.then((error) => {
  log.fatal({ err: error }, 'stopped');
  process.exit(1);
});
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
console.log(server.url);
