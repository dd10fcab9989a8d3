/**
 * `npm run bench`: measures every target of Rollcall, prints a table, and writes it
 * to RESULTS.md with the machine and the command. A missed target is reported as missed.
 *
 *   npm run bench                          all rows, twenty to thirty minutes; writes bench/RESULTS.md
 *   npm run bench -- --only register       one row, by the name of its file (more --only, more rows); writes nothing
 *   npm run bench -- --quick               fewer and shorter rounds; writes nothing
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from './machine.mjs';

const rowNames = [
  'health-service',
  'check-pass',
  'register',
  'kv-put',
  'kv-get',
  'acl-reads',
  'wrong-tokens',
  'stream-watchers',
  'parked-queries',
  'kill-instance',
  'hundred-thousand',
  'million',
  'large-removals',
  'longest-hold',
  'unrelated-wake-ups',
  'dns-srv',
  'dns-storm',
  'import',
];

const usage = `usage: npm run bench -- [--only ROW]... [--quick]

Without --only it measures all rows, in twenty to thirty minutes, and writes bench/RESULTS.md.

  --only ROW  measures this row; may be given again; writes nothing
  --quick     makes fewer and shorter rounds; writes nothing
  --help      prints this

Rows: ${rowNames.join(', ')}`;

const values = readArguments();
const quick = values.quick ?? false;

const facts = machine();
const results = [];
for (const name of values.only ?? rowNames) {
  const { row } = await import(`./rows/${name}.mjs`);
  process.stderr.write(`${name} … `);
  const result = { name, row, ...(await measure(row)) };
  process.stderr.write(`${result.measured} (${verdict(result)})\n`);
  results.push(result);
}

const report = markdown();
console.log(report);
if (values.only === undefined && !quick) writeFileSync(new URL('RESULTS.md', import.meta.url), report);
if (results.some(({ failed }) => failed)) process.exitCode = 1;

/** Ends the process for `--help` and for a mistake. */
function readArguments() {
  try {
    const options = { only: { type: 'string', multiple: true }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };
    const { values: given } = parseArgs({ options });
    if (given.help === true) {
      console.log(usage);
      process.exit(0);
    }
    const unknown = (given.only ?? []).filter((name) => !rowNames.includes(name));
    if (unknown.length === 0) return given;
    refuse(unknown.length === 1 ? `there is no row ${unknown[0]}` : `there are no rows ${unknown.join(', ')}`);
  } catch (error) {
    refuse(error.message);
  }
}

function refuse(reason) {
  console.error(`${reason}\n\n${usage}`);
  process.exit(2);
}

async function measure(row) {
  try {
    return await row.run({ quick });
  } catch (error) {
    console.error(error);
    return { failed: true, met: false, measured: '–', floor: '–', result: `not measured: ${error.message}`, detail: '' };
  }
}

function verdict({ met, failed }) {
  if (failed) return 'not measured';
  return met ? 'met' : '**missed**';
}

function markdown() {
  const notRun = rowNames.filter((name) => !results.some((result) => result.name === name));
  const missed = results.filter(({ met }) => !met);
  const count = `${results.length - missed.length} of ${results.length} targets met.`;
  return [
    '# Results',
    '',
    `Written by \`npm run bench\`${quick ? ' --quick (fewer and shorter rounds: an indication only)' : ''}. ${count}`,
    ...(notRun.length === 0 ? [] : ['', `Not run: ${notRun.join(', ')}.`]),
    '',
    ...facts.map(([name, value]) => `- ${name}: ${value}`),
    '',
    '| what | to reach | measured: median (lowest to highest) | floor, same run | result | |',
    '|---|---|---|---|---|---|',
    ...results.map((result) => {
      const { row, measured, floor } = result;
      return `| ${row.what} | ${row.target} | ${measured} | ${floor} | ${result.result} | ${verdict(result)} |`;
    }),
    '',
    '## How each was measured',
    '',
    ...results.map(({ row, detail }) => `- ${row.what}: ${detail}.`),
    '',
    ...(missed.some(({ row }) => row.ifMissed) ? ['## What is missed, and why', ''] : []),
    ...missed.filter(({ row }) => row.ifMissed).map(({ row }) => `- ${row.what}: ${row.ifMissed}`),
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\n+$/, '\n');
}
