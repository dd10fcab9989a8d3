/**
 * Compares request rates of a server with its floor: the same load on both in turn, several times
 * over, so that other load on the machine slows both. Each round gives one ratio. CPU time is
 * noted beside it: other load on the machine does not change it.
 */

import { fileURLToPath } from 'node:url';
import { cpuSeconds } from './cpu-time.mjs';
import { load, loader } from './http-load.mjs';
import { startNode } from './processes.mjs';
import { median, withSpread } from './statistics.mjs';

const floorProgram = fileURLToPath(new URL('floor/node-http.mjs', import.meta.url));

/**
 * @param server its `url` and `pid`
 * @param plan see `http-load.mjs`
 * @param floor arguments of `floor/node-http.mjs`, or a server like `server`
 * @param atLeast the ratio to reach
 */
export async function againstFloor({ server, plan, floor, connections, atLeast, quick }) {
  const rounds = quick ? 3 : 7;
  const seconds = quick ? 1 : 4;
  const floorProcess = Array.isArray(floor) ? startNode('server', [floorProgram, ...floor]) : undefined;
  const measure = async ({ url, pid }) => {
    const before = cpuSeconds(pid);
    const perSecond = await load(url, plan, { connections, seconds });
    return { perSecond, cpuMicroseconds: ((cpuSeconds(pid) - before) / (perSecond * seconds)) * 1e6 };
  };
  try {
    const bareServer =
      floorProcess === undefined ? floor : { url: `http://127.0.0.1:${(await floorProcess.next()).port}`, pid: floorProcess.pid };
    await measure(bareServer);
    await measure(server);
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      pairs.push({ bare: await measure(bareServer), ours: await measure(server) });
    }
    const ratios = pairs.map(({ bare, ours }) => ours.perSecond / bare.perSecond);
    const typical = (side, figure) => median(pairs.map((pair) => pair[side][figure]));
    const cpu = (side) => `${typical(side, 'cpuMicroseconds').toFixed(1)} µs`;
    return {
      measured: rate(typical('ours', 'perSecond')),
      floor: rate(typical('bare', 'perSecond')),
      result: `${withSpread(ratios, 2)} ×`,
      met: median(ratios) >= atLeast,
      detail:
        `${loader}, ${connections} connections, ${rounds} rounds of ${seconds} s each in turn with the floor; ` +
        `CPU time for each request ${cpu('ours')}, floor ${cpu('bare')}`,
    };
  } finally {
    await floorProcess?.stop();
  }
}

const rate = (perSecond) => `${Math.round(perSecond).toLocaleString('en-GB')}/s`;
