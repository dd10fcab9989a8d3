/**
 * The floor of several processes: bare `node:http` in workers of `node:cluster`, as Node's manual shows it. Says its port once all serve.
 *
 *   node bench/floor/node-http-cluster.mjs COUNT MODE [FILE]      mode and file as of `node-http.mjs`
 */

import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';

const [count, ...args] = process.argv.slice(2);
cluster.setupPrimary({ exec: fileURLToPath(new URL('node-http.mjs', import.meta.url)), args, silent: true });
const workers = Array.from({ length: Number(count) }, () => cluster.fork());
// A worker says its port on its standard output, all of them the same.
const lines = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.process.stdout.once('data', resolve))));
process.stdout.write(lines[0]);
process.on('SIGTERM', () => {
  for (const worker of workers) worker.process.kill();
  process.exit();
});
