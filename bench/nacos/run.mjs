/**
 * Measures Rollcall as a Nacos server beside r-nacos, a Nacos server in Rust, in turn on the same core: start, registrations, lists,
 * heartbeats, pushes to 1,000 subscribers, memory. Writes RESULTS.md beside this file.
 *
 *   node bench/nacos/run.mjs [--quick]     --quick measures less, and writes nothing
 *
 * Without cargo, and without `ROLLCALL_RNACOS`, it measures Rollcall alone and says so.
 */

import { fileURLToPath } from 'node:url';
import { rNacosProblem, startRNacos } from '../../conformance/nacos/r-nacos.mjs';
import { startServer } from '../../conformance/nacos/start.mjs';
import { cpuSeconds } from '../cpu-time.mjs';
import { pause, pinned, residentBytes, startNode } from '../processes.mjs';
import { SideBySide } from '../side-by-side.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';
import { Client } from './client.mjs';

const quick = process.argv.includes('--quick');
const count = quick ? 200 : 1_000;
const changes = quick ? 10 : 60;
const ms = quick ? 1_000 : 5_000;
const rounds = quick ? 1 : 3;
const loadProgram = fileURLToPath(new URL('load.mjs', import.meta.url));

const problem = rNacosProblem();
const command = pinned('server', []);
const sides = new SideBySide(
  {
    Rollcall: () => startServer([], {}, { command }).then(answering),
    ...(problem === undefined ? { 'r-nacos': () => startRNacos({ command }).then(answering) } : {}),
  },
  { rounds },
);
const { names } = sides;
await sides.start('start, from the command until a gRPC client has its first answer', 1_000);
const { running } = sides;
const floor = startNode('server', [fileURLToPath(new URL('floor.mjs', import.meta.url))]);
const { port: floorPort } = await floor.next();
const ports = Object.fromEntries(names.map((name) => [name, { grpc: running[name].grpcPort, http: running[name].httpPort }]));
const load = startNode('load', [loadProgram, JSON.stringify({ ...ports, floor: { grpc: floorPort } })]);
try {
  await sides.rates(load, 'registrations over gRPC, 64 clients', { task: 'register', connections: 64, ms });
  await sides.ofEach((side) => load.ask({ task: 'batch', side, service: 'thousand', count: 1_000 }));
  await sides.rates(load, 'list of 1,000 instances over gRPC, 8 clients', { task: 'query', service: 'thousand', connections: 8, ms });
  await sides.rates(load, 'heartbeats over HTTP (v1), 32 connections', { task: 'beat', connections: 32, ms });
  await pushes();
} finally {
  await load.stop();
  await floor.stop();
  await sides.stop();
}

sides.report(
  {
    title: 'Rollcall as a Nacos server',
    intro:
      'Written by `node bench/nacos/run.mjs`. Clients are HTTP/2 connections of one Node process, which answer each push; their own time is part of the figures. Medians, with the least and the most of the rounds. The servers have the same core, in turn.',
    remarks: [
      names.length === 1 ? `No Nacos server is measured beside it: ${problem}.` : 'r-nacos 0.8.8 keeps instances of clients in memory only; Rollcall answers a registration when it is on disk.',
      'Nacos itself merges the pushes of a service for 500 ms (`PushConfig`, `pushTaskDelay`), so no push of it comes sooner. Its server is in no package registry: Maven Central has its clients only.',
    ],
  },
  quick ? undefined : new URL('RESULTS.md', import.meta.url),
);

async function pushes() {
  const before = await sides.ofEach((name) => residentBytes(running[name].pid));
  await sides.ofEach((side) => load.ask({ task: 'batch', side, service: 'web', count: 10 }));
  for (const side of [...names, 'floor']) await load.ask({ task: 'subscribe', side, count, service: 'web' });
  await pause(1_000);
  const grown = await sides.ofEach((name) => residentBytes(running[name].pid) - before[name]);
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
  const shown = sides.texts(all, quantiles);
  sides.say(`push to ${count} subscribers, ${changes} changes, from sending the registration`, 'p99 ≤ 50 ms', { ...shown, Rollcall: shown.Rollcall + ofFloor }, p99 <= 50);
  sides.say('the same until the last of the subscribers has it', '', sides.texts(all, ({ lasts, commits }) => `${withSpread(lasts, 0)} ms; the answer to the registration took ${withSpread(commits, 0)} ms`));
  sides.say('CPU time of the server for each push, the answer of the client included', '', sides.texts(all, ({ cpu, times }) => `${((cpu / times.length) * 1e6).toFixed(0)} µs`));
  const memory = await sides.ofEach((name) => residentBytes(running[name].pid));
  sides.say(`memory of ${count} connections with a subscription, and of the server`, '', Object.fromEntries(names.map((name) => [name, `${grown[name] > 0 ? `${(grown[name] / count / 1_000).toFixed(0)} kB each` : 'the resident set did not grow'}; ${(memory[name] / 1e6).toFixed(0)} MB`])));
}

/** Waits until a server that has just opened its ports answers. */
async function answering(server) {
  await firstAnswer(server.grpcPort);
  return server;
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
