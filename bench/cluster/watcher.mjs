/** Measures when watchers on the native stream of one or more nodes see changes of a key that come 20 ms apart. */

import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { pause } from '../processes.mjs';
import { percentile } from '../statistics.mjs';

/**
 * For each reader, the milliseconds from the request to the writer until the frame that shows the change, by the number of the
 * change. A frame may show several changes as one; then only the last of them has a time.
 */
export async function changesSeen({ writer, readers, count }) {
  const sent = new Map();
  const watchers = [];
  for (const url of readers) watchers.push(await watcher(url, sent));
  await pause(500);
  for (let number = 0; number < count; number++) {
    sent.set(String(number), performance.now());
    const answer = await fetch(`${writer}/v1/kv/latency`, { method: 'PUT', body: String(number) });
    await answer.text();
    await pause(20);
  }
  await pause(1_000);
  for (const { socket } of watchers) socket.close();
  return watchers.map(({ times }) => times);
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
      if (sent.has(number) && !times.has(number)) times.set(number, at - sent.get(number));
    }
  });
  return { socket, times };
}

export function showTimes(times) {
  return `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms`;
}
