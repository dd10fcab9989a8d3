/**
 * The gain of two workers over one process, beside the gain of bare `node:http` with two workers of `node:cluster`. The load
 * runs on the same two cores. Four servers are measured in turns, so that other programs on the machine slow all of them.
 * The row also has the processor time of each request, which does not depend on the load of the machine.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { registerWeb } from '../../acl.mjs';
import { load } from '../../http-load.mjs';
import { cpuSeconds } from '../../cpu-time.mjs';
import { startNode } from '../../processes.mjs';
import { call, sentHeaders, startRollcall } from '../../rollcall.mjs';
import { median, withSpread } from '../../statistics.mjs';

const floorProgram = fileURLToPath(new URL('../../floor/node-http.mjs', import.meta.url));
const clusterProgram = fileURLToPath(new URL('../../floor/node-http-cluster.mjs', import.meta.url));
const connections = 64;
const plan = { method: 'GET', path: '/v1/health/service/web?passing' };

export const row = {
  what: '`--workers 2` against one process, `GET /v1/health/service/:s?passing`, the load on the same 2 cores',
  target: '≥ 0.85 × of what `node:http` gains with `node:cluster`',
  async run({ quick }) {
    // A minute at most: four servers in each round.
    const [rounds, seconds] = quick ? [3, 1] : [9, 1];
    const one = await startRollcall(undefined, undefined, { role: 'anywhere' });
    const two = await startRollcall(undefined, undefined, { role: 'anywhere', workers: 2 });
    const answer = join(one.folder, 'answer.json');
    const floors = [];
    try {
      await registerWeb(one);
      await registerWeb(two);
      const { headers, text } = await call(one.url, plan.path);
      writeFileSync(answer, JSON.stringify({ headers: sentHeaders(headers), body: text }));
      const bare = async (...args) => {
        const floor = startNode('anywhere', args);
        floors.push(floor);
        return { url: `http://127.0.0.1:${(await floor.next()).port}`, pid: floor.pid };
      };
      const servers = {
        one,
        two,
        bareOne: await bare(floorProgram, 'same-bytes', answer),
        bareTwo: await bare(clusterProgram, '2', 'same-bytes', answer),
      };
      const measure = async () => {
        const figures = {};
        for (const [name, { url, pid }] of Object.entries(servers)) {
          const before = cpuOf(pid);
          const rate = await load(url, plan, { connections, seconds, role: 'anywhere' });
          figures[name] = { rate, cpu: ((cpuOf(pid) - before) / (rate * seconds)) * 1e6 };
        }
        return figures;
      };
      await measure();
      const all = [];
      for (let round = 0; round < rounds; round++) all.push(await measure());
      const ours = all.map((figures) => figures.two.rate / figures.one.rate);
      const theirs = all.map((figures) => figures.bareTwo.rate / figures.bareOne.rate);
      const ratio = median(ours) / median(theirs);
      const typical = (name, figure) => median(all.map((figures) => figures[name][figure]));
      const shown = Object.keys(servers).map((name) => `${name} ${Math.round(typical(name, 'rate')).toLocaleString('en-GB')}/s and ${typical(name, 'cpu').toFixed(1)} µs of processor time for each`);
      return {
        met: ratio >= 0.85,
        measured: `${ratio.toFixed(2)} ×: ${withSpread(ours, 2)} × against ${withSpread(theirs, 2)} ×`,
        detail: `${connections} connections, ${rounds} rounds of ${seconds} s each in turn; ${shown.join('; ')}`,
      };
    } finally {
      for (const floor of floors) await floor.stop();
      rmSync(answer, { force: true });
      await one.remove();
      await two.remove();
    }
  },
};

/** Seconds of processor time of a process and its children so far. */
function cpuOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children].reduce((sum, each) => sum + cpuSeconds(each), 0);
}
