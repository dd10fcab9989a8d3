/** A thread that runs scenarios on one cell; the cell is made for each again, since a scenario changes it. */

import { parentPort, workerData } from 'node:worker_threads';
import { cellOf, fleetOf, sizes } from './fleet.mjs';
import { Links } from './links.mjs';
import { scenarios } from './scenarios.mjs';
import { Store } from './store.mjs';

const { size, seed, chosen, index } = workerData;
const store = new Store();
const plan = fleetOf(sizes[size], seed).cells[index];
const counted = {};
for (const name of chosen) {
  const links = new Links();
  await scenarios[name].run(cellOf(plan, seed), store, links);
  counted[name] = { links: links.links, facts: links.facts };
}
parentPort.postMessage(counted, []);
