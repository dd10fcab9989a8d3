/**
 * Simulations of the shipped balancers, beside published results. Prints tables; a whole run also writes
 * bench/sim/RESULTS.md and its plots.
 *
 *   npm run build && node bench/sim/run.mjs           all, about ten minutes on one core
 *   node bench/sim/run.mjs --only sinkhole            one scenario, writes nothing
 *   node bench/sim/run.mjs --quick                    2 seeds and shorter runs, about a minute, writes nothing
 */

import { parseArgs } from 'node:util';
import { measured, sectionOf, verdictsOf, write } from './report.mjs';

const names = ['linkerd', 'policies', 'ramp', 'probe-rate', 'hot-quantile', 'few', 'cold-start', 'sinkhole', 'herd', 'zones'];

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean' } } });
const quick = values.quick ?? false;
const chosen = values.only ?? names;
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no such scenario: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}

const seeds = quick ? 2 : 5;
const results = [];
for (const name of chosen) {
  const result = await measured(name, { quick, seeds });
  process.stderr.write(`${name}: ${result.cpuSeconds.toFixed(0)} s of CPU\n`);
  console.log(`\n${sectionOf(result)}`);
  results.push(result);
}
console.log(`\n${verdictsOf(results)}`);
if (!quick && values.only === undefined) write(results, seeds);
