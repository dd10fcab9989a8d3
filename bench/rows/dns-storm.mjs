/** How HTTP latency changes while a client asks DNS for names that do not exist, each of them new. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dnsLoad, dnsQueries } from '../dns-load.mjs';
import { dnsQuery } from '../dns-query.mjs';
import { startNode } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const floorProgram = fileURLToPath(new URL('../floor/node-dgram.mjs', import.meta.url));
const clientProgram = fileURLToPath(new URL('../load/steady-http.mjs', import.meta.url));
const stormPerSecond = 50_000;
const requestsPerSecond = 1_000;
const atMost = 2;

export const row = {
  what: '50,000 DNS queries/s for names that do not exist',
  target: `p99 of HTTP reads ≤ ${atMost} × the same without them`,
  ifMissed:
    'both cores are busy with the storm itself, dnsperf with the one that also times the reads, and the time that a read waits follows the load of the ' +
    'machine: compare the floor, which answers fixed bytes. “No” takes one table look-up and no encoding; two thirds of its processor time are the system ' +
    'call that sends it',
  async run({ quick }) {
    const rounds = quick ? 3 : 7;
    const seconds = quick ? 2 : 5;
    const server = await startRollcall();
    const client = startNode('load', [clientProgram]);
    const storm = dnsQueries(Array.from({ length: 500_000 }, (_, n) => [`wrong-${n}.service.consul`, 'A']));
    let floor;
    try {
      for (let n = 0; n < 10; n++) {
        const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080 };
        await call(server.url, '/v1/agent/service/register', 'PUT', body);
      }
      const file = join(server.folder, 'answer');
      writeFileSync(file, await dnsQuery(server.dnsPort, 'wrong-0.service.consul', 'A'));
      floor = startNode('server', [floorProgram, file, 'http']);
      const bare = await floor.next();

      const rates = [];
      // The row measures the effect of the storm on others; a part of the storm may get lost.
      const raging = { code: 'NXDOMAIN', seconds: seconds + 1, perSecond: stormPerSecond, lostShareMax: 0.05 };
      const p99 = async (url, dnsPort) => {
        const storming = dnsPort === undefined ? undefined : dnsLoad(dnsPort, storm, raging);
        const { latencies } = await client.ask({ ask: 'latencies', url, perSecond: requestsPerSecond, seconds });
        if (storming !== undefined) rates.push((await storming).perSecond);
        return percentile(latencies, 0.99);
      };
      const pair = async (url, dnsPort) => ({ quiet: await p99(url), stormy: await p99(url, dnsPort) });
      const ours = [];
      const theirs = [];
      const url = `${server.url}/v1/health/service/web?passing`;
      for (let round = 0; round <= rounds; round++) {
        theirs.push(await pair(`http://127.0.0.1:${bare.httpPort}/`, bare.port));
        ours.push(await pair(url, server.dnsPort));
      }
      // The first round warmed both up.
      for (const each of [theirs, ours]) each.shift();
      const factors = (pairs) => pairs.map(({ quiet, stormy }) => stormy / quiet);
      const ms = (pairs, which) => median(pairs.map((each) => each[which])).toFixed(1);
      return {
        measured: `p99 ${ms(ours, 'stormy')} ms instead of ${ms(ours, 'quiet')} ms`,
        floor: `${ms(theirs, 'stormy')} ms instead of ${ms(theirs, 'quiet')} ms: ${median(factors(theirs)).toFixed(1)} ×`,
        result: `${withSpread(factors(ours), 1)} ×`,
        met: median(factors(ours)) <= atMost,
        detail: `dnsperf, each name asked once in ten seconds, ${Math.round(median(rates)).toLocaleString('en-GB')} queries/s answered; \`GET /v1/health/service/web?passing\` at a steady ${requestsPerSecond}/s from the same core as dnsperf; ${rounds} rounds of ${seconds} s without and with the storm, in turn with the floor: one process that answers DNS and HTTP with fixed bytes`,
      };
    } finally {
      storm.remove();
      await client.stop();
      await floor?.stop();
      await server.remove();
    }
  },
};
