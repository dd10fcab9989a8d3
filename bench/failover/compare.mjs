/**
 * The same faults of the same backends, with other clients for Node beside ours, in one run.
 *
 *   node bench/failover/compare.mjs [--only part-of-a-scenario …] [--client name] [--quick]
 *
 * Writes COMPARISON.md beside it, unless it runs one client or `--quick`. The file of each client has its configuration.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';
import { runScenario } from './run-scenario.mjs';
import { compared } from './scenarios.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, client: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const all = ['rollcall', 'undici-round-robin', 'undici-retries', 'consul-watch', 'cockatiel', 'grpc-js', 'moleculer'];
const clients = values.client === undefined ? all : ['rollcall', values.client];
const chosen = compared.filter(({ name }) => values.only === undefined || values.only.some((part) => name.includes(part)));

const rows = [];
for (const scenario of chosen) {
  const cells = [];
  for (const client of clients) {
    process.stderr.write(`${scenario.name}, ${client}: `);
    const outcome = await runScenario(scenario, { client, quick: values.quick });
    cells.push({ client, ...outcome });
    process.stderr.write(`${cell(outcome)}, CPU ${outcome.cpuMicroseconds.toFixed(0)} µs\n`);
    for (const failure of outcome.failures.slice(0, 2)) process.stderr.write(`    ${failure}\n`);
  }
  rows.push({ scenario, cells });
}

function cell({ failed, p50, p99 }) {
  const ms = (value) => (Number.isFinite(value) ? Math.round(value) : '–');
  return `${failed}; ${ms(p50)} / ${ms(p99)}`;
}

/** The fewest failures lead; if they differ by less than 0.1 % of the requests, the lowest p99, within 10 % or 5 ms. */
function verdict({ cells }) {
  const [ours, ...others] = cells;
  const near = (a, b) => Math.abs(a.failed - b.failed) <= ours.sent / 1_000;
  const better = others.filter((other) => (near(other, ours) ? other.p99 + Math.max(5, other.p99 / 10) < ours.p99 : other.failed < ours.failed));
  return better.length === 0 ? 'leads or ties' : `behind ${better.map(({ client }) => client).join(', ')}`;
}

const lines = [
  '# Beside other clients',
  '',
  'Five backends that answer after 5 ms, one caller with 1,000 requests a second (open loop), harm after 2 s. Each cell: failed requests;',
  'median / 99th percentile in milliseconds, counted from when a request was due. All cells are from one run:',
  `\`node bench/failover/compare.mjs${(values.only ?? []).map((part) => ` --only "${part}"`).join('')}\`. The configuration of each client is in its file in [clients/](clients).`,
  '',
  `| what happens | requests | ${clients.join(' | ')} | |`,
  `|---|---|${clients.map(() => '---|').join('')}---|`,
  ...rows.map(({ scenario, cells }) => `| ${scenario.name} | ${cells[0].sent} | ${cells.map(cell).join(' | ')} | ${verdict({ cells })} |`),
  '',
  ...rows.flatMap(({ scenario, cells }) =>
    scenario.cpu === undefined ? [] : [`CPU time of the caller for each request, ${scenario.name}: ${cells.map(({ client, cpuMicroseconds }) => `${client} ${cpuMicroseconds.toFixed(0)} µs`).join(', ')}.`, ''],
  ),
  ...machine().map(([name, value]) => `- ${name}: ${value}`),
  '',
];
console.log(lines.join('\n'));
if (values.client === undefined && !values.quick) writeFileSync(new URL('COMPARISON.md', import.meta.url), lines.join('\n'));
process.exit(0);
