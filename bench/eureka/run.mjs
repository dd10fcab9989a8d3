/**
 * Eureka's API beside a real Eureka server of Spring Cloud Netflix 5.0.3 and beside bare `node:http` that sends the same bytes, in the same
 * run: all pinned to one core, the load on another, rounds in turn. Reports processor time of the server for a request, which other programs on the machine disturb less than a rate, and the rate.
 *
 *   node bench/eureka/run.mjs [--rounds 3] [--seconds 5] [--warm 20] [--only delta]
 *
 * It needs Java and Maven (`conformance/README.md`); without them it measures Rollcall alone and says so.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { eurekaProblem, startRealEureka } from '../../conformance/eureka/start.mjs';
import { cpuSeconds } from '../cpu-time.mjs';
import { load } from '../http-load.mjs';
import { machine } from '../machine.mjs';
import { residentBytes, startNode } from '../processes.mjs';
import { sentHeaders, startRollcall } from '../rollcall.mjs';
import { median, withSpread } from '../statistics.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    warm: { type: 'string', default: '20' },
    only: { type: 'string' },
  },
});
const [rounds, seconds, warm] = [options.rounds, options.seconds, options.warm].map(Number);
const instances = 1_000;
const apps = 100;
const connections = 16;

const json = { accept: 'application/json', 'content-type': 'application/json' };
const packed = { ...json, 'accept-encoding': 'gzip' };

function instance(app, id, more = {}) {
  return {
    ...{ instanceId: id, hostName: `${id}.example`, app, ipAddr: '10.0.0.1', status: 'UP', overriddenStatus: 'UNKNOWN' },
    ...{ port: { $: 8080, '@enabled': 'true' }, securePort: { $: 443, '@enabled': 'false' }, countryId: 1 },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 3600 },
    metadata: { zone: 'z1', 'management.port': '8080' },
    ...{ homePageUrl: 'http://10.0.0.1:8080/', statusPageUrl: 'http://10.0.0.1:8080/actuator/info', healthCheckUrl: 'http://10.0.0.1:8080/actuator/health' },
    ...{ vipAddress: app.toLowerCase(), secureVipAddress: app.toLowerCase(), lastDirtyTimestamp: '1700000000000' },
    ...more,
  };
}

const plans = {
  heartbeat: { method: 'PUT', path: '/eureka/apps/BEATS/i#?status=UP&lastDirtyTimestamp=1700000000000', headers: json, numbers: 100 },
  register: {
    method: 'POST',
    path: '/eureka/apps/CHURN',
    headers: json,
    // Each registration has a newer time, so that it changes something.
    body: JSON.stringify({ instance: instance('CHURN', 'i#') }).replace('1700000000000', '17000%'),
    numbers: 100,
  },
  'list of 1,000': { method: 'GET', path: '/eureka/apps/', headers: packed },
  delta: { method: 'GET', path: '/eureka/apps/delta', headers: packed },
  'one app of 10': { method: 'GET', path: '/eureka/apps/APP7', headers: packed },
};

async function post(url, body) {
  const answer = await fetch(`${url}/eureka/apps/${body.app}`, { method: 'POST', headers: json, body: JSON.stringify({ instance: body }) });
  if (answer.status !== 204) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

async function fill(url) {
  for (let at = 0; at < instances; at++) await post(url, instance(`APP${at % apps}`, `i${at}`));
  for (let at = 0; at < 100; at++) await post(url, instance('BEATS', `i${at}`));
  for (let at = 0; at < 100; at++) await post(url, instance('CHURN', `i${at}`, { lastDirtyTimestamp: '1' }));
}

async function measure(server, plan) {
  const before = cpuSeconds(server.pid);
  const rate = await load(server.url, plan, { connections, seconds });
  return { rate, micros: ((cpuSeconds(server.pid) - before) * 1e6) / (rate * seconds) };
}

const floorProgram = fileURLToPath(new URL('../floor/node-http.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));

/** Bare `node:http` that does no more than read the request and send what Rollcall answers. */
async function startFloor({ method, path, headers }) {
  const args = method === 'POST' ? ['parse'] : method === 'PUT' ? ['empty'] : ['same-bytes', join(folder, 'answer.json')];
  if (method === 'GET') writeFileSync(args[1], JSON.stringify(await answerOf(path, headers)));
  const process = startNode('server', [floorProgram, ...args]);
  return { url: `http://127.0.0.1:${(await process.next()).port}`, pid: process.pid, stop: () => process.stop() };
}

/** As it is sent: compressed. */
function answerOf(path, headers) {
  return new Promise((resolve, reject) => {
    get(rollcall.url + path, { headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: sentHeaders(new Headers(response.headers)), body: Buffer.concat(chunks).toString('base64'), encoding: 'base64' }));
    }).on('error', reject);
  });
}

const problem = eurekaProblem();
if (problem !== undefined) console.error(`no real Eureka server, so there are no ratios: ${problem}`);
const startMs = { rollcall: performance.now() };
const rollcall = await startRollcall();
startMs.rollcall = performance.now() - startMs.rollcall;
startMs.eureka = performance.now();
const real = problem === undefined ? await startRealEureka({ command: ['taskset', '-c', '0'], heapMb: 512, evictionMs: 60_000 }) : undefined;
startMs.eureka = performance.now() - startMs.eureka;
const eureka = real && { url: real.url.replace('/eureka', ''), pid: real.pid };
const servers = { rollcall: { url: rollcall.url, pid: rollcall.pid }, ...(eureka === undefined ? {} : { eureka }) };

try {
  for (const [what, value] of machine()) console.log(`- ${what}: ${value}`);
  for (const server of Object.values(servers)) await fill(server.url);
  console.log('\nMicroseconds of a core for a request, median and range of the rounds; ratios are of rounds next to each other.\n');
  console.log('| request | Rollcall | bare `node:http` | Eureka | Eureka / Rollcall | Rollcall / bare | Rollcall, a second | Eureka, a second | load average |');
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [name, plan] of Object.entries(plans)) {
    if (options.only !== undefined && !name.includes(options.only)) continue;
    const floor = await startFloor(plan);
    const all = { ...servers, floor };
    const found = Object.fromEntries(Object.keys(all).map((server) => [server, []]));
    for (const server of Object.values(servers)) await load(server.url, plan, { connections, seconds: warm });
    for (let round = 0; round < rounds; round++) for (const [which, server] of Object.entries(all)) found[which].push(await measure(server, plan));
    await floor.stop();
    const micros = (which) => found[which]?.map((each) => each.micros);
    const shown = (which) => (micros(which) === undefined ? '–' : withSpread(micros(which), 1));
    const ratio = (above, below) => (micros(above) === undefined ? '–' : withSpread(micros(above).map((each, at) => each / micros(below)[at]), 2));
    const rates = (which) => (found[which] === undefined ? '–' : Math.round(median(found[which].map(({ rate }) => rate))).toLocaleString('en'));
    const cells = [name, shown('rollcall'), shown('floor'), shown('eureka'), ratio('eureka', 'rollcall'), ratio('rollcall', 'floor'), rates('rollcall'), rates('eureka'), loadavg()[0].toFixed(1)];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const mb = (pid) => `${Math.round(residentBytes(pid) / 1e6)} MB`;
  console.log(`\nMemory: Rollcall ${mb(rollcall.pid)}${eureka === undefined ? '' : `, Eureka ${mb(eureka.pid)} (heap of 512 MB at most)`}`);
  console.log(`From the start to the first answer: Rollcall ${(startMs.rollcall / 1_000).toFixed(2)} s${eureka === undefined ? '' : `, Eureka ${(startMs.eureka / 1_000).toFixed(1)} s`}`);
} finally {
  await real?.stop();
  await rollcall.remove();
  rmSync(folder, { recursive: true });
}
