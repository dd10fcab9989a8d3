/** Runs scenarios on a fleet, one cell after the other: cells share nothing, so one at a time is in memory. */

import { calm } from './calm.mjs';
import { cellOf, fleetOf, sizes } from './fleet.mjs';
import { Links, linkNames } from './links.mjs';
import { reconnect } from './reconnect.mjs';
import { redeploy } from './redeploy.mjs';
import { Store } from './store.mjs';
import { zone, zones } from './zone.mjs';

/** What is simulated, and the seconds over which its traffic is spread in the tables. */
const scenarios = {
  calm: { run: calm, title: 'A calm hour', seconds: 3_600 },
  redeploy: { run: redeploy, title: 'A redeploy of the whole fleet within an hour', seconds: 3_600 },
  zone: { run: zone, title: 'The loss of one of three zones, 40 minutes', seconds: 2_400 },
  zones: { run: zones, title: 'The loss of two of three zones, 40 minutes', seconds: 2_400 },
  reconnect: { run: reconnect, title: 'A reconnect storm, the first minute', seconds: 65 },
};

export const scenarioNames = Object.keys(scenarios);

/**
 * @param {object} options
 * @param {'full' | 'small'} options.size
 * @param {number} options.seed
 * @param {readonly string[]} [options.chosen]
 * @param {number} [options.cells] so many of the cells; all by default
 * @param {(line: string) => void} [options.progress]
 */
export async function simulate({ size, seed, chosen = scenarioNames, cells: most = Infinity, progress = () => {} }) {
  const store = new Store();
  const fleet = fleetOf(sizes[size], seed);
  const results = [];
  for (const name of chosen) {
    const { run, title, seconds } = scenarios[name];
    const began = performance.now();
    const links = new Links();
    const cells = [];
    for (const plan of fleet.cells.slice(0, most)) {
      const own = new Links();
      await run(cellOf(plan, seed), store, own);
      links.addAll(own);
      cells.push(own);
    }
    progress(`${name}: ${((performance.now() - began) / 1_000).toFixed(0)} s, ${Math.round(process.memoryUsage().rss / 1e6)} MB`);
    results.push({ name, title, seconds, simulated: cells.length, links: links.links, facts: links.facts, cells: cells.map((cell) => ({ links: cell.links, facts: cell.facts })) });
  }
  return { size: sizes[size], seed, linkNames, largestCell: Math.max(...fleet.cells.map(({ services }) => services.reduce((sum, { instances }) => sum + instances, 0))), scenarios: results };
}
