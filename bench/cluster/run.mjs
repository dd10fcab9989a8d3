/**
 * Measures the targets of a cluster, on three nodes and three members of etcd on loopback, and prints a table. A missed target
 * is printed as missed; a shortened row says so.
 *
 *   node bench/cluster/run.mjs                            everything at full length, about half an hour
 *   node bench/cluster/run.mjs --quick                    shorter: an indication only
 *   node bench/cluster/run.mjs --help                     the rows, and how long each takes
 *   node bench/cluster/run.mjs --only leader-killed       one row (more --only, more rows)
 *   node bench/cluster/run.mjs --write                    writes bench/cluster/RESULTS.md as well
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.mjs';

/** About how long each row takes on two quiet cores, in minutes: at full length, and with `--quick`. */
const rows = {
  'leader-killed': { minutes: [10.5, 1.5], about: 'etcd loses its leader every 10 s under a workload of everything' },
  'node-lost': { minutes: [3, 1], about: 'a node is killed, and one is frozen for 30 s, with 300 clients' },
  'disk-cache': { minutes: [5.5, 1], about: 'all nodes are down for 5 min; clients call from their disk cache' },
  reconnect: { minutes: [1, 0.5], about: '10,000 streams reconnect at once' },
  'paused-leader': { minutes: [1, 0.5], about: 'leaders of a lock are paused past its TTL and write late' },
  reads: { minutes: [1.5, 0.5], about: 'reads of a node on etcd beside the embedded engine' },
  registrations: { minutes: [1, 0.5], about: "registrations through one node on etcd beside etcd's own benchmark" },
  'watch-latency': { minutes: [1, 0.5], about: 'a change on node A until a watcher on node B sees it' },
  'fresh-node': { minutes: [1, 0.5], about: 'a fresh node joins with 100,000 instances' },
  workers: { minutes: [1, 0.5], about: 'two workers beside one process, and node:http likewise' },
  'followed-watch': { minutes: [0.5, 0.2], about: 'a change of a node until a watcher on its follower sees it' },
};
const rowNames = Object.keys(rows);
const help = `node bench/cluster/run.mjs [--only ROW]… [--quick] [--write]

Measures the targets of a cluster on this machine and prints a table; --write also writes bench/cluster/RESULTS.md. Use quiet cores.
Everything takes about ${Math.round(Object.values(rows).reduce((sum, { minutes }) => sum + minutes[0], 0))} minutes, with --quick about ${Math.round(Object.values(rows).reduce((sum, { minutes }) => sum + minutes[1], 0))} (an indication only).

${Object.entries(rows).map(([name, { minutes: [full, short], about }]) => `  ${name.padEnd(15)} ${String(full).padStart(4)} min (${short} quick)  ${about}`).join('\n')}
`;

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' }, only: { type: 'string', multiple: true }, quick: { type: 'boolean' }, write: { type: 'boolean' } } });
if (values.help) {
  console.log(help);
  process.exit();
}
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
