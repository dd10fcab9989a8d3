/** A change of one service must not reach watchers of other services. */

import { fileURLToPath } from 'node:url';
import { putMany } from '../load/put-many.mjs';
import { pause, startNode } from '../processes.mjs';
import { startRollcall } from '../rollcall.mjs';

const client = fileURLToPath(new URL('../load/stream-watchers.mjs', import.meta.url));
const viewsPerStream = 1_000;

export const row = {
  what: 'change of one service with 10,000 others watched',
  target: '0 wake-ups elsewhere',
  async run({ quick }) {
    const services = quick ? 2_000 : 10_000;
    const changes = 50;
    const server = await startRollcall();
    const watchers = startNode('load', [client]);
    try {
      await putMany(server.url, services, (n) => registration(`other-${n}`, 0));
      await putMany(server.url, 1, () => registration('web', 0));
      const views = Array.from({ length: services / viewsPerStream }, (_, stream) =>
        Array.from({ length: viewsPerStream }, (_unused, n) => `other-${stream * viewsPerStream + n}`),
      );
      await watchers.ask({ ask: 'expect', count: services });
      await watchers.ask({ ask: 'connect', port: server.port, count: views.length, views });
      await watchers.ask({ ask: 'news' });
      await watchers.ask({ ask: 'expect', count: 1 });
      const before = await server.metric('rollcall_wake_ups_total');
      await putMany(server.url, changes, (n) => registration('web', n + 1), 1);
      const wakeUps = (await server.metric('rollcall_wake_ups_total')) - before;
      await pause(500);
      const { news: messages } = await watchers.ask({ ask: 'sofar' });

      // The same change with a watcher: the counter counts, and messages arrive.
      await putMany(server.url, 1, () => registration('other-7', 1));
      await watchers.ask({ ask: 'news' });
      const counted = (await server.metric('rollcall_wake_ups_total')) - before - wakeUps;
      if (counted !== 1) throw new Error(`a change of a watched service woke ${counted} watchers, not 1`);
      return {
        measured: `${wakeUps} wake-ups, ${messages} messages`,
        floor: '–',
        result: `${wakeUps}`,
        met: wakeUps === 0 && messages === 0,
        detail: `${services} services watched over ${views.length} streams, ${changes} changes of another one; a change of a watched one afterwards woke exactly its 1 watcher`,
      };
    } finally {
      await watchers.stop();
      await server.remove();
    }
  },
};

function registration(name, change) {
  return {
    path: '/v1/agent/service/register',
    body: { ID: name, Name: name, Port: 8080, Meta: { change: String(change) } },
  };
}
