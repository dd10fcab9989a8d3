/** A process is killed: the time until no client picks it any more. */

import { fileURLToPath } from 'node:url';
import { millisecondsBetween, nanoseconds, pause, startNode } from '../processes.mjs';
import { startRollcall } from '../rollcall.mjs';
import { median, percentile } from '../statistics.mjs';

const instanceProgram = fileURLToPath(new URL('../load/instance.mjs', import.meta.url));
const pickerProgram = fileURLToPath(new URL('../load/picker.mjs', import.meta.url));

/** Instances alive at a time, each in a separate process. */
const batch = 20;

export const row = {
  what: '`kill -9` of an instance registered by stream',
  target: 'no longer picked by another process ≤ 50 ms, p99 over 100 kills',
  async run({ quick }) {
    const kills = quick ? 20 : 100;
    const server = await startRollcall();
    const picker = startNode('load', [pickerProgram, server.url]);
    const times = [];
    try {
      await picker.next();
      while (times.length < kills) {
        const round = times.length;
        const instances = Array.from({ length: batch }, (_, n) =>
          startNode('load', [instanceProgram, server.url, `web-${round + n}`]),
        );
        for (const instance of instances) {
          const { id } = await instance.next();
          await picker.ask({ ask: 'offers', id });
        }
        await pause(1_000);
        for (const [n, instance] of instances.entries()) {
          const gone = picker.ask({ ask: 'gone', id: `web-${round + n}` });
          const killed = nanoseconds();
          await instance.stop('SIGKILL');
          times.push(millisecondsBetween(killed, (await gone).at));
          await pause(50);
        }
      }
    } finally {
      await picker.stop();
      await server.remove();
    }
    const p99 = percentile(times, 0.99);
    return {
      measured: `p50 ${median(times).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms`,
      floor: '–',
      result: `p99 ${p99.toFixed(1)} ms`,
      met: p99 <= 50,
      detail: `from calling kill until the other process, having got the news, does not get the instance in two rounds of picks; ${times.length} kills of ${batch} processes at a time`,
    };
  },
};
