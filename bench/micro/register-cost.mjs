/**
 * Measures one registration with a new tag in a service of 100,000 instances, beside one of 10.
 * Decides, encodes and applies; no engine. Both are measured in turns; the ratio must be at most 2.
 *
 *   npm run build && node bench/micro/register-cost.mjs
 */

import { decideBatch } from '../../packages/server/dist/registry/batch.js';
import { State } from '../../packages/server/dist/registry/state.js';
import { median } from '../statistics.mjs';

const rounds = 15;
const perRound = 500;

const register = (id) => ({
  kind: 'register',
  namespace: 'default',
  node: { name: `node-${id % 1_000}`, address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id: `i-${id}`, service: 'web', port: 80, tags: ['v1', `own-${id}`] }],
});

function commit(state, commands) {
  const { writes } = decideBatch(state, commands, 0);
  if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete });
}

function service(instances) {
  const state = new State();
  for (let at = 0; at < instances; at += 1_000) {
    commit(state, Array.from({ length: Math.min(1_000, instances - at) }, (_, n) => register(at + n)));
  }
  // The nodes of the measured instances exist in both.
  commit(state, Array.from({ length: 1_000 }, (_, n) => ({ ...register(n), instances: [] })));
  return state;
}

/** Microseconds for one registration and one removal, each its own transaction. */
function cost(state) {
  const started = performance.now();
  for (let n = 0; n < perRound; n++) {
    const id = 1_000_000 + n;
    commit(state, [register(id)]);
    commit(state, [{ kind: 'deregister-instance', namespace: 'default', node: `node-${id % 1_000}`, id: `i-${id}` }]);
  }
  return ((performance.now() - started) / perRound) * 1_000;
}

const [small, large] = [service(10), service(100_000)];
const costs = Array.from({ length: rounds }, () => [cost(small), cost(large)]).slice(3);
const [few, many] = [0, 1].map((at) => median(costs.map((pair) => pair[at])));
const ratio = median(costs.map(([of10, of100000]) => of100000 / of10));
console.log(`register and remove: ${few.toFixed(0)} µs in a service of 10, ${many.toFixed(0)} µs in one of 100,000; ${ratio.toFixed(2)} ×`);
