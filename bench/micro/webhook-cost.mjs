/**
 * What webhooks cost the writers: the CPU time of a process for a change of a check, without webhooks and with ten. Rounds of both take turns in one run. In
 * each round statuses flap (which tells nothing), and then as many stay critical (each is an event for each webhook, and is delivered).
 *
 *   node bench/micro/webhook-cost.mjs [rounds]
 */

import { createServer as createHttpServer } from 'node:http';
import { createServer } from '../../packages/server/dist/index.js';
import { memory } from '../../packages/server/dist/engine/memory/memory.js';
import { median } from '../statistics.mjs';

const rounds = Number(process.argv[2] ?? 5);
const instances = 200;
const flaps = 40;
const hooks = 10;

const receiver = createHttpServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${receiver.address().port}/`;
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

const server = await createServer({ engine: memory(), http: { port: 0 } });
const { registry } = server;
const at = { namespace: 'default', node: 'n' };
for (let id = 0; id < instances; id++) {
  await registry.submit({ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure', instances: [{ id: `i${id}`, service: `s${id % 20}` }], checks: [{ id: `c${id}`, name: 'c', instance: `i${id}`, status: 'passing' }] });
}

async function setHooks(count) {
  for (let each = 0; each < hooks; each++) await registry.submit({ kind: 'webhook-delete', namespace: 'default', name: `h${each}` });
  for (let each = 0; each < count; each++) await registry.submit({ kind: 'webhook-set', namespace: 'default', name: `h${each}`, url, secret, events: ['instance.critical', 'instance.recovered', 'service.empty'], forMs: 1_000 });
  await new Promise((done) => setTimeout(done, 1_500));
}

/** @returns CPU microseconds and milliseconds for each change */
async function changes(total, status) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (let change = 0; change < total; change++) await registry.submit({ kind: 'update-checks', updates: [{ ...at, id: `c${change % instances}`, status: status(change) }] });
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / total, ms: (performance.now() - began) / total };
}

const flap = (change) => (Math.floor(change / instances) % 2 === 0 ? 'critical' : 'passing');
const found = new Map();
const add = (name, value) => found.set(name, [...(found.get(name) ?? []), value]);
for (let round = 0; round <= rounds; round++) {
  for (const count of round % 2 === 0 ? [0, hooks] : [hooks, 0]) {
    await setHooks(count);
    const flapping = await changes(instances * flaps, flap);
    const cpu = process.cpuUsage();
    await changes(instances, () => 'critical');
    await new Promise((done) => setTimeout(done, 4_000));
    await changes(instances, () => 'passing');
    await new Promise((done) => setTimeout(done, 4_000));
    const { user, system } = process.cpuUsage(cpu);
    if (round === 0) continue;
    add(`${count} flapping, CPU µs a change`, flapping.cpu);
    add(`${count} flapping, µs a change`, flapping.ms * 1_000);
    add(`${count} events, CPU ms for ${2 * instances} changes in 8 s`, (user + system) / 1_000);
  }
}
for (const [name, all] of found) console.log(`${name}: ${median(all).toFixed(1)} (${all.map((each) => each.toFixed(0)).join(', ')})`);
for (const what of ['flapping, CPU µs a change', 'flapping, µs a change']) console.log(`ratio, ${what}: ${(median(found.get(`${hooks} ${what}`)) / median(found.get(`0 ${what}`))).toFixed(2)}`);
await server.close();
receiver.close();
