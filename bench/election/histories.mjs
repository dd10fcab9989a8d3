/**
 * Plays elections under faults in simulated time, 10,000 histories by default, and writes what they had and found into RESULTS.md beside this file. The
 * histories and their checks are those of `conformance/election/simulation.test.ts`; figures do not depend on the speed of the machine.
 *
 *   node bench/election/histories.mjs [--runs 10000] [--seed 1] [--dry-run]     --dry-run writes nothing
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { targetReport } from '../target-report.mjs';
import { writePart } from './parts.mjs';

const { values } = parseArgs({ options: { 'runs': { type: 'string', default: '10000' }, 'seed': { type: 'string', default: '1' }, 'dry-run': { type: 'boolean', default: false } } });
const [runs, seed] = [Number(values.runs), Number(values.seed)];
if (![runs, seed].every((each) => Number.isSafeInteger(each) && each > 0)) throw new Error(`--runs is ${values.runs} and --seed is ${values.seed}; both must be whole numbers, 1 or more`);

const test = 'conformance/election/simulation.test.ts';
const { stdout, stderr } = spawnSync('npx', ['vitest', 'run', test, '--testNamePattern', 'histories with faults'], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  encoding: 'utf8',
  env: { ...process.env, NO_COLOR: '1', ROLLCALL_RUNS: String(runs), ROLLCALL_SEED: String(seed) },
  maxBuffer: 2 ** 26,
});
// The test prints it only when every history has passed every check.
const told = /^\d+ histories of (\d+) s: (\{.*\})$/m.exec(stderr + stdout);
if (told === null) process.stderr.write(stdout + stderr);
const [, seconds, counts] = told ?? [];
const { grants, beliefs, accepted, refused } = JSON.parse(counts ?? '{}');
const faults = /\(seed \d+, at \d+ ms\)/.exec(stdout + stderr)?.[0] ?? 'see the output';

const text = targetReport({
  title: 'Histories with faults',
  intro:
    `Written by \`node bench/election/histories.mjs\`, which plays [these](../../${test}) with the seeds ${seed} to ${seed + runs - 1}: each a minute of simulated time with three clients, pauses, kills, cut links, late messages, a server that restarts, and clocks whose rates differ by up to 10 %. ` +
    'A write is accepted by a resource that refuses a token lower than one it has seen.',
  rows: [
    {
      what: `accepted tokens that overlap, and beliefs in a leadership that has ended, in ${runs.toLocaleString('en')} histories`,
      target: '0',
      measured:
        told === null
          ? `some: ${faults}`
          : `0; ${grants.toLocaleString('en')} grants, ${accepted.toLocaleString('en')} writes accepted and ${refused.toLocaleString('en')} refused, ${beliefs.toLocaleString('en')} looks at a leadership, ${((runs * Number(seconds)) / 3_600).toFixed(0)} hours of simulated time`,
      met: told !== null,
    },
  ],
});
console.log(text);
if (!values['dry-run']) writePart(text);
if (told === null) process.exitCode = 1;
