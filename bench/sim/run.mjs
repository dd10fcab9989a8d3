/**
 * Simulations of the shipped balancers, beside what others published. Prints tables; a whole run also writes
 * bench/sim/RESULTS.md and its plots.
 *
 *   npm run build && node bench/sim/run.mjs           all, about ten minutes on one core
 *   node bench/sim/run.mjs --only sinkhole            one scenario, writes nothing
 *   node bench/sim/run.mjs --quick                    2 seeds and shorter runs, about a minute, writes nothing
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { table } from './repeated.mjs';

const names = ['linkerd', 'policies', 'ramp', 'probe-rate', 'hot-quantile', 'few', 'cold-start', 'sinkhole', 'herd'];

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean' } } });
const quick = values.quick ?? false;
const chosen = values.only ?? names;
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no such scenario: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}

const seeds = quick ? 2 : 5;
const size = { quick, seeds };
const sections = [];
const targets = [];
const charts = {};
const begun = process.cpuUsage();
for (const name of chosen) {
  const { scenario } = await import(`./scenarios/${name}.mjs`);
  const started = process.cpuUsage();
  const result = await scenario.measure(size);
  const { user } = process.cpuUsage(started);
  process.stderr.write(`${name}: ${(user / 1e6).toFixed(0)} s of CPU\n`);
  const plots = Object.keys(result.charts ?? {}).map((file) => `![${scenario.title}](plots/${file})`);
  const section = [`## ${scenario.title}`, scenario.about, ...result.parts, ...plots].join('\n\n');
  console.log(`\n${section}`);
  sections.push(section);
  targets.push(...result.targets);
  Object.assign(charts, result.charts);
}

const verdicts = table(
  ['what', 'to reach', 'measured', ''],
  targets.map(({ what, wanted, measured, met }) => [what, wanted, measured, met ? 'met' : '**missed**']),
);
console.log(`\n${verdicts}`);
if (quick || values.only !== undefined) process.exit(0);

const cpu = ((process.cpuUsage(begun).user + process.cpuUsage(begun).system) / 1e6).toFixed(0);
const folder = new URL('.', import.meta.url);
mkdirSync(new URL('plots/', folder), { recursive: true });
for (const [file, svg] of Object.entries(charts)) writeFileSync(new URL(`plots/${file}`, folder), svg);
const head = `# Simulations of the balancers

\`node bench/sim/run.mjs\`, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}: ${seeds} seeds, ${cpu} s of CPU. Figures are means of the
seeds with their 95 % intervals (Student’s t). The model and what it leaves out: [README.md](README.md).

## Targets

${verdicts}`;
writeFileSync(new URL('RESULTS.md', folder), `${[head, ...sections].join('\n\n')}\n`);
