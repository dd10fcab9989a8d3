/**
 * Fills a new store with instances, each with a check, by the registry's commands but without a server: HTTP would
 * take a quarter of an hour for a million.
 *
 *   node bench/load/fill-store.mjs FOLDER INSTANCES SERVICES NODES
 */

import { systemClock } from '../../packages/server/dist/clock.js';
import { embedded } from '../../packages/server/dist/engine/embedded/embedded.js';
import { Replica } from '../../packages/server/dist/replica.js';

const [folder, ...counts] = process.argv.slice(2);
const [instances, services, nodes] = counts.map(Number);
/** Commands in flight: some share a transaction. */
const atOnce = 16;

const engine = await embedded({ dir: folder });
const onFatal = (error) => {
  throw error;
};
const replica = new Replica({ engine, clock: systemClock, onFatal });
await replica.start();

const perNode = Math.ceil(instances / nodes);
let next = 0;
const fill = async () => {
  while (next < nodes) await replica.submit(registration(next++));
};
await Promise.all(Array.from({ length: atOnce }, fill));
await replica.close();
await engine.close();

/** A node with its instances: those of one service are on different nodes. */
function registration(node) {
  const ids = Array.from({ length: perNode }, (_, at) => node * perNode + at).filter((n) => n < instances);
  return {
    kind: 'register',
    namespace: 'default',
    node: { name: `node-${node}`, address: `10.1.${node >> 8}.${node & 255}` },
    nodeMode: 'update',
    instances: ids.map((n) => ({
      ...{ id: `i-${n}`, service: `service-${n % services}`, address: `10.2.${node >> 8}.${node & 255}`, port: 1_024 + (n % perNode) },
      ...{ tags: ['v1', `zone-${n % 3}`], meta: { version: '1.0.3' } },
    })),
    checks: ids.map((n) => ({ id: `service:i-${n}`, name: 'alive', instance: `i-${n}`, status: 'passing' })),
  };
}
