/**
 * Compares what is built here with another commit: the same load on both in turn, and the processor time that each takes for it.
 * Both servers run at the same time on one core, so that other load on the machine hits both; rates would show the machine.
 *
 *   node bench/ab.mjs --base e5595fd                       all rows
 *   node bench/ab.mjs --base e5595fd --only kv-get         one row (more --only, more rows)
 *
 * The other commit is built in a temporary folder with the packages that are installed here, and removed afterwards.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAt } from './build-at.mjs';
import { cpuSeconds } from './cpu-time.mjs';
import { load } from './http-load.mjs';
import { putMany } from './load/put-many.mjs';
import { pause } from './processes.mjs';
import { startRollcall } from './rollcall.mjs';
import { registration } from './rows/hundred-thousand.mjs';
import { median, withSpread } from './statistics.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const instances = 100_000;
/** A row may be this much worse. */
const worseMax = 1.03;

/** Each returns pairs of figures, of the base and of what is built here; less is better. */
const rows = {
  'health-service': requests,
  'check-pass': requests,
  register: requests,
  'kv-put': requests,
  'kv-get': requests,
  memory,
  restart,
};

const usage = `usage: node bench/ab.mjs --base COMMIT [--only ROW]... [--rounds N]

Compares what is built here with another commit. Ends with 1 when a row is worse by more than 3 %.

  --base COMMIT  the commit to compare with
  --only ROW     compares this row; may be given again
  --rounds N     rounds of each row; 9 by default
  --help         prints this

Rows: ${Object.keys(rows).join(', ')}`;

const { base, only = Object.keys(rows), rounds } = readArguments();
const folder = mkdtempSync(join(tmpdir(), 'rollcall-ab-'));
try {
  const roots = [buildAt(base, join(folder, 'base')), here];
  console.log(`| row | ${base} | here | here ÷ ${base}: median (lowest to highest) | |\n|---|---|---|---|---|`);
  for (const name of only) {
    const { unit, pairs, error } = await rows[name](name, roots).catch((failure) => ({ error: failure }));
    if (error !== undefined) {
      process.exitCode = 1;
      console.log(`| ${name} | – | – | not measured: ${error.message} | |`);
      continue;
    }
    const ratios = pairs.map(([before, now]) => now / before);
    const typical = (side) => `${median(pairs.map((pair) => pair[side])).toFixed(1)} ${unit}`;
    const isWorse = median(ratios) > worseMax;
    if (isWorse) process.exitCode = 1;
    console.log(`| ${name} | ${typical(0)} | ${typical(1)} | ${withSpread(ratios, 3)} | ${isWorse ? '**worse**' : 'not worse'} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Processor time of a request. */
async function requests(name, roots) {
  const { traffic } = await import(`./rows/${name}.mjs`);
  return withServers(roots, async (servers) => {
    for (const server of servers) await traffic.prepare?.(server);
    const measure = async ({ url, pid }) => {
      const seconds = 2;
      const before = cpuSeconds(pid);
      const perSecond = await load(url, traffic.plan, { connections: 32, seconds });
      return ((cpuSeconds(pid) - before) / (perSecond * seconds)) * 1e6;
    };
    const together = () => Promise.all(servers.map(measure));
    await together();
    const pairs = [];
    for (let round = 0; round < rounds; round++) pairs.push(await together());
    return { unit: 'µs', pairs };
  });
}

/** Resident memory after 100,000 registrations. */
async function memory(_name, roots) {
  const pairs = [];
  // It varies little, and a round takes a minute.
  for (let round = 0; round < Math.ceil(rounds / 5); round++) {
    pairs.push(await withServers(roots, (servers) => inTurn(servers, async (server) => {
      await putMany(server.url, instances, (n) => registration(n, false));
      await pause(5_000);
      return server.residentBytes() / 1e6;
    })));
  }
  return { unit: 'MB', pairs };
}

/** Processor time from the start of a process to its first answer, on a store of 100,000 instances. */
async function restart(_name, roots) {
  return withServers(roots, async (servers) => {
    for (const server of servers) {
      await putMany(server.url, instances, (n) => registration(n, false));
      await server.stop();
    }
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      pairs.push(await inTurn(servers, async ({ folder: store }, side) => {
        const server = await startRollcall(store, undefined, { root: roots[side] });
        const took = cpuSeconds(server.pid) * 1_000;
        await server.stop();
        return took;
      }));
    }
    return { unit: 'ms', pairs };
  });
}

async function withServers(roots, use) {
  const servers = [];
  try {
    for (const root of roots) servers.push(await startRollcall(undefined, undefined, { root }));
    return await use(servers);
  } finally {
    for (const server of servers) await server.remove();
  }
}

async function inTurn(servers, measure) {
  const figures = [];
  for (const [side, server] of servers.entries()) figures.push(await measure(server, side));
  return figures;
}

/** Ends the process for `--help` and for a mistake. */
function readArguments() {
  try {
    const options = { base: { type: 'string' }, only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '9' }, help: { type: 'boolean', short: 'h' } };
    const { values } = parseArgs({ options });
    const given = String(values.rounds);
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    if (values.base === undefined) throw new Error('name the commit to compare with: --base COMMIT');
    const unknown = values.only?.find((name) => !Object.hasOwn(rows, name));
    if (unknown !== undefined) throw new Error(`there is no row ${unknown}`);
    if (!/^[1-9]\d{0,3}$/.test(given)) throw new Error(`--rounds ${given} is no number from 1 to 9999`);
    return { ...values, rounds: Number(given) };
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}
