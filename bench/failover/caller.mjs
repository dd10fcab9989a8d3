/**
 * A caller in a process of its own: so many requests a second, whether or not earlier ones have ended, and
 * a note of how each went. Requests that a slow machine held up are sent late but not left out.
 */

import { connect } from '@rollcall/client';
import { serveQuestions } from '../load/raw-sockets.mjs';

const [registry, method = 'GET'] = process.argv.slice(2);
const counts = {};
const rollcall = await connect({ servers: [registry] });
const web = rollcall.service('web', { onEvent: ({ kind }) => (counts[kind] = (counts[kind] ?? 0) + 1) });
while ((await web.instances()).length === 0) await new Promise((resume) => setTimeout(resume, 20));

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
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * perSecond) + 1);
    for (; sent < due; sent++) pending.push(ask());
    await new Promise((resume) => setTimeout(resume, 1));
  }
  await Promise.all(pending);
  return { sent: total, failed: failures.length, failures: failures.slice(0, 5), latencies, events: { ...counts } };

  async function ask() {
    const at = performance.now();
    try {
      const response = await web.fetch('/', { method, signal: AbortSignal.timeout(10_000) });
      await response.text();
      if (response.ok) latencies.push(Number((performance.now() - at).toFixed(2)));
      else failures.push(`${Math.round(at - started)} ms: status ${response.status}`);
    } catch (error) {
      failures.push(`${Math.round(at - started)} ms: ${error.cause?.code ?? error.name}: ${(error.cause ?? error).message}`);
    }
  }
}
