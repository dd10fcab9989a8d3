/**
 * What a release costs while many contenders wait for the lock: decided and applied by the state machine alone, one release in each transaction.
 *
 *   node bench/election/queue.mjs              what is built here
 *   node bench/election/queue.mjs ../other     another checkout that is built
 *
 * Prints the median and the 99th percentile of a release in microseconds, for 10, 1,000 and 10,000 contenders.
 */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = (path) => pathToFileURL(resolve(process.argv[2] ?? '.', 'packages/server/dist/registry', path)).href;
const { State } = await import(packages('state.js'));
const { decideBatch } = await import(packages('batch.js'));

const namespace = 'default';

for (const contenders of [10, 1_000, 10_000]) {
  const state = new State();
  let revision = 0;
  const commit = (command) => {
    const { writes, outcomesAt } = decideBatch(state, [command], 1, { guarded: false, nodeId: undefined });
    if (writes !== undefined) state.apply({ revision: ++revision, put: writes.put, delete: writes.delete });
    return outcomesAt(revision)[0];
  };
  commit({ kind: 'session-create', namespace, id: 's', name: '', node: '', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'delete', checks: [] });
  const acquire = (at) => commit({ kind: 'lock-acquire', namespace, name: 'jobs', id: `c${at}`, session: 's', limit: 1, wait: true });
  for (let at = 0; at < contenders; at++) acquire(at);
  const times = [];
  // One joins for each that leaves, so that the queue keeps its length.
  for (let at = 0; at < 500; at++) {
    const began = process.hrtime.bigint();
    const { result } = commit({ kind: 'lock-release', namespace, name: 'jobs', id: `c${at}`, session: 's' });
    times.push(Number(process.hrtime.bigint() - began) / 1e3);
    if (result !== true) throw new Error(`release ${at}: ${String(result)}`);
    acquire(contenders + at);
  }
  times.sort((a, b) => a - b);
  console.log(`${contenders} contenders: median ${times[250].toFixed(0)} µs, p99 ${times[494].toFixed(0)} µs`);
}
