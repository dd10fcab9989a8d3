/** How soon a watcher on a node sees a change that was made on another, which it follows: on a worker, and on an edge node. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { freePort, pause } from '../../processes.mjs';
import { startRollcall } from '../../rollcall.mjs';
import { percentile } from '../../statistics.mjs';

const program = fileURLToPath(new URL('../../../packages/cli/bin/rollcall.mjs', import.meta.url));
const limitMs = 25;

export const row = {
  what: 'change on node A seen by a watcher on node B, which follows A',
  target: `p99 ≤ ${limitMs} ms on loopback`,
  async run({ quick }) {
    const count = quick ? 200 : 1_000;
    const primary = await startRollcall(undefined, undefined, { role: 'anywhere', followers: true });
    const url = `http://127.0.0.1:${await freePort()}`;
    const args = [program, 'serve', '--http', url.slice('http://'.length), '--dns', 'off', '--engine', `node:${primary.url}`, '--node-name', 'edge', '--log-level', 'warn'];
    const edge = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = once(edge, 'exit');
    try {
      while ((await fetch(`${url}/readyz`).catch(() => undefined))?.status !== 200) await pause(20);
      const { own, other } = await changesSeen({ writer: primary.url, reader: url, count });
      const show = (times) => `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms`;
      const both = [...other.keys()].filter((number) => own.has(number));
      const later = both.map((number) => other.get(number) - own.get(number));
      return {
        met: percentile([...other.values()], 0.99) <= limitMs,
        measured: show([...other.values()]),
        detail:
          `${other.size} of ${count} changes of a key, 20 ms apart (some are merged), from the request to node A to the frame of the stream from node B; node A flushes each to the disk; ` +
          `a watcher on node A: ${show([...own.values()])}; how much later node B shows a change than node A: ${show(later)}`,
      };
    } finally {
      edge.kill('SIGTERM');
      await ended;
      await primary.remove();
    }
  },
};

/** For each change, milliseconds from the request to the frame that shows it, on the node itself and on the other one. */
async function changesSeen({ writer, reader, count }) {
  const sent = new Map();
  const [own, other] = [await watcher(writer, sent), await watcher(reader, sent)];
  await pause(500);
  for (let number = 0; number < count; number++) {
    sent.set(String(number), performance.now());
    const answer = await fetch(`${writer}/v1/kv/latency`, { method: 'PUT', body: String(number) });
    await answer.text();
    await pause(20);
  }
  await pause(1_000);
  for (const { socket } of [own, other]) socket.close();
  return { own: own.times, other: other.times };
}

async function watcher(url, sent) {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/rollcall/v1/stream`);
  const times = new Map();
  await once(socket, 'open');
  socket.send(JSON.stringify({ id: 1, type: 'hello', protocol: 1, client: 'bench' }));
  socket.send(JSON.stringify({ id: 2, type: 'watch', views: [{ kind: 'key', name: 'latency' }] }));
  socket.on('message', (data) => {
    const at = performance.now();
    const frame = JSON.parse(Buffer.from(data).toString());
    for (const { value } of frame.items ?? frame.put ?? []) {
      const number = Buffer.from(value, 'base64').toString();
      if (sent.has(number)) times.set(number, at - sent.get(number));
    }
  });
  return { socket, times };
}
