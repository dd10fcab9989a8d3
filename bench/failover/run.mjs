/**
 * Live failover on loopback: real processes, a real registry, the shipped client with nothing configured.
 *
 *   node bench/failover/run.mjs [--only part-of-a-name] [--quick]
 *
 * Writes RESULTS.md beside it. Backends and registry share one core, the caller has the other.
 */

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';
import { pause, startNode } from '../processes.mjs';
import { startRollcall } from '../rollcall.mjs';
import { median, percentile } from '../statistics.mjs';
import { perSecond, scenarios, warmUp } from './scenarios.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
/** When harm is done, in milliseconds from the beginning of the run. */
const harmAtMs = 2_000;

async function run(scenario, quick) {
  let server = await startRollcall();
  const registry = {
    stop: () => server.stop(),
    restart: async () => (server = await startRollcall(server.folder, server.port)),
  };
  const ends = [];
  const backends = [];
  let caller;
  try {
    const startBackend = async (id) => {
      const backend = startNode('server', [path('backend.mjs'), server.url, id]);
      await backend.next();
      return backend;
    };
    for (let n = 0; n < 5; n++) backends.push(await startBackend(`web-${n}`));
    caller = startNode('load', [path('caller.mjs'), server.url, scenario.method ?? 'GET']);
    await caller.next();
    await caller.ask({ ask: 'run', ...warmUp });
    await caller.ask({ ask: 'result' });
    await caller.ask({ ask: 'run', perSecond, seconds: quick ? (scenario.quickSeconds ?? scenario.seconds) : scenario.seconds });
    const result = caller.ask({ ask: 'result' });
    await pause(harmAtMs);
    const openConnections = connectionsTo(caller.pid) / backends.length;
    await scenario.harm({ backends, startBackend, server: registry, quick, atEnd: (end) => ends.push(end) });
    const { sent, failed, failures, latencies, events } = await result;
    const outcome = { sent, failed, events, p50: median(latencies), p99: percentile(latencies, 0.99), p999: percentile(latencies, 0.999), worst: Math.max(...latencies) };
    return { ...outcome, failures, met: scenario.met(outcome, { openConnections: Math.ceil(openConnections) }), openConnections };
  } finally {
    for (const end of ends) end();
    await caller?.stop('SIGKILL');
    for (const backend of backends) await backend.stop('SIGKILL');
    await server.remove();
  }
}

/** Established TCP connections of a process; from /proc, so on Linux only. */
function connectionsTo(pid) {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]];
      } catch {
        return [];
      }
    }),
  );
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.filter((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[3] === '01' && sockets.has(fields[9]);
  }).length;
}

const chosen = scenarios.filter(({ name }) => values.only === undefined || name.includes(values.only));
const rows = [];
for (const scenario of chosen) {
  const outcome = await run(scenario, values.quick);
  const events = Object.entries(outcome.events).map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
  const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : '–');
  rows.push(
    `| ${scenario.name} | ${outcome.sent} | ${outcome.failed} | ${ms(outcome.p50)} / ${ms(outcome.p99)} / ${ms(outcome.p999)} / ${ms(outcome.worst)} | ${events} | ${scenario.target} | ${outcome.met ? 'met' : '**missed**'} |`,
  );
  console.log(rows.at(-1));
  for (const failure of outcome.failures) console.log(`    ${failure}`);
}

if (values.only === undefined) {
  const lines = [
    '# Live failover',
    '',
    'Five backends that answer after 5 ms, one caller with 1,000 requests a second (open loop), harm after 2 s; the client with nothing',
    'configured. Each row is a run of real processes: `node bench/failover/run.mjs`.',
    '',
    '| what happens | sent | failed | p50 / p99 / p99.9 / worst, ms | decisions of the client | target | |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    ...machine().map(([name, value]) => `- ${name}: ${value}`),
    '',
  ];
  writeFileSync(path('RESULTS.md'), lines.join('\n'));
}
process.exit(0);
