/**
 * Measures the targets of a cluster, on three nodes and three members of etcd on loopback, and prints a table. A missed target
 * is printed as missed; a shortened row says so.
 *
 *   node bench/cluster/run.mjs                            everything at full length, about half an hour
 *   node bench/cluster/run.mjs --quick                    shorter: an indication only
 *   node bench/cluster/run.mjs --only leader-killed       one row (more --only, more rows)
 *   node bench/cluster/run.mjs --write                    writes bench/cluster/RESULTS.md as well
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';

const rowNames = ['leader-killed', 'node-lost', 'disk-cache', 'reconnect', 'paused-leader', 'reads', 'registrations', 'watch-latency', 'fresh-node', 'workers', 'followed-watch'];

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean' }, write: { type: 'boolean' } } });
const quick = values.quick ?? false;
const names = values.only ?? rowNames;
const unknown = names.filter((name) => !rowNames.includes(name));
if (unknown.length > 0) {
  console.error(`no such row: ${unknown.join(', ')}; there are ${rowNames.join(', ')}`);
  process.exit(2);
}

const results = [];
for (const name of names) {
  const { row } = await import(`./rows/${name}.mjs`);
  process.stderr.write(`${name} … `);
  let result;
  try {
    result = await row.run({ quick });
  } catch (error) {
    console.error(error);
    result = { met: false, measured: `not measured: ${error.message}`, detail: '' };
    process.exitCode = 1;
  }
  process.stderr.write(`${result.measured} (${result.met ? 'met' : 'missed'})\n`);
  results.push({ row, ...result });
}

const report = [
  '# Results of the cluster',
  '',
  `Written by \`node bench/cluster/run.mjs${quick ? ' --quick' : ''}\`${quick ? ', which is shorter: an indication only' : ''}. ${results.filter(({ met }) => met).length} of ${results.length} targets met.`,
  '',
  ...machine().map(([name, value]) => `- ${name}: ${value}`),
  '',
  '| what | to reach | measured | |',
  '|---|---|---|---|',
  ...results.map(({ row, measured, met }) => `| ${row.what} | ${row.target} | ${measured} | ${met ? 'met' : '**missed**'} |`),
  '',
  '## How each was measured',
  '',
  ...results.map(({ row, detail }) => `- ${row.what}: ${detail}.`),
  '',
].join('\n');
console.log(report);
if (values.write) writeFileSync(new URL('RESULTS.md', import.meta.url), report);
process.exit();
