/** Writing a key, acknowledged once it is on disk. */

import { againstFloor } from '../against-floor.mjs';
import { startRollcall } from '../rollcall.mjs';

const keys = 10_000;
const valueBytes = 1_024;

export const traffic = {
  // The count is up to seven digits long; it makes every value another one.
  plan: { method: 'PUT', path: '/v1/kv/config/app-#', body: `%${'x'.repeat(valueBytes - 7)}`, numbers: keys },
};

export const row = {
  what: '`PUT /v1/kv/:key`, 1 KB, durable, 64 connections',
  target: '≥ 0.35 × bare `node:http` that reads the same body and answers',
  async run({ quick }) {
    const server = await startRollcall();
    try {
      const result = await againstFloor({ server, ...traffic, floor: ['read'], connections: 64, atLeast: 0.35, quick });
      const commits = await server.metric('rollcall_commit_duration_seconds_count');
      const commands = await server.metric('rollcall_commands_total');
      const grouped = (commands / commits).toFixed(0);
      return {
        ...result,
        detail: `${keys} keys in turn, every value different; ${grouped} commands a commit on average; ${result.detail}`,
      };
    } finally {
      await server.remove();
    }
  },
};
