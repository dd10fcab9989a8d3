/** Runs a scenario and reports it: a section of RESULTS.md each, the targets, and the plots. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { table } from './repeated.mjs';

export async function measured(name, size) {
  const { scenario } = await import(`./scenarios/${name}.mjs`);
  const started = process.cpuUsage();
  const { parts, charts = {}, targets } = await scenario.measure(size);
  const { user, system } = process.cpuUsage(started);
  return { title: scenario.title, about: scenario.about, parts, charts, targets, cpuSeconds: (user + system) / 1e6 };
}

export function sectionOf({ title, about, parts, charts }) {
  const plots = Object.keys(charts).map((file) => `![${title}](plots/${file})`);
  return [`## ${title}`, about, ...parts, ...plots].join('\n\n');
}

export function verdictsOf(results) {
  const targets = results.flatMap((result) => result.targets);
  const rows = targets.map(({ what, wanted, measured: found, met }) => [what, wanted, found, met ? 'met' : '**missed**']);
  return table(['what', 'to reach', 'measured', ''], rows);
}

/** RESULTS.md and its plots. */
export function write(results, seeds) {
  const folder = new URL('.', import.meta.url);
  mkdirSync(new URL('plots/', folder), { recursive: true });
  for (const { charts } of results) {
    for (const [file, svg] of Object.entries(charts)) writeFileSync(new URL(`plots/${file}`, folder), svg);
  }
  const cpuSeconds = results.reduce((sum, result) => sum + result.cpuSeconds, 0);
  const head = `# Simulations of the balancers

\`node bench/sim/run.mjs\`, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}: ${seeds} seeds, ${cpuSeconds.toFixed(0)} s of CPU. Figures are means
of the seeds with their 95 % intervals (Student’s t). The model and what it leaves out: [README.md](README.md).

## Targets

${verdictsOf(results)}`;
  writeFileSync(new URL('RESULTS.md', folder), `${[head, ...results.map(sectionOf)].join('\n\n')}\n`);
}
