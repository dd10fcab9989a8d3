/** Finding a service by DNS: the most frequent query of resolvers, answered from memory. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../cpu-time.mjs';
import { dnsLoad, dnsQueries } from '../dns-load.mjs';
import { dnsQuery } from '../dns-query.mjs';
import { startNode } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, withSpread } from '../statistics.mjs';

const floorProgram = fileURLToPath(new URL('../floor/node-dgram.mjs', import.meta.url));
const name = 'web.service.consul';
const atLeast = 0.7;

export const row = {
  what: 'DNS SRV with 3 answers over UDP',
  target: `≥ ${atLeast} × bare \`node:dgram\` sending the same bytes`,
  async run({ quick }) {
    const rounds = quick ? 3 : 9;
    const seconds = quick ? 1 : 3;
    const server = await startRollcall();
    const queries = dnsQueries([[name, 'SRV']]);
    let floor;
    try {
      for (let n = 1; n <= 3; n++) {
        const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080 + n };
        await call(server.url, '/v1/agent/service/register', 'PUT', body);
      }
      const answer = await dnsQuery(server.dnsPort, name, 'SRV');
      if (answer.readUInt16BE(6) !== 3) throw new Error(`${answer.readUInt16BE(6)} answers, not 3`);
      const file = join(server.folder, 'answer');
      writeFileSync(file, answer);
      floor = startNode('server', [floorProgram, file]);
      const { port } = await floor.next();
      const measure = async (at, pid) => {
        const before = cpuSeconds(pid);
        const { answers, perSecond } = await dnsLoad(at, queries, { code: 'NOERROR', seconds });
        return { perSecond, cpu: ((cpuSeconds(pid) - before) * 1e6) / answers };
      };
      const bare = [];
      const ours = [];
      for (let round = 0; round <= rounds; round++) {
        bare.push(await measure(port, floor.pid));
        ours.push(await measure(server.dnsPort, server.pid));
      }
      // The first round warmed both up.
      for (const each of [bare, ours]) each.shift();
      const ratios = ours.map(({ perSecond }, round) => perSecond / bare[round].perSecond);
      const cpuRatios = ours.map(({ cpu }, round) => bare[round].cpu / cpu);
      const rate = (all) => `${Math.round(median(all.map(({ perSecond }) => perSecond))).toLocaleString('en-GB')}/s`;
      const cpu = (all) => `${median(all.map((each) => each.cpu)).toFixed(1)} µs`;
      return {
        measured: rate(ours),
        floor: rate(bare),
        result: `${withSpread(ratios, 2)} ×`,
        met: median(ratios) >= atLeast,
        detail: `${answer.length} bytes an answer, A records included; dnsperf, ${rounds} rounds of ${seconds} s each in turn with the floor; CPU time per answer ${cpu(ours)}, of the floor ${cpu(bare)}: ${withSpread(cpuRatios, 2)} ×`,
      };
    } finally {
      queries.remove();
      await floor?.stop();
      await server.remove();
    }
  },
};
