/** The report of the measurements: text with tables, and plots. It measures nothing itself. */

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { barChart, lineChart } from '../svg.mjs';

export function report(results) {
  const { seed, sizes, timing, keys, hashes, lookups, strings, builds, moves, balances, weights, bounds } = results;
  const targets = targetsOf(results);
  const floors = lookups.map((list) => list.at(-1));
  const chance = ((3 / Math.sqrt(keys.perNode)) * 100).toFixed(1);
  return `# Hashing

Written by \`node bench/hashing/run.mjs${seed === 1 ? '' : ` --seed ${seed}`}\`. ${targets.filter(({ met }) => met).length} of ${targets.length} targets met.

${machine(results)}

${table(['what', 'to reach', 'measured', ''], targets.map(({ what, wanted, got, met }) => [what, wanted, got, met ? 'met' : '**missed**']))}
## A lookup

Nanoseconds of CPU per lookup of a 32-bit hash: median of ${timing.rounds} rounds (the fastest round), loop included; in brackets
× the floor, a \`Map\` that has an entry for each of the ${number(hashes)} hashes asked for. The last column is the growth of the
heap with 1,000 nodes.

${table(
  ['structure', ...sizes.map((count) => `n = ${count}`), 'bytes per lookup'],
  lookups[0].map(({ name }, row) => [
    name,
    ...lookups.map((list, at) => nanos(list[row], floors[at])),
    lookups.at(-1)[row].bytes.toFixed(1),
  ]),
)}
![Lookup](lookup.svg)

Whole strings of 15 to 18 characters, 100 nodes. The caches of answers that hashring and Moleculer have are off: a hit in a
cache tells nothing of what is behind it.

${table(
  ['key to node', 'ns of CPU', 'bytes per lookup'],
  strings.map((one) => [one.name, nanos(one, strings.at(-1)), one.bytes.toFixed(1)]),
)}
## Building

Milliseconds of CPU to build the structure anew (median of 5), and bytes that it keeps. "One node more" is a ring that has the
points of all other nodes from the one before it.

${table(
  ['structure', ...sizes.flatMap((count) => [`n = ${count}`, 'bytes'])],
  builds[0].map(({ name }, row) => [name, ...builds.flatMap((list) => [millis(list[row].ms), number(Math.round(list[row].bytes))])]),
)}
## Keys that move

One node leaves or joins (mean of five, spread over the order of the names; of jump, the last one leaves): share of all keys
that move, and in brackets the excess, keys that move between nodes which were there before and after. Ideal is 1 ÷ n of them
for a leave, 1 ÷ (n + 1) for a join, and no excess. ${number(keys.moves)} keys.

${table(
  ['structure', ...sizes.flatMap((count) => [`leave, n = ${count}`, `join, n = ${count}`])],
  [
    ['ideal', ...sizes.flatMap((count) => [percent(1 / count), percent(1 / (count + 1))])],
    ...moves[0].map(({ name }, row) => [name, ...moves.flatMap((list) => [both(list[row].leave), both(list[row].join)])]),
  ],
)}
![Moves](moves.svg)

## Shares

The fullest and the emptiest of n equal nodes, relative to the mean, with ${number(keys.perNode)} keys per node (chance alone: about ±${chance} %).

${table(
  ['structure', 'n = 10', 'n = 100'],
  balances[0].map(({ name }, row) => [name, ...balances.map((list) => `${list[row].most.toFixed(3)} / ${list[row].least.toFixed(3)}`)]),
)}
![Shares](balance.svg)

Weights 1 : 2 : 5 over 30 nodes: largest deviation of a node from its share, as a part of it.

${table(['structure', 'deviation'], weights.map(({ name, error }) => [name, percent(error)]))}
## Bounded loads

${number(keys.bounds)} draws of 10,000 keys by Zipf's law with exponent 1.1, c = 1.25: the fullest node relative to the mean without the
bound, its load with it, the bound ⌈1.25 · mean⌉, how often it was broken after any of the draws, and the share of keys that were
not at their own node.

${table(
  ['structure', 'n', 'fullest, unbounded', 'fullest, bounded', 'bound', 'breaches', 'elsewhere'],
  bounds.map(({ name, count, plain, most, bound, broken, away }) => {
    return [name, count, `${plain.toFixed(1)} × mean`, most, bound, broken, percent(away)];
  }),
)}
![Bounded loads](bounded.svg)

## Notes

- Moleculer's strategy is stated again in \`contenders.mjs\` after its published source (moleculer 0.15, src/strategies/shard.js),
  in a few lines of our own, since moleculer itself needs a newer Node. It goes through its slices from the first one; the time
  is that of this loop.
- \`hashring\` is version 3.2.0, asked through its own \`find\`. Its ring has the points of ours, so shares and moves are the same
  at these sizes; it computes in double precision, libketama and we in single, and at some sizes one of them has 39 digests per
  node instead of 40.
- Jump hash can only lose its last bucket; the others are asked to lose any node.
- The more buckets Memento has lost, the longer its lookups. The target is for a table that has lost none; with half of them
  removed every second key draws again, which takes ${lookups.at(-1).find(({ name }) => name === 'Memento, 50 % removed').ns.toFixed(0)} ns with 1,000 nodes left.
- Before each round a contender runs as long as the round, since the others had the caches: a process that looks up once in a
  while sees more than this where a structure does not fit into them (the ring of 1,000 nodes takes 3 MB).
- With 1,000 nodes Maglev's default table has 65 slots per node, so shares differ by up to one in 65; 655,373 slots bring that
  within 1 in 655.
`;
}

export function plots({ sizes, lookups, moves, balances, bounds }) {
  const lines = ['Maglev', 'Memento', 'ring', 'rendezvous', 'jump', 'npm hashring', 'Moleculer shard'];
  const compared = ['Maglev', 'Memento', 'ring', 'rendezvous', 'npm hashring', 'Moleculer shard', 'modulo'];
  const of = (list, name) => list.find((one) => one.name === name);
  const grouped = (lists, labels, value) =>
    lists.map((list, at) => ({ label: labels[at], bars: compared.map((name) => ({ name, value: value(of(list, name)) })) }));
  return {
    'lookup.svg': lineChart({
      ...{ title: 'Lookup of a 32-bit hash', xLabel: 'nodes', yLabel: 'ns of CPU per lookup', logX: true, logY: true },
      series: lines.map((name) => ({ name, points: sizes.map((count, at) => [count, of(lookups[at], name).ns]) })),
    }),
    'moves.svg': barChart({
      ...{ title: 'Keys that move when one node leaves', yLabel: '% of all keys', logY: true },
      groups: grouped(moves, sizes.map((n) => `n = ${n} (ideal ${percent(1 / n)})`), ({ leave }) => leave.total * 100),
    }),
    'balance.svg': barChart({
      ...{ title: 'The fullest of n equal nodes', yLabel: '% above the mean' },
      groups: grouped(balances, ['n = 10', 'n = 100'], ({ most }) => (most - 1) * 100),
    }),
    'bounded.svg': barChart({
      ...{ title: 'Fullest node under Zipf(1.1), c = 1.25', yLabel: '× mean', logY: true },
      groups: sizes.map((n) => {
        const { plain, most, average } = bounds.find(({ name, count }) => name === 'Maglev' && count === n);
        return { label: `n = ${n}`, bars: [{ name: 'Maglev', value: plain }, { name: 'bounded', value: most / average }] };
      }),
    }),
  };
}

function targetsOf({ lookups, moves, bounds }) {
  const nsOf = (name) => lookups.at(-1).find((one) => one.name === name).ns;
  const excessOf = (name) => {
    const rows = moves.map((list) => list.find((one) => one.name === name));
    return Math.max(...rows.flatMap(({ leave, join }) => [leave.excess, join.excess]));
  };
  const lookup = ([name, most]) => {
    const ns = nsOf(name);
    const what = `${name === 'Memento' ? 'Memento, none removed' : name}: lookup, n = 1000`;
    return { what, wanted: `≤ ${most} ns`, got: `${ns.toFixed(1)} ns`, met: ns <= most };
  };
  const noExcess = (name) => {
    const excess = excessOf(name);
    const what = `excess moves, ${name}${name === 'jump' ? ' (last one)' : ''}`;
    return { what, wanted: '0', got: percent(excess), met: excess === 0 };
  };
  const breaches = bounds.reduce((sum, { broken }) => sum + broken, 0);
  return [
    ...[['Maglev', 20], ['Memento', 80], ['ring', 150]].map(lookup),
    ...['ring', 'rendezvous', 'Memento', 'jump'].map(noExcess),
    { what: 'excess moves, Maglev', wanted: '< 1 %', got: percent(excessOf('Maglev')), met: excessOf('Maglev') < 0.01 },
    {
      ...{ what: 'bounded loads, any structure', wanted: 'max ≤ ⌈1.25 · mean⌉ after every key' },
      ...{ got: `${breaches} breaches in ${bounds.length} runs`, met: breaches === 0 && bounds.every(({ most, bound }) => most <= bound) },
    },
  ];
}

function machine({ loadBefore }) {
  const git = (...words) => spawnSync('git', words, { encoding: 'utf8' }).stdout.trim();
  const load = `load ${loadBefore.toFixed(1)} at the start and ${loadavg()[0].toFixed(1)} at the end`;
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${load}; Node ${process.version}; commit ${git('rev-parse', '--short', 'HEAD')}; ${date} UTC.`;
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

const number = (value) => value.toLocaleString('en');
const millis = (ms) => ms.toFixed(ms < 1 ? 3 : 1);
const nanos = ({ ns, least }, floor) => `${ns.toFixed(1)} (${least.toFixed(1)}) [${(ns / floor.ns).toFixed(2)} ×]`;
const percent = (share) => (share === 0 ? '0' : `${(share * 100).toFixed(share < 0.0995 ? 2 : 1)} %`);
const both = ({ total, excess }) => `${percent(total)} (${percent(excess)})`;
