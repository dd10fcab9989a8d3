/**
 * Measures Rollcall as a ZooKeeper server beside ZooKeeper 3.9.5, in turn on the same core: start, create, get, set, multi, the fan-out of a
 * watch to 1,000 sessions, 10,000 sessions. Writes RESULTS.md beside this file.
 *
 *   node bench/zookeeper/run.mjs [--quick]     --quick measures less, and writes nothing
 *
 * Without Java and Maven it measures Rollcall alone and says so.
 */

import { fileURLToPath } from 'node:url';
import { startRealZooKeeper, startRollcall, zooKeeperProblem } from '../../conformance/zookeeper/start.mjs';
import { cpuSeconds } from '../cpu-time.mjs';
import { pause, pinned, residentBytes, startNode } from '../processes.mjs';
import { SideBySide } from '../side-by-side.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const quick = process.argv.includes('--quick');
const watchers = quick ? 200 : 1_000;
const changes = quick ? 10 : 60;
const sessions = quick ? 1_000 : 10_000;
const ms = quick ? 1_000 : 5_000;
const rounds = quick ? 1 : 3;
const connections = 32;

const problem = zooKeeperProblem();
const command = pinned('server', []);
/** ZooKeeper has the heap that its own scripts give it. */
const sides = new SideBySide(
  {
    Rollcall: () => startRollcall({ command }),
    ...(problem === undefined ? { ZooKeeper: () => startRealZooKeeper({ command, heapMb: 1_000 }) } : {}),
  },
  { rounds },
);
const { names } = sides;
await sides.start('start, from the command until a client has a session');
const { running } = sides;
const load = startNode('load', [fileURLToPath(new URL('load.mjs', import.meta.url)), JSON.stringify(Object.fromEntries(names.map((name) => [name, running[name].port])))]);
try {
  await sides.rates(load, `create, znodes of 100 bytes, ${connections} sessions`, { task: 'create', connections, ms });
  await sides.rates(load, `create, ephemeral, ${connections} sessions`, { task: 'create', connections, ms, ephemeral: true });
  await sides.rates(load, `set, znodes of 1 kB, ${connections} sessions`, { task: 'access', what: 'set', connections, ms });
  await sides.rates(load, `get, znodes of 1 kB, ${connections} sessions`, { task: 'access', what: 'get', connections, ms });
  for (const [what, operations] of [['set', 10], ['set', 500], ['create', 500]]) {
    await sides.rates(load, `multi of ${operations} ${what}s, znodes of 100 bytes, 4 sessions`, { task: 'multi', what, operations, connections: 4, ms });
  }
  await fanOut();
  await manySessions();
} finally {
  await load.stop();
  await sides.stop();
}

sides.report(
  {
    title: 'Rollcall as a ZooKeeper server',
    intro:
      'Written by `node bench/zookeeper/run.mjs`. Clients are the sessions of one Node process, each with one request at a time; their own time is part of the figures. Medians, with the least and the most of the rounds. The servers have the same core, in turn. Both write to disk before they answer a write.',
    remarks: [names.length === 1 ? `No ZooKeeper is measured beside it: ${problem}.` : 'ZooKeeper 3.9.5 runs as one server, with a heap of at most 1,000 MB and the defaults of its configuration. Its first requests are compiled while they are measured; the rounds after the first show it warm.'],
  },
  quick ? undefined : new URL('RESULTS.md', import.meta.url),
);

async function fanOut() {
  await sides.ofEach((side) => load.ask({ task: 'watch', side, count: watchers }));
  const all = Object.fromEntries(names.map((side) => [side, { times: [], lasts: [], answers: [], cpu: 0 }]));
  for (let change = 0; change < changes; change++) {
    for (const side of names) {
      await pause(50);
      const cpu = cpuSeconds(running[side].pid);
      const { times, answer } = await load.ask({ task: 'change', side });
      all[side].cpu += cpuSeconds(running[side].pid) - cpu;
      all[side].times.push(...times);
      all[side].lasts.push(Math.max(...times));
      all[side].answers.push(answer);
    }
  }
  await sides.ofEach((side) => load.ask({ task: 'endWatch', side }));
  const p99 = percentile(all.Rollcall.times, 0.99);
  sides.say(`watch: a change told to ${watchers} sessions, ${changes} times, from sending the write`, 'p99 ≤ 50 ms', sides.texts(all, ({ times }) => `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`), p99 <= 50);
  sides.say('the same until the last session knows it', '', sides.texts(all, ({ lasts, answers }) => `${withSpread(lasts, 0)} ms; the answer to the write took ${withSpread(answers, 1)} ms`));
  sides.say('CPU time of the server for each session that is told and sets its watch again', '', sides.texts(all, ({ cpu, times }) => `${((cpu / times.length) * 1e6).toFixed(0)} µs`));
}

async function manySessions() {
  const measured = {};
  for (const side of names) {
    const { pid } = running[side];
    const before = residentBytes(pid);
    const cpu = cpuSeconds(pid);
    const { ms: openMs } = await load.ask({ task: 'sessions', side, count: sessions });
    const openCpu = cpuSeconds(pid) - cpu;
    const grown = residentBytes(pid) - before;
    const pings = { done: 0, cpu: 0, ms: [] };
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      const from = cpuSeconds(pid);
      const { done, ms: pingMs } = await load.ask({ task: 'ping', side });
      pings.cpu += cpuSeconds(pid) - from;
      pings.done += done;
      pings.ms.push(pingMs);
    }
    const { ms: endMs } = await load.ask({ task: 'endSessions', side });
    measured[side] = { openMs, openCpu, grown, pings, endMs, memory: residentBytes(pid) };
  }
  sides.say(`${sessions} sessions: until all are open`, '', sides.texts(measured, ({ openMs, openCpu }) => `${(openMs / 1_000).toFixed(1)} s, ${((openCpu / sessions) * 1e6).toFixed(0)} µs of CPU time each`));
  sides.say('memory of a session, and of the server with all of them', '', sides.texts(measured, ({ grown, memory }) => `${grown > 0 ? `${(grown / sessions / 1_000).toFixed(1)} kB` : 'the resident set did not grow'}; ${(memory / 1e6).toFixed(0)} MB`));
  sides.say('a ping of each', '', sides.texts(measured, ({ pings }) => `${((pings.cpu / pings.done) * 1e6).toFixed(1)} µs of CPU time each; all of them in ${withSpread(pings.ms, 0)} ms`));
  sides.say('until all have ended', '', sides.texts(measured, ({ endMs }) => `${(endMs / 1_000).toFixed(1)} s`));
}
