/**
 * The cost of balancing on top of `fetch`: requests per second of a service's `fetch` against undici's
 * own and the platform's to a fixed address, the former with the same kind of pool, in turns in the same run. The
 * service is another process; each side keeps the same number of requests in flight.
 *
 *   npm run build && node bench/micro/fetch-overhead.mjs [--rounds 9] [--requests 4000] [--instances 1]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { ServiceClient, StaticSource } from '@rollcall/client';
import { fetch, Pool } from 'undici';
import { median, withSpread } from '../statistics.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '4000' },
    instances: { type: 'string', default: '1' },
  },
});
const [rounds, requests, instances] = [values.rounds, values.requests, values.instances].map(Number);
const inFlight = 16;

const program = `
  const server = require('node:http').createServer((request, response) => response.end('ok'));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;
const services = [];
for (let n = 0; n < instances; n++) {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  services.push({ child, authority: `127.0.0.1:${line.toString().trim()}` });
}

const pool = new Pool(`http://${services[0].authority}`);
const bareUrl = `http://${services[0].authority}/path`;
const web = new ServiceClient(new StaticSource({ web: services.map(({ authority }) => authority) }), 'web');
const sides = {
  platform: async () => (await globalThis.fetch(bareUrl)).text(),
  undici: async () => (await fetch(bareUrl, { dispatcher: pool })).text(),
  rollcall: async () => (await web.fetch('/path')).text(),
};

const names = Object.keys(sides);
const perSecond = Object.fromEntries(names.map((name) => [name, []]));
const cpuMicros = Object.fromEntries(names.map((name) => [name, []]));
for (const one of Object.values(sides)) await load(one);
for (let round = 0; round < rounds; round++) {
  // The first client may find a warmer or a busier machine, so they take turns.
  for (const name of round % 2 === 0 ? names : names.toReversed()) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    await load(sides[name]);
    perSecond[name].push((requests * 1000) / (performance.now() - start));
    const { user, system } = process.cpuUsage(cpu);
    cpuMicros[name].push((user + system) / requests);
  }
}

const ratio = (figures, other) => withSpread(figures.rollcall.map((value, round) => value / figures[other][round]), 3);
const line = (name) => `${median(perSecond[name]).toFixed(0)} a second, ${median(cpuMicros[name]).toFixed(1)} µs of CPU each`;
console.log(`node ${process.version}, ${instances} instance(s), ${inFlight} requests in flight, median of ${rounds} × ${requests} requests`);
console.log(`undici fetch, fixed address: ${line('undici')}`);
console.log(`the platform's, its agent:   ${line('platform')}`);
console.log(`rollcall fetch:              ${line('rollcall')}`);
for (const other of ['undici', 'platform']) {
  console.log(`ratio to ${other}: throughput ${ratio(perSecond, other)}; CPU ${ratio(cpuMicros, other)}`);
}

await web.close();
await pool.close();
for (const { child } of services) child.kill();

async function load(one) {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}
