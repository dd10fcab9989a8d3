/**
 * Live failover on loopback: real processes, a real registry, the shipped client without configuration.
 *
 *   node bench/failover/run.mjs [--only part-of-a-name] [--quick]
 *
 * Writes RESULTS.md beside it. Backends and registry share one core, the caller has the other.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';
import { runScenario } from './run-scenario.mjs';
import { scenarios } from './scenarios.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const chosen = scenarios.filter(({ name }) => values.only === undefined || name.includes(values.only));
const rows = [];
for (const scenario of chosen) {
  const outcome = await runScenario(scenario, { quick: values.quick });
  const events = Object.entries(outcome.events).map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
  const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : '–');
  rows.push(
    `| ${scenario.name} | ${outcome.sent} | ${outcome.failed} | ${ms(outcome.p50)} / ${ms(outcome.p99)} / ${ms(outcome.p999)} / ${ms(outcome.worst)} | ${events} | ${scenario.target} | ${outcome.met ? 'met' : '**missed**'} |`,
  );
  console.log(rows.at(-1));
  for (const failure of outcome.failures) console.log(`    ${failure}`);
}

if (values.only === undefined && !values.quick) {
  const lines = [
    '# Live failover',
    '',
    'Five backends that answer after 5 ms, one caller with 1,000 requests a second (open loop), harm after 2 s; the client with nothing',
    'configured. Latency counts from when a request was due. Each row is a run of real processes: `node bench/failover/run.mjs`.',
    'Beside other clients: [COMPARISON.md](COMPARISON.md).',
    '',
    '| what happens | sent | failed | p50 / p99 / p99.9 / worst, ms | decisions of the client | target | |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    ...machine().map(([name, value]) => `- ${name}: ${value}`),
    '',
  ];
  writeFileSync(new URL('RESULTS.md', import.meta.url), lines.join('\n'));
}
process.exit(0);
