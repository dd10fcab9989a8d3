/**
 * Compares request rates of a server with its floor: the same load on both in turn, several times
 * over, so that whatever slows the machine down slows both. Each round gives one ratio.
 */

import { fileURLToPath } from 'node:url';
import { load, loader } from './http-load.mjs';
import { startNode } from './processes.mjs';
import { median, withSpread } from './statistics.mjs';

const floorProgram = fileURLToPath(new URL('floor/node-http.mjs', import.meta.url));

/**
 * @param plan see `http-load.mjs`
 * @param floor arguments of `floor/node-http.mjs`
 * @param atLeast the ratio to reach
 */
export async function againstFloor({ url, plan, floor, connections, atLeast, quick }) {
  const rounds = quick ? 3 : 7;
  const seconds = quick ? 1 : 4;
  const floorProcess = startNode('server', [floorProgram, ...floor]);
  try {
    const floorUrl = `http://127.0.0.1:${(await floorProcess.next()).port}`;
    await load(floorUrl, plan, { connections, seconds });
    await load(url, plan, { connections, seconds });
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      const bare = await load(floorUrl, plan, { connections, seconds });
      const ours = await load(url, plan, { connections, seconds });
      pairs.push({ bare, ours, ratio: ours / bare });
    }
    const ratios = pairs.map(({ ratio }) => ratio);
    return {
      measured: rate(median(pairs.map(({ ours }) => ours))),
      floor: rate(median(pairs.map(({ bare }) => bare))),
      result: `${withSpread(ratios, 2)} ×`,
      met: median(ratios) >= atLeast,
      detail: `${loader}, ${connections} connections, ${rounds} rounds of ${seconds} s each in turn with the floor`,
    };
  } finally {
    await floorProcess.stop();
  }
}

const rate = (perSecond) => `${Math.round(perSecond).toLocaleString('en-GB')}/s`;
