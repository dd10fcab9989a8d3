/** Blocking queries that wait: the memory of each, and the time until all of them are answered. */

import { fileURLToPath } from 'node:url';
import { millisecondsBetween, nanoseconds, pause, startNode } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const client = fileURLToPath(new URL('../load/parked-queries.mjs', import.meta.url));
const path = '/v1/health/service/web?passing';

export const row = {
  what: '10,000 parked blocking queries',
  target: '≤ 20 KB each; all woken ≤ 500 ms',
  ifMissed:
    'memory is within its target; the time is one answer, that is one `writev`, for each socket, and one process that ' +
    'reads them all: it follows the load of the machine',
  async run({ quick }) {
    const count = quick ? 1_000 : 10_000;
    const server = await startRollcall();
    const queries = startNode('load', [client]);
    try {
      await register(server, 0);
      // Memory that the first requests leave (compiled code, caches) is not a query's cost.
      await queries.ask({ ask: 'connect', port: server.port, count: 100, path });
      await queries.ask({ ask: 'close' });
      await settled();
      const before = server.residentBytes();
      await queries.ask({ ask: 'connect', port: server.port, count, path });
      const times = [];
      let bytesEach = 0;
      let { index } = await queries.ask({ ask: 'woken' });
      for (let change = 1; change <= (quick ? 3 : 10); change++) {
        await queries.ask({ ask: 'park', count, index });
        await untilParked(server, count);
        if (change === 1) {
          await settled();
          bytesEach = (server.residentBytes() - before) / count;
        }
        const woken = queries.ask({ ask: 'woken' });
        const started = nanoseconds();
        await register(server, change);
        const { last, index: next } = await woken;
        times.push(millisecondsBetween(started, last));
        index = next;
      }
      const kilobytes = bytesEach / 1000;
      return {
        measured: `${kilobytes.toFixed(1)} KB each; ${withSpread(times, 0)} ms`,
        floor: '–',
        result: `${kilobytes.toFixed(1)} KB; worst ${Math.max(...times).toFixed(0)} ms`,
        met: kilobytes <= 20 && percentile(times, 1) <= 500,
        detail: `memory: growth of the server's resident set with ${count} connections open and parked, sockets included; time: from sending the change (its commit included) until the last of ${count} connections has its whole answer, ${times.length} changes, median ${median(times).toFixed(0)} ms`,
      };
    } finally {
      await queries.stop();
      await server.remove();
    }
  },
};

async function register(server, change) {
  for (let n = 0; n < (change === 0 ? 10 : 1); n++) {
    const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080, Meta: { change: String(change) } };
    await call(server.url, '/v1/agent/service/register', 'PUT', body);
  }
}

async function untilParked(server, count) {
  while ((await server.metric('rollcall_parked_queries')) < count) await pause(20);
}

/** Lets the server's garbage collector catch up; it runs when it is idle. */
const settled = () => pause(3_000);
