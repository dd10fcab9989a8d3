/**
 * Measures how long rollouts hold the event loop when the service has 100,000 instances: finding the places of the first stage and one look of
 * the owner, as the longest turn, and each decision, as the processor time of its one turn. The target is 50 ms.
 *
 *   npm run build && node bench/micro/rollout-turns.mjs
 */

import { readFileSync } from 'node:fs';
import { decideBatch } from '../../packages/server/dist/registry/batch.js';
import { firstPlaces } from '../../packages/server/dist/configurations/places.js';
import { findConfig, stagedRollout } from '../../packages/server/dist/registry/kind/config/find.js';
import { State } from '../../packages/server/dist/registry/state.js';
import { RolloutTask } from '../../packages/server/dist/rollouts/rollout-task.js';
import { longestTurn } from '../turn-meter.mjs';

const count = 100_000;
const limitMs = 50;
const busyMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6;
const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };
const clock = { now: () => 1_000, monotonic: () => performance.now(), timer: () => () => {} };
const log = { info() {}, warn() {} };
let worst = 0;

function commit(state, commands, now = 0) {
  let longest = 0;
  for (let left = commands; left.length > 0; ) {
    const before = busyMs();
    const { writes, decided } = decideBatch(state, left, now);
    longest = Math.max(longest, busyMs() - before);
    if (writes !== undefined) state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete });
    left = left.slice(decided);
  }
  return longest;
}

const register = (n, status = 'passing') => ({
  kind: 'register', namespace: 'default', node: { name: `node-${n}`, address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }, nodeMode: 'ensure',
  instances: [{ id: 'shop', service: 'shop', port: 80 }], checks: [{ id: 'c', name: 'alive', status, instance: 'shop' }],
});

const publish = (content, more = {}) => ({ kind: 'config-publish', ...ref, content: Buffer.from(content), md5: content, hash: content, ...more });

function report(what, ms) {
  worst = Math.max(worst, ms);
  console.log(`${what.padEnd(64)} ${ms.toFixed(1).padStart(7)} ms`);
}

const cases = [
  { what: 'half of them, none is sick', stage: { percent: 50 }, sick: 0 },
  { what: 'half of them, and nine of ten instances are sick', stage: { percent: 50 }, sick: 0.9 },
  { what: '1,000 places', stage: { count: 1_000 }, sick: 0 },
];
for (const { what, stage, sick } of cases) {
  const state = new State();
  for (let at = 0; at < count; at += 1_000) commit(state, Array.from({ length: 1_000 }, (_, n) => register(at + n, at + n < sick * count ? 'critical' : 'passing')));
  commit(state, [publish('old')]);
  const rollout = { name: 'next', priority: 0, plan: { stages: [{ ...stage, bakeMs: 10_000 }, { ...stage, bakeMs: 10_000 }], alarm: { on: ['unhealthy', 'error'], share: 0.05 } } };
  const found = await longestTurn(() => firstPlaces(state, ref, rollout));
  report(`${what}: finding the first places (${found.wallMs.toFixed(0)} ms)`, found.turnMs);
  report(`${what}: publishing with a plan`, commit(state, [publish('new', { rollout, ...found.result })]));
  const registry = { state, submit: () => Promise.resolve(true) };
  const task = new RolloutTask({ registry, clock, log, ownership: { owns: () => true }, isFrozen: () => false, ask: () => Promise.reject(new Error('none')) }, ref);
  const { turnMs, wallMs } = await longestTurn(() => task.look());
  report(`${what}: longest turn of a look (${wallMs.toFixed(0)} ms)`, turnMs);
  const { staged } = stagedRollout(findConfig(state, ref));
  const { assigned: places = [] } = staged;
  for (const command of [{ kind: 'config-assign', places: places.slice(1) }, { kind: 'config-advance', places }, { kind: 'config-trip', reason: 'sick' }]) {
    const { name, release, staged: { stage: at } } = stagedRollout(findConfig(state, ref));
    report(`${what}: ${command.kind}`, commit(state, [{ ...ref, rollout: name, release, stage: at, ...command }], 20_000));
  }
}
console.log(`${count} instances, longest ${worst.toFixed(1)} ms, to reach ≤ ${limitMs} ms: ${worst <= limitMs ? 'met' : 'missed'}`);
process.exit(worst <= limitMs ? 0 : 1);
