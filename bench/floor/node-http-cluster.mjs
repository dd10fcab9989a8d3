/**
 * The floor of several processes: bare `node:http` in workers of `node:cluster`, as in Node's manual. It prints its port
 * when all workers serve.
 *
 *   node bench/floor/node-http-cluster.mjs COUNT MODE [FILE]      mode and file as of `node-http.mjs`
 */

import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';

const [count, ...args] = process.argv.slice(2);
cluster.setupPrimary({ exec: fileURLToPath(new URL('node-http.mjs', import.meta.url)), args, silent: true });
const workers = Array.from({ length: Number(count) }, () => cluster.fork());
// Each worker prints its port; all have the same one.
const lines = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.process.stdout.once('data', resolve))));
process.stdout.write(lines[0]);
process.on('SIGTERM', () => {
  for (const worker of workers) worker.process.kill();
  process.exit();
});
