/** How the latency of callers with a token changes while an attacker guesses tokens. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startWithPolicies } from '../acl.mjs';
import { startNode } from '../processes.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const floorProgram = fileURLToPath(new URL('../floor/node-http.mjs', import.meta.url));
const clientProgram = fileURLToPath(new URL('../load/steady-http.mjs', import.meta.url));
const stormProgram = fileURLToPath(new URL('../load/wrong-tokens.mjs', import.meta.url));
const stormPerSecond = 10_000;
const requestsPerSecond = 1_000;
const atMost = 2;
const path = '/v1/health/service/web?passing';

export const row = {
  what: '10,000 requests/s with wrong tokens',
  target: `p99 of reads with a good token ≤ ${atMost} × the same without them`,
  ifMissed:
    'a refusal is one system call and one parsed request, some 20 µs of the server’s core, where the floor’s answer takes 12. ' +
    'At most eight refusals are sent between two polls, so an accepted request does not wait for the answers of a burst, but every request ' +
    'has to be read and its token hashed before it is known to be refused',
  async run({ quick }) {
    const rounds = quick ? 3 : 7;
    const seconds = quick ? 2 : 5;
    const { server, token } = await startWithPolicies(100);
    const client = startNode('load', [clientProgram]);
    const storm = startNode('load', [stormProgram]);
    let floor;
    try {
      const file = join(server.folder, 'answer.json');
      writeFileSync(file, JSON.stringify({ headers: { 'Content-Length': 27 }, body: 'rpc error: ACL not found...' }));
      floor = startNode('server', [floorProgram, 'same-bytes', file]);
      const bare = await floor.next();

      const rates = [];
      const statuses = {};
      const p99 = async (port, stormy) => {
        const raging = stormy ? storm.ask({ ask: 'storm', port, path, perSecond: stormPerSecond, seconds: seconds + 1 }) : undefined;
        const url = `http://127.0.0.1:${port}${path}`;
        const { latencies } = await client.ask({ ask: 'latencies', url, token, perSecond: requestsPerSecond, seconds });
        const { perSecond, answers } = (await raging) ?? {};
        if (stormy && port === server.port) {
          rates.push(perSecond);
          for (const [status, count] of Object.entries(answers)) statuses[status] = (statuses[status] ?? 0) + count;
        }
        return percentile(latencies, 0.99);
      };
      const pair = async (port) => ({ quiet: await p99(port, false), stormy: await p99(port, true) });
      const ours = [];
      const theirs = [];
      for (let round = 0; round <= rounds; round++) {
        theirs.push(await pair(bare.port));
        ours.push(await pair(server.port));
      }
      // The first round warmed both up.
      for (const each of [theirs, ours]) each.shift();
      if (Object.keys(statuses).some((status) => status !== '403' && status !== '429')) {
        throw new Error(`wrong tokens were answered ${JSON.stringify(statuses)}`);
      }
      const factors = (pairs) => pairs.map(({ quiet, stormy }) => stormy / quiet);
      const ms = (pairs, which) => median(pairs.map((each) => each[which])).toFixed(1);
      return {
        measured: `p99 ${ms(ours, 'stormy')} ms instead of ${ms(ours, 'quiet')} ms`,
        floor: `${ms(theirs, 'stormy')} ms instead of ${ms(theirs, 'quiet')} ms: ${median(factors(theirs)).toFixed(1)} ×`,
        result: `${withSpread(factors(ours), 1)} ×`,
        met: median(factors(ours)) <= atMost,
        detail:
          `every token another one, ${Math.round(median(rates)).toLocaleString('en-GB')}/s answered, ${statuses['429'] ?? 0} of them with 429 and ${statuses['403'] ?? 0} with 403; ` +
          `\`GET ${path}\` with a token that has 100 policies at a steady ${requestsPerSecond}/s, from the same core and the same address as the storm; ` +
          `${rounds} rounds of ${seconds} s without and with it, in turn with the floor: bare \`node:http\` that answers fixed bytes`,
      };
    } finally {
      await client.stop();
      await storm.stop();
      await floor?.stop();
      await server.remove();
    }
  },
};
