/**
 * Consistent hashing: the cost of a lookup, the number of keys that move, the evenness of the shares, and the bound of
 * bounded loads; beside npm `hashring` and Moleculer's shard strategy in the same run.
 *
 *   npm run build && node bench/hashing/run.mjs             two minutes; writes RESULTS.md and the plots
 *   npm run build && node bench/hashing/run.mjs --quick     fewer keys and rounds; writes nothing
 *   … --seed 2                                              other keys
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenders, ringAgain, stringContenders } from './contenders.mjs';
import * as measure from './measures.mjs';
import { plots, report } from './report.mjs';

// Bytes per lookup are visible only if no collection runs meanwhile.
const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
if (globalThis.gc === undefined) {
  const again = [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 1);
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
});
const seed = Number(values.seed);
const timing = { rounds: values.quick ? 5 : 61, roundMs: values.quick ? 2 : 4, calls: 400_000 };
const keys = {
  moves: values.quick ? 20_000 : 100_000,
  perNode: values.quick ? 1000 : 100_000,
  weights: values.quick ? 100_000 : 6_000_000,
  bounds: 100_000,
};

const sizes = [10, 100, 1000];
const placed = contenders.filter(({ timedOnly }) => !timedOnly);
const built = [...placed.filter(({ name }) => name !== 'modulo'), ringAgain];
const hashes = Int32Array.from({ length: 65_536 }, (_, n) => measure.hashAt(seed, n));
const strings = Array.from({ length: 4096 }, (_, n) => `session/${measure.hashAt(seed, n) >>> 0}`);

const loadBefore = loadavg()[0];
const each = (what, counts, work) => counts.map((count) => step(`${what}, ${count} nodes`, () => work(measure.namesOf(count), count)));
const results = {
  ...{ seed, sizes, timing, keys, loadBefore, hashes: hashes.length },
  lookups: each('lookups', sizes, (names) => measure.time(contenders, names, hashes, 'h', timing)),
  strings: each('lookups of strings', [100], (names) => measure.time(stringContenders, names, strings, 'k', timing))[0],
  builds: each('builds', sizes, (names) => built.map((one) => ({ name: one.name, ...measure.buildCost(one, names) }))),
  moves: each('moves', sizes, (_, count) =>
    placed.map((one) => ({ name: one.name, ...measure.moves(one, count, keys.moves, seed) })),
  ),
  balances: each('shares', [10, 100], (_, count) =>
    placed.map((one) => ({ name: one.name, ...measure.balance(one, count, count * keys.perNode, seed) })),
  ),
  weights: step('weights', () =>
    Object.entries(measure.weighted).map(([name, build]) => ({ name, error: measure.weightError(build, keys.weights, seed) })),
  ),
  bounds: each('bounded loads', sizes, (_, count) =>
    measure.boundedNames.map((name) => ({ name, count, ...measure.boundedLoads(name, count, keys.bounds, seed) })),
  ).flat(),
};

const text = report(results);
console.log(text);
if (!values.quick) {
  const write = (name, content) => writeFileSync(new URL(name, import.meta.url), content);
  write('RESULTS.md', text);
  for (const [name, svg] of Object.entries(plots(results))) write(name, svg);
}

function step(name, work) {
  const start = performance.now();
  const result = work();
  process.stderr.write(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
}
