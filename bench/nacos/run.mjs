/**
 * Measures Rollcall as a Nacos server: pushes to 1,000 subscribers, registrations, lists and heartbeats, memory, and the start. Writes
 * RESULTS.md beside this file.
 *
 *   node bench/nacos/run.mjs [--quick]     --quick measures less, and writes nothing
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine } from '../machine.mjs';
import { cpuSeconds } from '../cpu-time.mjs';
import { freePort, pause, pinned, residentBytes, startNode } from '../processes.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';
import { Client } from './client.mjs';

const quick = process.argv.includes('--quick');
const count = quick ? 200 : 1_000;
const changes = quick ? 10 : 60;
const ms = quick ? 1_000 : 5_000;
const rounds = quick ? 1 : 3;
const program = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));
const loadProgram = fileURLToPath(new URL('load.mjs', import.meta.url));

const rows = [];
const say = (what, target, measured, met) => {
  rows.push({ what, target, measured, met });
  process.stderr.write(`${what}: ${measured}\n`);
};

const starts = [];
const startsCpu = [];
for (let round = 0; round < rounds; round++) {
  const server = await start();
  starts.push(server.startMs);
  startsCpu.push(cpuSeconds(server.pid) * 1_000);
  await server.stop();
}
say('start, from the command until a gRPC client has its first answer', '≤ 1 s', `${withSpread(starts, 0)} ms, with ${withSpread(startsCpu, 0)} ms of CPU time`, median(starts) <= 1_000);

const server = await start();
const floor = startNode('server', [fileURLToPath(new URL('floor.mjs', import.meta.url))]);
const { port: floorPort } = await floor.next();
const load = startNode('load', [loadProgram, String(server.grpcPort), String(server.httpPort), String(floorPort)]);
try {
  const registers = [];
  for (let round = 0; round < rounds; round++) registers.push((await load.ask({ task: 'register', connections: 64, ms })).perSecond);
  say('registrations over gRPC, 64 clients, each durable before its answer', '', `${withSpread(registers, 0)} a second`);

  await load.ask({ task: 'batch', service: 'thousand', count: 1_000 });
  const queries = [];
  let size = 0;
  for (let round = 0; round < rounds; round++) {
    const asked = await load.ask({ task: 'query', service: 'thousand', connections: 8, ms });
    queries.push(asked.perSecond);
    size = asked.size;
  }
  say(`list of 1,000 instances over gRPC, 8 clients, ${(size / 1_000).toFixed(0)} kB each`, '', `${withSpread(queries, 0)} a second`);

  const beats = [];
  for (let round = 0; round < rounds; round++) beats.push((await load.ask({ task: 'beat', connections: 32, ms })).perSecond);
  say('heartbeats over HTTP (v1), 32 connections', '', `${withSpread(beats, 0)} a second`);

  const before = residentBytes(server.pid);
  await load.ask({ task: 'batch', service: 'web', count: 10 });
  await load.ask({ task: 'subscribe', count, service: 'web' });
  await load.ask({ task: 'subscribe', count, service: 'web', bare: true });
  await pause(1_000);
  const grown = residentBytes(server.pid) - before;
  const ours = { all: [], lasts: [], commits: [], cpu: 0 };
  const bare = { all: [], lasts: [], commits: [], cpu: 0 };
  for (let number = 1; number <= changes; number++) {
    for (const [of, pid] of [[ours, server.pid], [bare, floor.pid]]) {
      // Apart, so that each change is pushed at once; further changes within 50 ms are pushed together.
      await pause(100);
      const cpu = cpuSeconds(pid);
      const { times, commit } = await load.ask({ task: 'change', service: 'web', number, bare: of === bare });
      of.all.push(...times);
      of.lasts.push(Math.max(...times));
      of.commits.push(commit);
      of.cpu += cpuSeconds(pid) - cpu;
    }
  }
  const p99 = percentile(ours.all, 0.99);
  const bareP99 = percentile(bare.all, 0.99);
  const [pushes, barePushes] = [ours, bare].map(({ all }) => `p50 ${median(all).toFixed(1)} ms, p99 ${percentile(all, 0.99).toFixed(1)} ms`);
  say(
    `push to ${count} subscribers, ${changes} changes, from sending the registration`,
    'p99 ≤ 50 ms',
    `${pushes}; the floor, which writes the same to as many streams and stores nothing, in turn: ${barePushes}, so p99 is ${(p99 / bareP99).toFixed(2)} × the floor`,
    p99 <= 50,
  );
  say('the same until the last of the subscribers has it', '', `${withSpread(ours.lasts, 0)} ms, the floor ${withSpread(bare.lasts, 0)} ms; the answer to the registration took ${withSpread(ours.commits, 0)} ms`);
  say('CPU time of the server for each push, the answer of the client included', '', `${((ours.cpu / ours.all.length) * 1e6).toFixed(0)} µs, the floor ${((bare.cpu / bare.all.length) * 1e6).toFixed(0)} µs`);
  say(`memory of ${count} connections with a subscription`, '', `${(grown / count / 1_000).toFixed(0)} kB each; the server has ${(residentBytes(server.pid) / 1e6).toFixed(0)} MB`);
} finally {
  await load.stop();
  await floor.stop();
  await server.stop();
}

const text = markdown();
console.log(text);
if (!quick) writeFileSync(new URL('RESULTS.md', import.meta.url), text);
if (rows.some(({ met }) => met === false)) process.exitCode = 1;

/** The built command line with its durable engine on a fresh folder. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-nacos-'));
  const httpPort = await freePort();
  let port = await freePort();
  while (port > 64_535) port = await freePort();
  const [file, ...args] = pinned('server', [process.execPath, program, 'serve', '--http', `127.0.0.1:${httpPort}`, '--dns', 'off', '--nacos', `127.0.0.1:${port}`, '--data-dir', folder, '--log-level', 'warn']);
  const from = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  for (;;) {
    const client = new Client(port + 1_000);
    try {
      await client.ask('ServerCheckRequest', {});
      break;
    } catch {
      await pause(2);
    } finally {
      client.close();
    }
  }
  const startMs = performance.now() - from;
  return {
    ...{ httpPort, grpcPort: port + 1_000, startMs, pid: child.pid },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function markdown() {
  const facts = machine().filter(([name]) => name !== 'HTTP load');
  return [
    '# Rollcall as a Nacos server',
    '',
    'Written by `node bench/nacos/run.mjs`. Clients are HTTP/2 connections of one Node process, which answer each push; their own time is part of the figures. Medians, with the least and the most of the rounds.',
    '',
    '| what | target | measured | met |',
    '|---|---|---|---|',
    ...rows.map(({ what, target, measured, met }) => `| ${what} | ${target} | ${measured} | ${met === undefined ? '' : met ? 'yes' : '**no**'} |`),
    '',
    'No Nacos server is measured beside it: none could be obtained here. Nacos merges the pushes of a service for 500 ms (`PushConfig`, `pushTaskDelay`), so no push of it comes sooner.',
    '',
    ...facts.map(([name, value]) => `- ${name}: ${value}`),
    `- Load of the machine at the end, 1 and 5 minutes: ${loadavg().slice(0, 2).map((each) => each.toFixed(1)).join(', ')}`,
    '',
  ].join('\n');
}
