/** Plays one scenario with one client: a registry, five backends, a caller, and the fault; then it stops all of them. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../conformance/free-ports.mjs';
import { pause, startNode } from '../processes.mjs';
import { startRollcall } from '../rollcall.mjs';
import { median, percentile } from '../statistics.mjs';
import { perSecond, warmUp } from './scenarios.mjs';
import { starve } from './starve.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
/** Time of the fault, in milliseconds from the start of the run. */
const harmAtMs = 2_000;
const backendCount = 5;

/**
 * @param client the name of a file of clients/
 * @returns counts, latencies in milliseconds from when a request was due, and CPU time of the caller for each request
 */
export async function runScenario(scenario, { client = 'rollcall-fetch', quick = false }) {
  const { backends: kind = 'http' } = await import(`./clients/${client}.mjs`);
  let server = await startRollcall();
  const registry = {
    stop: () => server.stop(),
    restart: async () => (server = await startRollcall(server.folder, server.port)),
  };
  const ends = [];
  const backends = [];
  let caller;
  try {
    const ports = [];
    for (let n = 0; n < backendCount; n++) ports.push(await freePort());
    const callerPort = await freePort();
    const known = [...ports.map((port, n) => `web-${n}:${port}`), `caller:${callerPort}`].join();
    const env = { ...process.env, ROLLCALL_BENCH_PORTS: known, ROLLCALL_BENCH_CALLER_PORT: String(callerPort) };
    const startBackend = async (n, port = 0) => {
      const backend = startNode('server', [path('backend.mjs'), server.url, `web-${n}`, kind, String(port)], { env });
      await backend.next();
      return backend;
    };
    for (let n = 0; n < backendCount; n++) backends.push(await startBackend(n, ports[n]));
    caller = startNode('load', [path('caller.mjs'), server.url, scenario.method ?? 'GET', client, ports.join()], { env });
    await caller.next();
    await caller.ask({ ask: 'run', ...warmUp });
    await caller.ask({ ask: 'result' });
    if (scenario.cpu !== undefined) ends.push(starve(caller.pid, scenario.cpu));
    const rate = scenario.perSecond ?? perSecond;
    await caller.ask({ ask: 'run', perSecond: rate, seconds: quick ? (scenario.quickSeconds ?? scenario.seconds) : scenario.seconds });
    const result = caller.ask({ ask: 'result' });
    await pause(harmAtMs);
    const openConnections = connectionsTo(caller.pid) / backends.length;
    await scenario.harm({ backends, ports, startBackend, server: registry, quick, atEnd: (end) => ends.push(end) });
    const { latencies, ...counted } = await result;
    const outcome = { ...counted, p50: median(latencies), p99: percentile(latencies, 0.99), p999: percentile(latencies, 0.999), worst: Math.max(...latencies) };
    return { ...outcome, met: scenario.met(outcome, { openConnections: Math.ceil(openConnections) }), openConnections };
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
