/**
 * Counts how often a run with its first seed catches each planted bug; the table is in README.md.
 *
 *   node conformance/cluster/planted-odds.mjs [RUNS] [PATTERN]
 */

import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const [runs = '10', pattern = ''] = process.argv.slice(2);
const { module } = await runnerImport(fileURLToPath(new URL('planted-bugs.ts', import.meta.url)), { configFile: false, logLevel: 'error' });
console.log('| bug | caught by the first seed | by |\n|---|---|---|');
for (const bug of module.plantedBugs.filter((each) => new RegExp(pattern).test(each.bug))) {
  const by = {};
  let caught = 0;
  for (let run = 0; run < Number(runs); run++) {
    const { found } = await module.runWith(bug, bug.seed);
    if (found.length > 0) caught++;
    for (const checker of found) by[checker] = (by[checker] ?? 0) + 1;
  }
  console.log(`| ${bug.bug} | ${caught} of ${runs} | ${Object.entries(by).map(([checker, count]) => `${checker} ${count}`).join(', ')} |`);
}
