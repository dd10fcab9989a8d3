/**
 * A caller in a separate process: it sends this many requests a second, whether or not earlier ones have ended, and
 * records the outcome of each. The latency of a request counts from the time when it was due, so that a caller that is
 * held up cannot hide it.
 *
 *   node caller.mjs REGISTRY METHOD CLIENT PORTS      CLIENT: a file of clients/; PORTS: of the backends, with commas
 */

import { serveQuestions } from '../load/raw-sockets.mjs';

const [registry, method = 'GET', name = 'rollcall-fetch', ports = ''] = process.argv.slice(2);
const { open } = await import(`./clients/${name}.mjs`);
const { ask: request, counts = {} } = await open({ registry, ports: ports.split(',').filter(Boolean).map(Number) });
const timeoutMs = 10_000;

let running = Promise.resolve();

serveQuestions({
  /** Starts a run; `result` waits for its end. */
  async run({ perSecond, seconds }) {
    running = run(perSecond, seconds);
    return {};
  },
  async result() {
    return await running;
  },
});

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);

async function run(perSecond, seconds) {
  for (const kind of Object.keys(counts)) delete counts[kind];
  const total = perSecond * seconds;
  const latencies = [];
  const failures = [];
  const pending = [];
  const started = performance.now();
  const spent = process.cpuUsage();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * perSecond) + 1);
    for (; sent < due; sent++) pending.push(ask(started + (sent * 1_000) / perSecond));
    await new Promise((resume) => setTimeout(resume, 1));
  }
  await Promise.all(pending);
  const { user, system } = process.cpuUsage(spent);
  const cpuMicroseconds = (user + system) / total;
  return { sent: total, failed: failures.length, failures: failures.slice(0, 5), latencies, events: { ...counts }, cpuMicroseconds };

  async function ask(dueAt) {
    try {
      const status = await request({ method, timeoutMs });
      if (status === 200) latencies.push(Number((performance.now() - dueAt).toFixed(2)));
      else failures.push(`${Math.round(dueAt - started)} ms: status ${status}`);
    } catch (error) {
      failures.push(`${Math.round(dueAt - started)} ms: ${error.cause?.code ?? error.code ?? error.name}: ${(error.cause ?? error).message}`);
    }
  }
}
