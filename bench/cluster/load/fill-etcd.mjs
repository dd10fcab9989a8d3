/**
 * Fills an etcd with instances that have one check each, by the commands of the registry, without a server.
 *
 *   node bench/cluster/load/fill-etcd.mjs URL INSTANCES
 */

import { systemClock } from '../../../packages/server/dist/clock.js';
import { etcd } from '../../../packages/server/dist/engine/etcd/etcd.js';
import { Replica } from '../../../packages/server/dist/replica.js';

const [url, count] = process.argv.slice(2);
const instances = Number(count);
/** Instances on one node: a command with all of its rows must fit into one transaction of etcd. */
const perNode = 10;
const atOnce = 16;

const engine = await etcd({ urls: [url] });
const replica = new Replica({
  engine,
  clock: systemClock,
  onFatal(error) {
    throw error;
  },
});
await replica.start();
let next = 0;
const fill = async () => {
  while (next < instances / perNode) await replica.submit(registration(next++));
};
await Promise.all(Array.from({ length: atOnce }, fill));
await replica.close();
await engine.close();

function registration(node) {
  const numbers = Array.from({ length: perNode }, (_, at) => node * perNode + at);
  return {
    kind: 'register',
    namespace: 'default',
    node: { name: `node-${node}`, address: `10.1.${node >> 8}.${node & 255}` },
    nodeMode: 'update',
    instances: numbers.map((n) => ({ id: `i-${n}`, service: `service-${n % 1_000}`, address: `10.2.${node >> 8}.${node & 255}`, port: 1_024 + (n % perNode), tags: ['v1'], meta: {} })),
    checks: numbers.map((n) => ({ id: `service:i-${n}`, name: 'alive', instance: `i-${n}`, status: 'passing' })),
  };
}
