/** How soon a watcher on a follower (an edge node or a worker) sees a change that was made on the primary. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../conformance/free-ports.mjs';
import { pause } from '../../processes.mjs';
import { startRollcall } from '../../rollcall.mjs';
import { percentile } from '../../statistics.mjs';
import { changesSeen, showTimes } from '../watcher.mjs';

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
      const [own, other] = await changesSeen({ writer: primary.url, readers: [primary.url, url], count });
      const both = [...other.keys()].filter((number) => own.has(number));
      const later = both.map((number) => other.get(number) - own.get(number));
      return {
        met: percentile([...other.values()], 0.99) <= limitMs,
        measured: showTimes([...other.values()]),
        detail:
          `${other.size} of ${count} changes of a key, 20 ms apart (some are merged), from the request to node A to the frame of the stream from node B; node A flushes each to the disk; ` +
          `a watcher on node A: ${showTimes([...own.values()])}; how much later node B shows a change than node A: ${showTimes(later)}`,
      };
    } finally {
      edge.kill('SIGTERM');
      await ended;
      await primary.remove();
    }
  },
};
