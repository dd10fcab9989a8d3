/**
 * Consistent hashing: what a lookup costs, how many keys move, how even the shares are, and whether the
 * bound of bounded loads holds; beside npm `hashring` and Moleculer's shard strategy in the same run.
 *
 *   npm run build && node bench/hashing/run.mjs             some minutes; writes RESULTS.md and the plots
 *   npm run build && node bench/hashing/run.mjs --quick     fewer keys and rounds; writes nothing
 *   … --seed 2                                              other keys
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { barChart, lineChart } from '../svg.mjs';
import { contenders, ringAgain, stringContenders } from './contenders.mjs';
import * as measure from './measures.mjs';

// Bytes per lookup are seen only when nothing is collected meanwhile.
const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
if (globalThis.gc === undefined) {
  const { status } = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } } });
const quick = values.quick;
const seed = Number(values.seed);
const sizes = [10, 100, 1000];
const timing = quick ? { rounds: 5, roundMs: 2 } : { rounds: 61, roundMs: 4 };
const placed = contenders.filter(({ timedOnly }) => !timedOnly);
const built = [...placed.filter(({ name }) => name !== 'modulo'), ringAgain];
const startLoad = loadavg()[0];

const hashes = Int32Array.from({ length: 65_536 }, (_, n) => measure.hashAt(seed, n));
const keys = Array.from({ length: 4096 }, (_, n) => `session/${measure.hashAt(seed, n) >>> 0}`);

const lookups = sizes.map((count) => step(`lookups, ${count} nodes`, () => measure.time(contenders, measure.namesOf(count), hashes, 'h', { ...timing, calls: 400_000 })));
const strings = step('lookups of strings', () => measure.time(stringContenders, measure.namesOf(100), keys, 'k', { ...timing, calls: 400_000 }));
const builds = sizes.map((count) =>
  step(`builds, ${count} nodes`, () => built.map((one) => ({ name: one.name, ...measure.buildCost(one, measure.namesOf(count)) }))),
);
const moves = sizes.map((count) => step(`moves, ${count} nodes`, () => placed.map((one) => ({ name: one.name, ...measure.moves(one, count, quick ? 20_000 : 100_000, seed) }))));
const keysPerNode = quick ? 1000 : 100_000;
const balances = [10, 100].map((count) => step(`balance, ${count} nodes`, () => placed.map((one) => ({ name: one.name, ...measure.balance(one, count, count * keysPerNode, seed) }))));
const weights = step('weights', () => Object.entries(measure.weighted).map(([name, build]) => ({ name, error: measure.weightError(build, quick ? 100_000 : 6_000_000, seed) })));
const bounds = [10, 100, 1000].flatMap((count) =>
  step(`bounded loads, ${count} nodes`, () => measure.boundedNames.map((name) => ({ name, count, ...measure.boundedLoads(name, count, quick ? 10_000 : 100_000, seed) }))),
);

const at1000 = (name) => lookups[2].find((one) => one.name === name);
const excess = (name) => Math.max(...moves.map((list) => list.find((one) => one.name === name)).flatMap(({ leave, join }) => [leave.excess, join.excess]));
const targets = [
  ...[['Maglev', 20], ['Memento', 80], ['ring', 150]].map(([name, most]) => ({
    ...{ what: `${name} lookup, n = 1000`, wanted: `≤ ${most} ns`, got: `${at1000(name).ns.toFixed(1)} ns`, met: at1000(name).ns <= most },
  })),
  ...['ring', 'rendezvous', 'Memento', 'jump'].map((name) => ({
    ...{ what: `excess moves, ${name}${name === 'jump' ? ' (last one)' : ''}`, wanted: '0', got: percent(excess(name)), met: excess(name) === 0 },
  })),
  { what: 'excess moves, Maglev', wanted: '< 1 %', got: percent(excess('Maglev')), met: excess('Maglev') < 0.01 },
  {
    ...{ what: 'bounded loads, any structure', wanted: 'max ≤ ⌈1.25 · mean⌉ after every key', met: bounds.every(({ broken, most, bound }) => broken === 0 && most <= bound) },
    got: `${bounds.reduce((sum, { broken }) => sum + broken, 0)} breaches in ${bounds.length} runs`,
  },
];

const report = markdown();
console.log(report);
if (!quick) {
  const write = (name, text) => writeFileSync(new URL(name, import.meta.url), text);
  write('RESULTS.md', report);
  for (const [name, svg] of Object.entries(plots())) write(name, svg);
}

function markdown() {
  const [cpu] = cpus();
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  return `# Hashing

Written by \`node bench/hashing/run.mjs${seed === 1 ? '' : ` --seed ${seed}`}\`. ${targets.filter(({ met }) => met).length} of ${targets.length} targets met.

${cpu.model.trim()}, ${availableParallelism()} cores, load ${startLoad.toFixed(1)} at the start and ${loadavg()[0].toFixed(1)} at the end; Node ${process.version}; commit ${commit}; ${date} UTC.

${table(['what', 'to reach', 'measured', ''], targets.map(({ what, wanted, got, met }) => [what, wanted, got, met ? 'met' : '**missed**']))}
## A lookup

Nanoseconds of CPU per lookup of a 32-bit hash: median of ${timing.rounds} rounds (the fastest round), loop included; in brackets × the floor, a
\`Map\` that has an entry for each of the ${hashes.length.toLocaleString('en')} hashes asked for. The last column is the growth of the heap with 1,000 nodes.

${table(
  ['structure', ...sizes.map((count) => `n = ${count}`), 'bytes per lookup'],
  contenders.map(({ name }, index) => [name, ...lookups.map((list) => nanos(list[index], list.at(-1))), lookups[2][index].bytes.toFixed(1)]),
)}
![Lookup](lookup.svg)

Whole strings of 15 to 18 characters, 100 nodes. hashring's and Moleculer's caches of answers are off: a hit in a cache tells nothing of what
is behind it.

${table(['key to node', 'ns of CPU', 'bytes per lookup'], strings.map((one) => [one.name, nanos(one, strings.at(-1)), one.bytes.toFixed(1)]))}
## Building

Milliseconds of CPU to build the structure anew (median of 5), and bytes that it keeps. A ring that had all nodes but one does not compute their points
again.

${table(
  ['structure', ...sizes.flatMap((count) => [`n = ${count}`, 'bytes'])],
  builds[0].map(({ name }, index) => [name, ...builds.flatMap((list) => [list[index].ms.toFixed(list[index].ms < 1 ? 3 : 1), Math.round(list[index].bytes).toLocaleString('en')])]),
)}
## Keys that move

One node leaves or joins (mean of five, spread over the order of the names; of jump, the last one leaves): share of all keys that move, and in brackets the excess, keys that
move between nodes which were there before and after. Ideal is 1 ÷ n of them for a leave, 1 ÷ (n + 1) for a join, and no excess.

${table(
  ['structure', ...sizes.flatMap((count) => [`leave, n = ${count}`, `join, n = ${count}`])],
  [
    ['ideal', ...sizes.flatMap((count) => [percent(1 / count), percent(1 / (count + 1))])],
    ...placed.map(({ name }, index) => [name, ...moves.flatMap((list) => [both(list[index].leave), both(list[index].join)])]),
  ],
)}
![Moves](moves.svg)

## Shares

The fullest and the emptiest of n equal nodes, relative to the mean, with ${keysPerNode.toLocaleString('en')} keys per node (chance alone: about ±${((3 / Math.sqrt(keysPerNode)) * 100).toFixed(1)} %).

${table(
  ['structure', 'n = 10', 'n = 100'],
  placed.map(({ name }, index) => [name, ...balances.map((list) => `${list[index].most.toFixed(3)} / ${list[index].least.toFixed(3)}`)]),
)}
![Shares](balance.svg)

Weights 1 : 2 : 5 over 30 nodes: largest deviation of a node from its share, as a part of it.

${table(['structure', 'deviation'], weights.map(({ name, error }) => [name, percent(error)]))}
## Bounded loads

100,000 draws of 10,000 keys by Zipf's law with exponent 1.1, c = 1.25: the fullest node relative to the mean without the bound, its load with it, the
bound ⌈1.25 · mean⌉, how often it was broken after any of the draws, and the share of keys that were not at their own node.

${table(
  ['structure', 'n', 'fullest, unbounded', 'fullest, bounded', 'bound', 'breaches', 'elsewhere'],
  bounds.map(({ name, count, plain, most, bound, broken, away }) => [name, count, `${plain.toFixed(1)} × mean`, most, bound, broken, percent(away)]),
)}
![Bounded loads](bounded.svg)

## Notes

- Moleculer's strategy is stated again in \`contenders.mjs\` after its published source (moleculer 0.15, src/strategies/shard.js), in a few lines of our own, since
  moleculer itself needs a newer Node. It goes through its slices from the first one; the time is that of this loop.
- \`hashring\` is version 3.2.0, asked through its own \`find\`. Its ring is that of ours with another search, so its shares and moves are the same, but
  for sizes where it computes with 39 instead of 40 digests per node.
- Jump hash can only lose its last bucket; the others are asked to lose any node.
- With 1,000 nodes Maglev's default table has 65 slots per node. Shares there differ by up to one slot in 65; take 655,373 slots to have them within 1 %.
`;
}

function plots() {
  const lines = ['Maglev', 'Memento', 'ring', 'rendezvous', 'jump', 'npm hashring', 'Moleculer shard'];
  const seriesOf = (name) => ({ name, points: sizes.map((count, at) => [count, lookups[at].find((one) => one.name === name).ns]) });
  const compared = ['Maglev', 'Memento', 'ring', 'rendezvous', 'npm hashring', 'Moleculer shard', 'modulo'];
  const groups = (lists, labels, value) => lists.map((list, at) => ({ label: labels[at], bars: compared.map((name) => ({ name, value: value(list.find((one) => one.name === name)) })) }));
  return {
    'lookup.svg': lineChart({ title: 'Lookup of a 32-bit hash', xLabel: 'nodes', yLabel: 'ns per lookup', logX: true, logY: true, series: lines.map(seriesOf) }),
    'moves.svg': barChart({ title: 'Keys that move when one node leaves', yLabel: '% of all keys', logY: true, groups: groups(moves, sizes.map((n) => `n = ${n} (ideal ${percent(1 / n)})`), ({ leave }) => leave.total * 100) }),
    'balance.svg': barChart({ title: 'The fullest of n equal nodes', yLabel: '% above the mean', groups: groups(balances, ['n = 10', 'n = 100'], ({ most }) => (most - 1) * 100) }),
    'bounded.svg': barChart({
      ...{ title: 'Fullest node under Zipf(1.1), c = 1.25', yLabel: '× mean', logY: true },
      groups: [10, 100, 1000].map((count) => {
        const { plain, most, average } = bounds.find((one) => one.name === 'Maglev' && one.count === count);
        return { label: `n = ${count}`, bars: [{ name: 'Maglev', value: plain }, { name: 'bounded', value: most / average }] };
      }),
    }),
  };
}

function step(name, work) {
  const start = performance.now();
  const result = work();
  process.stderr.write(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function nanos({ ns, least }, floor) {
  return `${ns.toFixed(1)} (${least.toFixed(1)}) [${(ns / floor.ns).toFixed(2)} ×]`;
}

function percent(share) {
  return share === 0 ? '0' : `${(share * 100).toFixed(share < 0.0995 ? 2 : 1)} %`;
}

function both({ total, excess }) {
  return `${percent(total)} (${percent(excess)})`;
}
