/**
 * Measures configurations: from publishing until 10,000 watchers have applied it, from an alarm until 1,000 clients have the old release
 * again, reading a key, evaluating a flag, the start from the disk cache, and 50,000 configurations of 20 KB on one node. Writes
 * RESULTS.md beside this file.
 *
 *   npm run build && node bench/config/run.mjs [--quick] [--many N] [watchers|alarm|reads|cold-start|many …]
 *   node bench/config/run.mjs --help
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from '@rollcall/client';
import { cpuSeconds } from '../cpu-time.mjs';
import { flagDefinition } from '../example-flag.mjs';
import { freePort } from '../../conformance/free-ports.mjs';
import { nanoseconds, pause, pinned, residentBytes, startNode } from '../processes.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';
import { targetReport } from '../target-report.mjs';
import { measureAlarm } from './alarm.mjs';

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, many: { type: 'string' }, help: { type: 'boolean', default: false } },
});
const { quick } = options;
if (options.help) {
  console.log(`Usage: node bench/config/run.mjs [--quick] [--many N] [ROW …]

Rows, and how long each takes on two quiet cores: watchers (1 minute), alarm (2), reads (1), cold-start (1), many (5 to 10).
With 50,000 configurations the row many takes some 2.5 GB of memory, and 1.3 GB in the folder for temporary files (17 times what 3,000 take).

  --quick    measures less
  --many N   configurations of the row many; 50,000 when not given

Only a run of all rows in full writes RESULTS.md.`);
  process.exit();
}
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const program = file('../../packages/cli/bin/rollcall.mjs');

const rows = [];
const say = (what, target, measured, met) => {
  rows.push({ what, target, measured, met });
  process.stderr.write(`${what}: ${measured}\n`);
};

const tasks = { watchers, alarm, reads, 'cold-start': coldStart, many };
for (const name of chosen) if (!(name in tasks)) throw new Error(`there is no row ${name}; there are ${Object.keys(tasks).join(', ')}`);
for (const [name, task] of Object.entries(tasks)) if (chosen.length === 0 || chosen.includes(name)) await task();

const text = targetReport({
  title: 'Configurations',
  intro:
    'Written by `node bench/config/run.mjs`. Watchers are WebSockets of one process on the other core, which do with each snapshot what the client does: the figures have the time until it has arrived, reading all others before it included, and the time in which it is applied, but not that in which the same process applies it for others. Medians, with the least and the most of the rounds.',
  rows,
});
console.log(text);
if (!quick && options.many === undefined && chosen.length === 0) writeFileSync(new URL('RESULTS.md', import.meta.url), text);
if (rows.some(({ met }) => met === false)) process.exitCode = 1;

async function watchers() {
  const count = quick ? 1_000 : 10_000;
  const changes = quick ? 5 : 20;
  const server = await start();
  const messages = join(server.folder, 'messages.json');
  const load = startNode('load', [file('watchers.mjs')]);
  const bareLoad = startNode('load', [file('watchers.mjs')]);
  let floor;
  try {
    await publish(server, 'watched.properties', contentOf(0, 1_000));
    await load.ask({ ask: 'expect', count });
    await load.ask({ ask: 'connect', port: server.port, count, name: 'fleet/watched.properties' });
    const { text: news } = await load.ask({ ask: 'news' });
    writeFileSync(messages, JSON.stringify({ first: ['{"type":"welcome"}', '{"type":"watching"}', news], news }));
    floor = startNode('server', [file('../floor/fan-out.mjs'), messages]);
    const { port } = await floor.next();
    await bareLoad.ask({ ask: 'expect', count });
    await bareLoad.ask({ ask: 'connect', port, count, name: '' });
    await bareLoad.ask({ ask: 'news' });
    const ours = { times: [], lasts: [], applying: [], cpu: 0, pid: server.pid, load, change: (n) => publish(server, 'watched.properties', contentOf(n, 1_000)) };
    const bare = { times: [], lasts: [], applying: [], cpu: 0, pid: floor.pid, load: bareLoad, change: () => fetch(`http://127.0.0.1:${port}/change`, { method: 'PUT' }) };
    for (let n = 1; n <= changes; n++) {
      for (const each of [bare, ours]) {
        await pause(300);
        await each.load.ask({ ask: 'expect', count });
        const cpu = cpuSeconds(each.pid);
        const since = nanoseconds();
        const applied = each.load.ask({ ask: 'news', since: String(since) });
        await each.change(n);
        const { times, applying } = await applied;
        each.cpu += cpuSeconds(each.pid) - cpu;
        each.times.push(...times);
        each.applying.push(...applying);
        each.lasts.push(Math.max(...times));
      }
    }
    const [p99, bareP99] = [percentile(ours.times, 0.99), percentile(bare.times, 0.99)];
    say(
      `publish → ${count} watchers have applied it, ${changes} releases of ${news.length} bytes on the wire`,
      'p99 ≤ 200 ms',
      `p50 ${median(ours.times).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; the floor, which writes the same bytes to as many sockets and stores nothing, in turn: p50 ${median(bare.times).toFixed(0)} ms, p99 ${bareP99.toFixed(0)} ms, so p99 is ${(p99 / bareP99).toFixed(2)} × the floor`,
      quick ? undefined : p99 <= 200,
    );
    say('the same until the last watcher has applied it', '', `${withSpread(ours.lasts, 0)} ms, the floor ${withSpread(bare.lasts, 0)} ms`);
    say('of it, applying in the client', '', `p50 ${(median(ours.applying) * 1_000).toFixed(0)} µs, p99 ${(percentile(ours.applying, 0.99) * 1_000).toFixed(0)} µs`);
    say('CPU time of the server for each push, with the pings and answers meanwhile that the floor does not have', '', `${((ours.cpu / ours.times.length) * 1e6).toFixed(1)} µs, the floor ${((bare.cpu / bare.times.length) * 1e6).toFixed(1)} µs`);
  } finally {
    await load.stop();
    await bareLoad.stop();
    await floor?.stop();
    await server.remove();
  }
}

async function alarm() {
  const server = await start();
  try {
    await measureAlarm({ server, say, quick, contentOf });
  } finally {
    await server.remove();
  }
}

async function reads() {
  const server = await start();
  try {
    await publish(server, 'reads.properties', contentOf(1, 20_000));
    await publish(server, 'flags', flagDefinition, 'flags');
    const best = JSON.parse(execFileSync(process.execPath, [file('reads.mjs'), server.url], { encoding: 'utf8' }).trim());
    const ns = (name) => best[name].toFixed(0);
    say('read of a key in the client', '≤ 1 µs', `${ns('config.get')} ns; the floor, \`Map.get\` of the same keys: ${ns('Map.get')} ns`, best['config.get'] <= 1_000);
    say('evaluation of a flag with 5 rules in the client', '≤ 5 µs', `${ns('flags.value')} ns; the floor, a function with the same rules: ${ns('by hand')} ns`, best['flags.value'] <= 5_000);
  } finally {
    await server.remove();
  }
}

async function coldStart() {
  const server = await start();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-cache-'));
  try {
    await publish(server, 'reads.properties', contentOf(1, 20_000));
    const rollcall = await connect({ servers: [server.url], cacheDir: folder });
    await rollcall.config('fleet/reads.properties').whenReady();
    await rollcall.close();
    await server.stop();
    const once = (from) => JSON.parse(execFileSync(process.execPath, [file('cold-start.mjs'), from, folder], { encoding: 'utf8' }).trim());
    const [ours, bare] = [[], []];
    for (let round = 0; round < (quick ? 3 : 20); round++) {
      bare.push(once('bare'));
      ours.push(once(server.url));
    }
    const times = ours.map(({ ms }) => ms);
    say(
      'cold start from the disk cache, server down: from `connect` until a configuration of 20 KB is at hand',
      '≤ 50 ms',
      `${withSpread(times, 1)} ms; the floor, reading and parsing the same file: ${withSpread(bare.map(({ ms }) => ms), 1)} ms. Since the process began, Node's own start included: ${withSpread(ours.map(({ sinceStart }) => sinceStart), 0)} ms, the floor ${withSpread(bare.map(({ sinceStart }) => sinceStart), 0)} ms`,
      median(times) <= 50,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.remove();
  }
}

async function many() {
  const count = Number(options.many ?? (quick ? 2_000 : 50_000));
  if (!Number.isInteger(count) || count < 1) throw new Error(`--many is ${options.many}, it must be a whole number`);
  const bytes = 20_000;
  const empty = { starts: [], bytes: [] };
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    const from = performance.now();
    const bare = await start();
    empty.starts.push(performance.now() - from);
    empty.bytes.push(residentBytes(bare.pid));
    await bare.remove();
  }
  let server = await start();
  const publisher = startNode('load', [file('publisher.mjs')]);
  try {
    const before = residentBytes(server.pid);
    const cpu = cpuSeconds(server.pid);
    const { ms } = await publisher.ask({ ask: 'publish', port: server.nacosPort, from: 0, to: count, bytes, connections: 32 });
    const cpuEach = ((cpuSeconds(server.pid) - cpu) / count) * 1e6;
    const after = residentBytes(server.pid);
    const again = await publisher.ask({ ask: 'publish', port: server.nacosPort, from: 0, to: Math.min(count, 2_000), bytes: bytes + 1_000, connections: 32 });
    const disk = folderBytes(server.folder);
    const releases = count + Math.min(count, 2_000);
    say(
      `${count} configurations of ${bytes / 1_000} KB: publish rate, 32 connections, each durable before its answer`,
      'measured',
      `${((count * 1_000) / ms).toFixed(0)} a second on average, ${cpuEach.toFixed(0)} µs of CPU time of the server each; with all of them there, ${((Math.min(count, 2_000) * 1_000) / again.ms).toFixed(0)} a second`,
    );
    const restarts = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      await server.stop();
      const from = performance.now();
      server = await start(server.folder);
      restarts.push(performance.now() - from);
    }
    const loaded = residentBytes(server.pid);
    const [restart, emptyStart, emptyBytes] = [median(restarts), median(empty.starts), median(empty.bytes)];
    say(
      'their memory',
      'measured',
      `${((after - before) / 1e6).toFixed(0)} MB more than empty, ${((after - before) / count / 1_000).toFixed(1)} KB each, what their publishing leaves behind included; after a restart ${((loaded - emptyBytes) / releases / 1_000).toFixed(1)} KB for each of ${releases} releases; ${(disk / 1e6).toFixed(0)} MB on disk`,
    );
    say(
      'restart with them, from the command until ready',
      'measured',
      `${withSpread(restarts, 0)} ms, an empty server ${withSpread(empty.starts, 0)} ms, so ${(((restart - emptyStart) * 1_000) / releases).toFixed(0)} µs for each release; then ${(loaded / 1e6).toFixed(0)} MB resident, an empty server ${(emptyBytes / 1e6).toFixed(0)} MB`,
    );
  } finally {
    await publisher.stop();
    await server.remove();
  }
}

/** The built command line with its durable engine, and the Nacos API to publish by. */
async function start(folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-config-'))) {
  const port = await freePort();
  const nacosPort = await freePort();
  const command = [process.execPath, program, 'serve', '--http', `127.0.0.1:${port}`, '--dns', 'off', '--nacos', `127.0.0.1:${nacosPort}`, '--data-dir', folder, '--log-level', 'warn'];
  const [executable, ...args] = pinned('server', command);
  const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error('the server ended before it was ready');
    if ((await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200) break;
    await pause(2);
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  };
  return {
    ...{ url, port, nacosPort, folder, pid: child.pid, stop },
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function publish({ nacosPort }, dataId, content, type = 'properties') {
  const body = new URLSearchParams({ dataId, group: 'fleet', content, type });
  const answer = await fetch(`http://127.0.0.1:${nacosPort}/nacos/v1/cs/configs`, { method: 'POST', body });
  const said = await answer.text();
  if (said !== 'true') throw new Error(`publishing ${dataId}: ${answer.status} ${said}`);
}

function contentOf(n, bytes) {
  let content = `number=${n}\n`;
  for (let key = 0; content.length < bytes; key++) content += `feature.${key}.setting=value-${(n * 31 + key * 17) % 100_003}\n`;
  return content;
}

function folderBytes(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath ?? entry.path, entry.name)).size : 0), 0);
}
