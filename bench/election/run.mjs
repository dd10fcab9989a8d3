/**
 * Measures how fast leadership passes on: from a resignation, and from the death of the leader, until the next leader acts. Writes its part of RESULTS.md
 * beside this file.
 *
 *   node bench/election/run.mjs [--quick]     --quick measures less, and writes nothing
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../conformance/free-ports.mjs';
import { pause, pinned, startNode } from '../processes.mjs';
import { median, percentile } from '../statistics.mjs';
import { targetReport } from '../target-report.mjs';
import { writePart } from './parts.mjs';

const quick = process.argv.includes('--quick');
const resignations = quick ? 50 : 500;
const kills = quick ? 3 : 20;
const program = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));
const candidate = fileURLToPath(new URL('candidate.mjs', import.meta.url));

const rows = [];
const say = (what, target, measured, met) => {
  rows.push({ what, target, measured, met });
  process.stderr.write(`${what}: ${measured}\n`);
};
const figures = (times) => `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms, most ${Math.max(...times).toFixed(1)} ms`;

/** Of so few times the 99th percentile is the longest. */
const fewFigures = (times) => `p50 ${median(times).toFixed(1)} ms, longest ${Math.max(...times).toFixed(1)} ms`;

const server = await start();
try {
  const many = startNode('load', [candidate, server.url, 'many', '10']);
  await many.next();
  const hand = [];
  const floor = [];
  // In turn, so that both see the same machine.
  for (let round = 0; round < 10; round++) {
    hand.push(...(await many.ask({ task: 'resign', count: resignations / 10 })).times);
    floor.push(...(await many.ask({ task: 'floor', count: resignations / 10 })).times);
  }
  await many.stop('SIGKILL');
  const p99 = percentile(hand, 0.99);
  say(
    `resign → the next of 10 candidates acts, ${resignations} times`,
    'p99 ≤ 200 ms',
    `${figures(hand)}; the floor, one durable write and one round trip, in turn: ${figures(floor)}, so the median is ${(median(hand) / median(floor)).toFixed(2)} × the floor`,
    p99 <= 200,
  );
  await pause(12_000);
  for (const [how, target] of [['bound', 1_000], ['ttl', 3_000]]) {
    const { times, floor: seen } = await crashes(how);
    const what = how === 'bound' ? 'SIGKILL of the leader, session bound to its connection → the next acts' : 'the same with a TTL of 2 s';
    say(`${what}, ${kills} times`, how === 'bound' ? 'longest ≤ 1 s' : 'longest ≤ TTL + 1 s', `${fewFigures(times)}; the floor, another process sees the closed socket of one that is killed, in turn: ${fewFigures(seen)}`, Math.max(...times) <= target);
  }
} finally {
  await server.stop();
}

const text = targetReport({
  title: 'Elections',
  intro:
    'Written by `node bench/election/run.mjs`. One durable server; "acts" is the first statement of the leader\'s code, after it has read its own row again.',
  rows,
});
console.log(text);
if (!quick) writePart(text);
if (rows.some(({ met }) => met === false)) process.exitCode = 1;

/** From each kill to the moment at which the next process acts, on the monotonic clock of the machine. */
async function crashes(how) {
  const [times, floor] = [[], []];
  let leader = startNode('load', [candidate, server.url, 'one', how]);
  await leader.next();
  for (let round = 0; round < kills; round++) {
    const heir = startNode('load', [candidate, server.url, 'one', how]);
    const leads = heir.next();
    await waits();
    const at = Number(process.hrtime.bigint()) / 1e6;
    await leader.stop('SIGKILL');
    const { leadsAt } = await leads;
    times.push(leadsAt - at);
    leader = heir;
    floor.push(await closedSocket());
  }
  await leader.stop('SIGKILL');
  await pause(3_000);
  return { times, floor };
}

/** From the kill of a process to the moment at which another one, this one, sees the end of its connection over loopback. */
async function closedSocket() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const victim = startNode('load', ['--eval', `require('node:net').connect(${listener.address().port}, '127.0.0.1')`]);
  const [socket] = await once(listener, 'connection');
  // A reset is an end, too.
  const end = new Promise((resolve) => socket.on('error', () => {}).resume().once('close', resolve));
  const at = process.hrtime.bigint();
  const stopped = victim.stop('SIGKILL');
  await end;
  const ms = Number(process.hrtime.bigint() - at) / 1e6;
  await stopped;
  listener.close();
  return ms;
}

/** Resolves when a candidate waits. */
async function waits() {
  for (;;) {
    const { waiting } = await (await fetch(`${server.url}/rollcall/v1/locks?name=bench`)).json();
    if (waiting.length > 0) return;
    await pause(10);
  }
}

/** The built command line with its durable engine on a fresh folder. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-election-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const [file, ...args] = pinned('server', [process.execPath, program, 'serve', '--http', url.slice(7), '--dns', 'off', '--data-dir', folder, '--log-level', 'warn']);
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  while (!(await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false))) await pause(10);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
