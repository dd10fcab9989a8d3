/**
 * Measures the steps of a registration between the request's bytes and the answer, without sockets, disk and promises:
 * microseconds of processor time of each, best of the rounds. The row `register` of the benchmark has all of it, from outside.
 *
 *   npm run build && node bench/micro/register-steps.mjs
 */

import { planning } from '../../packages/server/dist/engine/embedded/plan.js';
import { Revisions } from '../../packages/server/dist/engine/embedded/revisions.js';
import { instanceInput, serviceCheckInputs } from '../../packages/server/dist/frontend/consul/agent/definitions.js';
import { agentService } from '../../packages/server/dist/frontend/consul/agent/schema.js';
import { decode } from '../../packages/server/dist/frontend/consul/wire/decode.js';
import { readJson } from '../../packages/server/dist/frontend/consul/wire/json.js';
import { KeyMap } from '../../packages/server/dist/key-map.js';
import { decideBatch } from '../../packages/server/dist/registry/batch.js';
import { State } from '../../packages/server/dist/registry/state.js';

/** As the row `register`: instances in turn, and as many commands a commit as it has on a quiet machine. */
const instances = 10_000;
const perCommit = 32;
const commitsPerRound = 1_250;
const rounds = 10;

const state = new State();
const revisions = new Revisions(new KeyMap());
let head = { revision: 0, records: 0, sum: 0 };
let number = 0;

const best = {};
for (let round = 0; round < rounds; round++) {
  const took = {};
  for (let commit = 0; commit < commitsPerRound; commit++) batch(took);
  for (const [step, sum] of Object.entries(took)) {
    const us = sum / (commitsPerRound * perCommit);
    best[step] = Math.min(best[step] ?? Infinity, us);
  }
}
for (const [step, us] of Object.entries(best)) console.log(`${step.padEnd(36)} ${us.toFixed(2)} µs`);
console.log(`${'together'.padEnd(36)} ${Object.values(best).reduce((sum, us) => sum + us, 0).toFixed(2)} µs`);

function batch(took) {
  const bodies = Array.from({ length: perCommit }, body);
  const timed = (step, work) => {
    const started = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(started);
    took[step] = (took[step] ?? 0) + user + system;
    return result;
  };
  const values = timed('read the JSON', () => bodies.map((bytes) => readJson(bytes)));
  const commands = timed('check the fields, make the command', () => values.map((value) => commandOf(decode(agentService, value))));
  const writes = timed('decide, and encode the rows', () => decideBatch(state, commands, Date.now()).writes);
  const plan = timed('plan the log', () => finished(planning(head, revisions, () => true, [writes])));
  for (const [key, revision] of plan.revisions) revisions.set(key, revision);
  head = plan.head;
  timed('apply to the state', () => state.apply(plan.events[0], writes));
}

function body() {
  const name = `web-${number % instances}`;
  number++;
  return Buffer.from(JSON.stringify({ ID: name, Name: name, Address: '10.0.0.1', Port: 8080, Tags: ['v1', 'primary'], Meta: { version: `1.0.${number}` } }));
}

function commandOf(fields) {
  const instance = instanceInput(fields);
  const node = { name: 'n', address: '10.0.0.9' };
  return { kind: 'register', namespace: 'default', node, nodeMode: 'ensure', instances: [instance], checks: serviceCheckInputs(fields, instance) };
}

function finished(steps) {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
