/** Runs scenarios on a fleet: each cell in a thread, as many at a time as there are cores. Cells share nothing, so the counts are those of one after the other. */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fleetOf, sizes } from './fleet.mjs';
import { Links, linkNames } from './links.mjs';
import { scenarios } from './scenarios.mjs';

/** Of a thread. A simulation makes many short-lived objects, and the usual limit makes V8 collect them too often. */
const youngMb = 256;

/**
 * @param {object} options
 * @param {'full' | 'small'} options.size
 * @param {number} options.seed
 * @param {readonly string[]} [options.chosen]
 * @param {number} [options.cells] so many of the cells; all by default
 * @param {(line: string) => void} [options.progress]
 */
export async function simulate({ size, seed, chosen = Object.keys(scenarios), cells: most = Infinity, progress = () => {} }) {
  const fleet = fleetOf(sizes[size], seed);
  const indexes = fleet.cells.slice(0, most).map(({ index }) => index);
  const byCell = new Map();
  const waiting = [...indexes];
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), waiting.length) }, async () => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const began = performance.now();
        byCell.set(index, await inThread({ size, seed, chosen, index }));
        progress(`cell ${index}: ${((performance.now() - began) / 1_000).toFixed(0)} s`);
      }
    }),
  );
  const results = chosen.map((name) => {
    const all = new Links();
    const cells = indexes.map((index) => byCell.get(index)[name]);
    for (const cell of cells) all.addAll(cell);
    const { title, seconds } = scenarios[name];
    return { name, title, seconds, simulated: cells.length, links: all.links, facts: all.facts, cells };
  });
  const largestCell = Math.max(...fleet.cells.map(({ services }) => services.reduce((sum, { instances }) => sum + instances, 0)));
  return { size: sizes[size], seed, linkNames, largestCell, scenarios: results };
}

/** @returns {Promise<Record<string, Pick<Links, 'links' | 'facts'>>>} what each scenario has counted in the cell */
function inThread(workerData) {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('cell.mjs', import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngMb, maxOldGenerationSizeMb: 8_192 } });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread of cell ${workerData.index} ended with ${code}`)));
  });
}
