/**
 * A simulation of a large fleet on the registry's own code; see README.md. Prints tables.
 *
 *   npm run build && node bench/scale/run.mjs             10,000,000 instances; some minutes on one core
 *   node bench/scale/run.mjs --small                      20,000 instances, some seconds
 *   node bench/scale/run.mjs --only calm --seed 2         one scenario; another fleet
 *   node bench/scale/run.mjs --cells 1                    the first of the cells alone
 *   node bench/scale/run.mjs --write                      writes bench/scale/RESULTS.md as well
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.mjs';
import { simulate } from './simulate.mjs';
import { headOf, sectionOf } from './report.mjs';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean' }, only: { type: 'string', multiple: true }, seed: { type: 'string', default: '1' }, write: { type: 'boolean' },
    json: { type: 'boolean' }, cells: { type: 'string' },
  },
});
const scenarioNames = Object.keys(scenarios);
const chosen = values.only ?? scenarioNames;
const unknown = chosen.filter((name) => !scenarioNames.includes(name));
const seed = Number(values.seed);
if (unknown.length > 0 || !Number.isInteger(seed) || seed < 1) {
  console.error(unknown.length > 0 ? `no such scenario: ${unknown.join(', ')}; there are ${scenarioNames.join(', ')}` : `the seed is ${values.seed}; it must be an integer from 1`);
  process.exit(2);
}

const cells = values.cells === undefined ? undefined : Number(values.cells);
if (cells !== undefined && !(Number.isInteger(cells) && cells > 0)) {
  console.error(`--cells is ${values.cells}; it must be an integer from 1`);
  process.exit(2);
}

const size = values.small ? 'small' : 'full';
const results = await simulate({ size, seed, chosen, cells, progress: (line) => process.stderr.write(`${line}\n`) });
if (values.json) console.log(JSON.stringify(results));
else {
  const text = [headOf(results), ...results.scenarios.map((scenario) => sectionOf(scenario, results))].join('\n\n');
  console.log(text);
  if (values.write) writeFileSync(new URL('RESULTS.md', import.meta.url), `${text}\n`);
}
