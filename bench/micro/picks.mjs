/**
 * The cost of a pick: nanoseconds of CPU and bytes for each balancer, by the number of endpoints, and the
 * same for a whole request of the balancer (pick, then observe), beside two bare loops without a
 * balancer as the floor. Every answer carries a report of the server's load, every request a key.
 * Exits with 1 when a pick of 30 endpoints by a balancer that does not hash takes more than 100 ns or
 * allocates.
 *
 *   npm run build && node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128 bench/micro/picks.mjs
 */

import { bareRoundRobin, bareTwoChoices, cases, measure, nodeFlags, picks, prepared, requests, warmUp } from './picks-cost.mjs';

const sizes = [3, 30, 1000];
const rounds = 7;
const nsMost = 100;
/** The measurement itself allocates some kilobytes per round. */
const bytesNoise = 0.05;

if (typeof globalThis.gc !== 'function') {
  console.error(`run with ${nodeFlags.join(' ')}`);
  process.exit(2);
}

warmUp();

console.log(`node ${process.version}; median of ${rounds} rounds of a million calls (a tenth for 1,000 endpoints); seed 1`);
console.log('npm has no @zakkster/lite-pick any more (E404 on 2026-11-20); the bare loops stand where it was to be');
console.log();
console.log('| balancer | weights | endpoints | ns/pick | bytes/pick | ns/pick + observe | bytes/pick + observe |');
console.log('|---|---|---:|---:|---:|---:|---:|');
for (const count of sizes) {
  const endpoints = Array.from({ length: count }, () => ({ inFlight: 1 }));
  const inFlight = new Int32Array(count).fill(1);
  row('bare: `array[i++ % n]`', '', count, await cost(count, (calls) => bareRoundRobin(endpoints, calls)));
  row('bare: the lesser of two', '', count, await cost(count, (calls) => bareTwoChoices(inFlight, calls)));
}
const misses = [];
for (const each of cases) {
  for (const count of sizes) {
    const picking = prepared(each, count);
    const pick = await cost(count, (calls) => picks(picking, calls));
    const asking = prepared(each, count);
    const request = await cost(count, (calls) => requests(asking, calls));
    row(each.name, each.weights, count, pick, request);
    if (count === 30 && !each.hashes && (pick.ns > nsMost || pick.bytes >= bytesNoise)) misses.push(`${each.name} (${each.weights})`);
  }
}
const verdict = misses.length === 0 ? 'met by all' : `missed by ${misses.join(', ')}`;
console.log(`\ntarget, n = 30, but for those that hash: at most ${nsMost} ns and 0 bytes per pick: ${verdict}`);
process.exitCode = misses.length === 0 ? 0 : 1;

async function cost(count, run) {
  return await measure(run, count === 1000 ? 100_000 : 1_000_000, rounds);
}

function row(name, weights, count, pick, request) {
  const cells = [name, weights, count, pick.ns.toFixed(1), pick.bytes.toFixed(2)];
  cells.push(...(request === undefined ? ['', ''] : [request.ns.toFixed(1), request.bytes.toFixed(2)]));
  console.log(`| ${cells.join(' | ')} |`);
}
