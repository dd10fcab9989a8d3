/**
 * Measures Rollcall as a Nacos server beside r-nacos, a Nacos server in Rust, in turn on the same core: start, registrations, lists,
 * heartbeats, pushes to 1,000 subscribers, memory. Writes RESULTS.md beside this file.
 *
 *   node bench/nacos/run.mjs [--quick]     --quick measures less, and writes nothing
 *
 * Without cargo, and without `ROLLCALL_RNACOS`, it measures Rollcall alone and says so.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rNacosProblem, startRNacos } from '../../conformance/nacos/r-nacos.mjs';
import { cpuSeconds } from '../cpu-time.mjs';
import { freePort, pause, pinned, residentBytes, startNode } from '../processes.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';
import { targetReport } from '../target-report.mjs';
import { Client } from './client.mjs';

const quick = process.argv.includes('--quick');
const count = quick ? 200 : 1_000;
const changes = quick ? 10 : 60;
const ms = quick ? 1_000 : 5_000;
const rounds = quick ? 1 : 3;
const program = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));
const loadProgram = fileURLToPath(new URL('load.mjs', import.meta.url));

const problem = rNacosProblem();
/** How each server is started, by its name in the results. */
const servers = { Rollcall: startRollcall, ...(problem === undefined ? { 'r-nacos': () => startRNacos({ command: pinned('server', []) }).then(answering) } : {}) };
const names = Object.keys(servers);

const rows = [];
/** @param measured the text of each server by its name @param met whether Rollcall reaches the target */
const say = (what, target, measured, met) => {
  rows.push({ what, target, measured, met });
  process.stderr.write(`${what}: ${names.map((name) => `${name} ${measured[name]}`).join('; ')}\n`);
};
/** Calls for each server, in turn. @returns the results by name */
const ofEach = async (measure) => {
  const results = {};
  for (const name of names) results[name] = await measure(name);
  return results;
};
const texts = (values, show) => Object.fromEntries(names.map((name) => [name, show(values[name])]));

const starts = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const name of names) {
    const server = await servers[name]();
    starts[name].push(server.startMs);
    await server.stop();
  }
}
say('start, from the command until a gRPC client has its first answer', '≤ 1 s', texts(starts, (each) => `${withSpread(each, 0)} ms`), median(starts.Rollcall) <= 1_000);

const running = await ofEach((name) => servers[name]());
const floor = startNode('server', [fileURLToPath(new URL('floor.mjs', import.meta.url))]);
const { port: floorPort } = await floor.next();
const ports = Object.fromEntries(names.map((name) => [name, { grpc: running[name].grpcPort, http: running[name].httpPort }]));
const load = startNode('load', [loadProgram, JSON.stringify({ ...ports, floor: { grpc: floorPort } })]);
try {
  await rates('registrations over gRPC, 64 clients', { task: 'register', connections: 64 });
  await ofEach((side) => load.ask({ task: 'batch', side, service: 'thousand', count: 1_000 }));
  await rates('list of 1,000 instances over gRPC, 8 clients', { task: 'query', service: 'thousand', connections: 8 });
  await rates('heartbeats over HTTP (v1), 32 connections', { task: 'beat', connections: 32 });
  await pushes();
} finally {
  await load.stop();
  await floor.stop();
  for (const server of Object.values(running)) await server.stop();
}

const text = targetReport({
  title: 'Rollcall as a Nacos server',
  intro:
    'Written by `node bench/nacos/run.mjs`. Clients are HTTP/2 connections of one Node process, which answer each push; their own time is part of the figures. Medians, with the least and the most of the rounds. The servers have the same core, in turn.',
  rows,
  columns: names,
  remarks: [
    names.length === 1 ? `No Nacos server is measured beside it: ${problem}.` : 'r-nacos 0.8.8 keeps instances of clients in memory only; Rollcall answers a registration when it is on disk.',
    'Nacos itself merges the pushes of a service for 500 ms (`PushConfig`, `pushTaskDelay`), so no push of it comes sooner. Its server is in no package registry: Maven Central has its clients only.',
  ],
});
console.log(text);
if (!quick) writeFileSync(new URL('RESULTS.md', import.meta.url), text);
if (rows.some(({ met }) => met === false)) process.exitCode = 1;

/** A row with rates and CPU time for each request. */
async function rates(what, task) {
  const measured = Object.fromEntries(names.map((name) => [name, { rates: [], micros: [], size: 0 }]));
  for (let round = 0; round < rounds; round++) {
    for (const side of names) {
      const cpu = cpuSeconds(running[side].pid);
      const { done, perSecond, size = 0 } = await load.ask({ ...task, side, ms });
      measured[side].rates.push(perSecond);
      measured[side].micros.push(((cpuSeconds(running[side].pid) - cpu) / done) * 1e6);
      measured[side].size = size;
    }
  }
  const show = (each) => `${withSpread(each.rates, 0)} a second, ${median(each.micros).toFixed(0)} µs of CPU time each${each.size === 0 ? '' : `, ${(each.size / 1_000).toFixed(0)} kB`}`;
  say(what, '', texts(measured, show));
}

async function pushes() {
  const before = await ofEach((name) => residentBytes(running[name].pid));
  await ofEach((side) => load.ask({ task: 'batch', side, service: 'web', count: 10 }));
  for (const side of [...names, 'floor']) await load.ask({ task: 'subscribe', side, count, service: 'web' });
  await pause(1_000);
  const grown = await ofEach((name) => residentBytes(running[name].pid) - before[name]);
  const all = Object.fromEntries([...names, 'floor'].map((side) => [side, { pid: running[side]?.pid ?? floor.pid, times: [], lasts: [], commits: [], cpu: 0 }]));
  for (let number = 2; number <= changes + 1; number++) {
    for (const [side, of] of Object.entries(all)) {
      // Apart, so that each change is pushed at once; further changes within 50 ms are pushed together.
      await pause(100);
      const cpu = cpuSeconds(of.pid);
      const { times, commit } = await load.ask({ task: 'change', side, service: 'web', number });
      of.times.push(...times);
      of.lasts.push(Math.max(...times));
      of.commits.push(commit);
      of.cpu += cpuSeconds(of.pid) - cpu;
    }
  }
  const quantiles = ({ times }) => `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`;
  const p99 = percentile(all.Rollcall.times, 0.99);
  const ratio = p99 / percentile(all.floor.times, 0.99);
  const ofFloor = ` (the floor, which writes the same to as many streams and stores nothing: ${quantiles(all.floor)}; p99 is ${ratio.toFixed(2)} × that)`;
  const shown = texts(all, quantiles);
  say(`push to ${count} subscribers, ${changes} changes, from sending the registration`, 'p99 ≤ 50 ms', { ...shown, Rollcall: shown.Rollcall + ofFloor }, p99 <= 50);
  say('the same until the last of the subscribers has it', '', texts(all, ({ lasts, commits }) => `${withSpread(lasts, 0)} ms; the answer to the registration took ${withSpread(commits, 0)} ms`));
  say('CPU time of the server for each push, the answer of the client included', '', texts(all, ({ cpu, times }) => `${((cpu / times.length) * 1e6).toFixed(0)} µs`));
  const memory = await ofEach((name) => residentBytes(running[name].pid));
  say(`memory of ${count} connections with a subscription, and of the server`, '', Object.fromEntries(names.map((name) => [name, `${grown[name] > 0 ? `${(grown[name] / count / 1_000).toFixed(0)} kB each` : 'the resident set did not grow'}; ${(memory[name] / 1e6).toFixed(0)} MB`])));
}

/** The built command line with its durable engine on a fresh folder. */
async function startRollcall() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-nacos-'));
  const httpPort = await freePort();
  let port = await freePort();
  while (port > 64_535) port = await freePort();
  const [file, ...args] = pinned('server', [process.execPath, program, 'serve', '--http', `127.0.0.1:${httpPort}`, '--dns', 'off', '--nacos', `127.0.0.1:${port}`, '--data-dir', folder, '--log-level', 'warn']);
  const from = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  await firstAnswer(port + 1_000);
  return {
    ...{ httpPort, grpcPort: port + 1_000, startMs: performance.now() - from, pid: child.pid },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a server that has just opened its ports answers. */
async function answering(server) {
  const from = performance.now();
  await firstAnswer(server.grpcPort);
  return { ...server, startMs: server.startMs + performance.now() - from };
}

async function firstAnswer(port) {
  for (;;) {
    const client = new Client(port);
    try {
      await client.ask('ServerCheckRequest', {});
      return;
    } catch {
      await pause(2);
    } finally {
      client.close();
    }
  }
}
