/** How soon a watcher on one node sees a change that was made on another. */

import { WebSocket } from 'ws';
import { pause } from '../../processes.mjs';
import { percentile } from '../../statistics.mjs';
import { onEtcd } from '../harness.mjs';

const limitMs = 25;

export const row = {
  what: 'change on node A seen by a watcher on node B',
  target: `p99 ≤ ${limitMs} ms on loopback`,
  async run({ quick }) {
    const count = quick ? 200 : 1_000;
    return onEtcd({}, async ({ nodes: [a, b] }) => {
      const socket = new WebSocket(`${b.url.replace(/^http/, 'ws')}/rollcall/v1/stream`);
      const sent = new Map();
      const times = [];
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      socket.send(JSON.stringify({ id: 1, type: 'hello', protocol: 1, client: 'bench' }));
      socket.send(JSON.stringify({ id: 2, type: 'watch', views: [{ kind: 'key', name: 'latency' }] }));
      socket.on('message', (data) => {
        const at = performance.now();
        const frame = JSON.parse(Buffer.from(data).toString());
        for (const { value } of frame.items ?? frame.put ?? []) {
          const number = Buffer.from(value, 'base64').toString();
          if (sent.has(number)) times.push(at - sent.get(number));
          sent.delete(number);
        }
      });
      await pause(500);
      for (let number = 0; number < count; number++) {
        sent.set(String(number), performance.now());
        const answer = await fetch(`${a.url}/v1/kv/latency`, { method: 'PUT', body: String(number) });
        await answer.text();
        await pause(20);
      }
      await pause(1_000);
      socket.close();
      const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
      return {
        met: p99 <= limitMs && times.length === count,
        measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms`,
        detail: `${times.length} of ${count} changes of a key, 20 ms apart, from the request to node A to the frame from node B; etcd does not flush to disk`,
      };
    });
  },
};
