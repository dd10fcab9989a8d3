/** One change, ten thousand watchers: how soon the last of them knows. */

import { fileURLToPath } from 'node:url';
import { millisecondsBetween, nanoseconds, pause, startNode } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { percentile, withSpread } from '../statistics.mjs';

const client = fileURLToPath(new URL('../load/stream-watchers.mjs', import.meta.url));

export const row = {
  what: '10,000 stream watchers of one service, one change',
  target: 'all notified ≤ 150 ms after the commit, p99 over 50 changes',
  ifMissed:
    'nearly all of the time is one `write` system call for each socket, about 10 µs on this machine, so that a bare ' +
    'loop over 10,000 sockets needs 100 ms and more; and reading 10,000 messages takes the other core as long',
  async run({ quick }) {
    const count = quick ? 1_000 : 10_000;
    const changes = quick ? 10 : 50;
    const server = await startRollcall();
    const watchers = startNode('load', [client]);
    try {
      for (let n = 0; n < 10; n++) await register(server, n, 0);
      await watchers.ask({ ask: 'expect', count });
      await watchers.ask({ ask: 'connect', port: server.port, count, views: [['web']] });
      await watchers.ask({ ask: 'news' });
      const times = [];
      let bytes = 0;
      for (let change = 1; change <= changes; change++) {
        await pause(100);
        await watchers.ask({ ask: 'expect', count });
        const news = watchers.ask({ ask: 'news' });
        const started = nanoseconds();
        await register(server, change % 10, change);
        const { last, bytes: size } = await news;
        times.push(millisecondsBetween(started, last));
        bytes = size;
      }
      const p99 = percentile(times, 0.99);
      return {
        measured: `${withSpread(times, 0)} ms`,
        floor: '–',
        result: `p99 ${p99.toFixed(0)} ms`,
        met: p99 <= 150,
        detail: `from sending the change (its commit included) until the last of ${count} streams has the whole message of ${bytes} bytes, ${changes} changes; all streams are read by one process on one core, whose own time is part of the figure`,
      };
    } finally {
      await watchers.stop();
      await server.remove();
    }
  },
};

async function register(server, n, change) {
  const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080, Meta: { change: String(change) } };
  await call(server.url, '/v1/agent/service/register', 'PUT', body);
}
