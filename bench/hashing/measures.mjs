/** The measures of each contender: nanoseconds, bytes, keys that move, shares, bounds. */

import { BoundedLoads, hash32, JumpTable, MaglevTable, Memento, mix32, Rendezvous, RingTable } from '@rollcall/client/hashing';
import { median } from '../statistics.mjs';

export const namesOf = (count) => Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}:8080`);

/** The hash of the n-th key of a run. */
export const hashAt = (seed, n) => mix32(Math.imul(seed, 0x9e3779b1) + n);

/**
 * Nanoseconds of CPU and bytes per lookup. Each contender has a separate loop, compiled only for it; all
 * take turns in short rounds, so that other load on the caches affects a round and not a contender.
 * @param {{ name: string, lookup: string, build: Function }[]} list
 * @param {ArrayLike<unknown>} keys the keys to look up; their number is a power of two
 */
export function time(list, names, keys, variable, { rounds, roundMs, calls }) {
  const timed = list.map(({ name, lookup, build }) => {
    const structure = build(names, keys);
    const source = `let s = 0; for (let n = 0; n < count; n++) { const ${variable} = keys[n & mask]; s = (s + ${lookup}) | 0; } return s;`;
    // A function shared by all would call `lookup` of every structure, and V8 would inline none.
    // oxlint-disable-next-line typescript/no-implied-eval
    const loop = new Function('t', 'keys', 'mask', 'count', source);
    const run = (count) => loop(structure, keys, keys.length - 1, count);
    let count = 1000;
    // Compiled, and long enough for the clock; the caches are warm.
    for (let warm = 0; warm < 5; warm++) run(10_000);
    for (; cpuMs(() => run(count)) < roundMs; count *= 2);
    return { name, run, count, nanos: [] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const one of timed) {
      // Its tables return to the caches, which the other contenders used.
      one.run(one.count);
      one.nanos.push((cpuMs(() => one.run(one.count)) * 1e6) / one.count);
    }
  }
  return timed.map(({ name, run, nanos }) => ({ name, ns: median(nanos), least: Math.min(...nanos), bytes: bytesPer(run, calls) }));
}

/** The cost of one structure: milliseconds to build, bytes to store. */
export function buildCost(contender, names) {
  contender.build(names);
  const took = Array.from({ length: 5 }, () => cpuMs(() => contender.build(names)));
  const bytes = Array.from({ length: 3 }, () => {
    const before = heldBytes();
    const kept = [contender.build(names), contender.build(names)];
    return (heldBytes() - before) / kept.length;
  });
  return { ms: median(took), bytes: Math.max(0, median(bytes)) };
}

function heldBytes() {
  // Array buffers are freed by another thread after a collection, and counted at the next one.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Shares of all keys that move when one node leaves, and of those that moved without need; likewise for a join. */
export function moves(contender, count, keys, seed) {
  const { place, placeWithout, leaves } = contender;
  const names = namesOf(count);
  const all = place(names);
  // Spread over the order of the names: with equal slices, it matters which node leaves.
  const some = Array.from({ length: 5 }, (_, at) => Math.floor(((at + 0.5) / 5) * count));
  const left = (leaves === 'last' ? [count - 1] : some).map((index) => {
    const others = names.toSpliced(index, 1);
    const without = placeWithout === undefined ? place(others) : placeWithout(names, index);
    return moved(all, without, names[index], keys, seed);
  });
  const joined = some.map((index) => {
    // Next to this one in the order of the names; at the end for lists that are not sorted.
    const newcomer = `${names[index]}1`;
    return moved(place([...names, newcomer]), all, newcomer, keys, seed);
  });
  return { leave: mean(left), join: mean(joined) };
}

/** @param {string} one the name that only `more` has */
function moved(more, fewer, one, keys, seed) {
  let total = 0;
  let excess = 0;
  for (let n = 0; n < keys; n++) {
    const hash = hashAt(seed, n);
    const before = more(hash);
    if (before === fewer(hash)) continue;
    total += 1;
    if (before !== one) excess += 1;
  }
  return { total: total / keys, excess: excess / keys };
}

function mean(list) {
  const average = (pick) => list.reduce((sum, one) => sum + pick(one), 0) / list.length;
  return { total: average(({ total }) => total), excess: average(({ excess }) => excess) };
}

/** The fullest and the emptiest node, relative to the mean. */
export function balance({ place }, count, keys, seed) {
  const names = namesOf(count);
  const at = place(names);
  const counts = new Map(names.map((name) => [name, 0]));
  for (let n = 0; n < keys; n++) {
    const name = at(hashAt(seed, n));
    counts.set(name, counts.get(name) + 1);
  }
  const shares = [...counts.values()].map((value) => (value * count) / keys);
  return { most: Math.max(...shares), least: Math.min(...shares) };
}

/** Weights 1 : 2 : 5 over 30 nodes: the largest deviation of a node from its share, as a part of it. */
export function weightError(build, keys, seed) {
  const nodes = namesOf(30).map((name, index) => ({ name, weight: [1, 2, 5][index % 3] }));
  const table = build(nodes);
  const counts = nodes.map(() => 0);
  for (let n = 0; n < keys; n++) counts[table.lookup(hashAt(seed, n))] += 1;
  const sum = nodes.reduce((total, { weight }) => total + weight, 0);
  return Math.max(...counts.map((value, index) => Math.abs(value / ((keys * nodes[index].weight) / sum) - 1)));
}

export const weighted = { Maglev: (nodes) => new MaglevTable(nodes), ring: (nodes) => new RingTable(nodes), rendezvous: (nodes) => new Rendezvous(nodes) };

const bounded = {
  Maglev: (count) => new MaglevTable(namesOf(count)),
  ring: (count) => new RingTable(namesOf(count)),
  rendezvous: (count) => new Rendezvous(namesOf(count)),
  Memento: (count) => new Memento(count),
  jump: (count) => new JumpTable(count),
};

/** Zipf(1.1) keys: the fullest node with and without the bound, and whether the bound ever broke. */
export function boundedLoads(name, count, keys, seed, factor = 1.25) {
  const table = bounded[name](count);
  const loads = new BoundedLoads(table, { factor });
  const plain = new Float64Array(count);
  const draw = zipf(10_000, 1.1, seed);
  let broken = 0;
  let away = 0;
  for (let n = 1; n <= keys; n++) {
    const hash = hash32(`item-${draw()}`);
    const own = table.lookup(hash);
    plain[own] += 1;
    const node = loads.assign(hash);
    if (node !== own) away += 1;
    if (loads.load(node) > Math.ceil((factor * n) / count)) broken += 1;
  }
  const average = keys / count;
  const most = Math.max(...Array.from({ length: count }, (_, node) => loads.load(node)));
  return { plain: Math.max(...plain) / average, most, bound: Math.ceil(factor * average), broken, away: away / keys, average };
}

export const boundedNames = Object.keys(bounded);

/** Draws 0 … count − 1 with chances in proportion to 1 ÷ (rank + 1)^exponent. */
function zipf(count, exponent, seed) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  let n = 0;
  return () => {
    const at = ((hashAt(seed, n++) >>> 0) / 2 ** 32) * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** CPU time of this process; waiting for a core does not count. */
function cpuMs(work) {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * Growth of the heap over so many calls without a collection, beyond what a single call shows: the engine
 * itself takes something now and then. The median of five.
 */
function bytesPer(run, calls) {
  const grown = (count) => {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    run(count);
    return process.memoryUsage().heapUsed - before;
  };
  const turns = Array.from({ length: 5 }, () => (grown(calls) - grown(1)) / calls);
  return Math.max(0, median(turns));
}
