/**
 * The contenders: our structures, npm `hashring`, the algorithm of Moleculer's shard strategy, and two
 * floors. Each takes the same 32-bit hashes, so that the structures are compared and not MD5;
 * another table has the cost of whole strings.
 *
 * Moleculer itself needs a newer Node than this project, so its algorithm is written here in a few
 * lines, after src/strategies/shard.js of moleculer 0.15: the ids are sorted, and each gets
 * ten slices of 2³² of equal size by its index; a lookup goes through the slices from the first one.
 */

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { hash32, JumpTable, ketamaHash, MaglevTable, Memento, Rendezvous, RingTable } from '@rollcall/client/hashing';

const HashRing = createRequire(import.meta.url)('hashring');

class Shard {
  static slicesPerNode = 10;

  constructor(names) {
    this.names = [...names].sort((a, b) => (a < b ? -1 : 1));
    const count = names.length * Shard.slicesPerNode;
    this.ends = Array.from({ length: count }, (_, at) => (at === count - 1 ? 2 ** 32 : Math.floor((2 ** 32 / count) * (at + 1))));
  }

  lookup(hash) {
    const position = hash >>> 0;
    for (let at = 0; at < this.ends.length; at++) if (position <= this.ends[at]) return this.names[at % this.names.length];
    return undefined;
  }
}

const byIndex = (build) => ({
  build,
  place(names) {
    const table = build(names);
    return (hash) => names[table.lookup(hash)];
  },
});

/** Buckets are numbered; a node that leaves takes its bucket with it. */
const byBucket = (build, leave) => ({
  build: (names) => build(names.length),
  place: (names) => {
    const table = build(names.length);
    return (hash) => names[table.lookup(hash)];
  },
  placeWithout(names, gone) {
    const table = build(names.length);
    leave(table, gone);
    return (hash) => names[table.lookup(hash)];
  },
});

/**
 * `build(names)` makes the structure, and `lookup` is the source text of one lookup of the hash `h` in
 * it, called `t`; `place(names)` returns a function from a hash to a name. `placeWithout` exists if a
 * structure is changed rather than rebuilt. `leaves` names the nodes that may leave.
 */
export const contenders = [
  { name: 'Maglev', lookup: 't.lookup(h)', ...byIndex((names) => new MaglevTable(names)) },
  { name: 'Memento', lookup: 't.lookup(h)', ...byBucket((count) => new Memento(count), (table, gone) => table.remove(gone)) },
  {
    ...{ name: 'Memento, 10 % removed', lookup: 't.lookup(h)', timedOnly: true },
    build: (names) => mementoWithGaps(names.length, 0.1),
  },
  {
    ...{ name: 'Memento, 50 % removed', lookup: 't.lookup(h)', timedOnly: true },
    build: (names) => mementoWithGaps(names.length, 0.5),
  },
  { name: 'ring', lookup: 't.lookup(h)', ...byIndex((names) => new RingTable(names)) },
  { name: 'rendezvous', lookup: 't.lookup(h)', ...byIndex((names) => new Rendezvous(names)) },
  {
    ...{ name: 'rendezvous, weighted', lookup: 't.lookup(h)', timedOnly: true },
    build: (names) => new Rendezvous(names.map((name, index) => ({ name, weight: 1 + (index % 3) }))),
  },
  { name: 'jump', lookup: 't.lookup(h)', leaves: 'last', ...byBucket((count) => new JumpTable(count), (table) => table.remove()) },
  {
    name: 'npm hashring',
    lookup: 't.ring[t.find(h >>> 0)].server.length',
    build: hashring,
    place(names) {
      const ring = hashring(names);
      return (hash) => ring.ring[ring.find(hash >>> 0)].server;
    },
  },
  {
    name: 'Moleculer shard',
    lookup: 't.lookup(h).length',
    build: (names) => new Shard(names),
    place(names) {
      const shard = new Shard(names);
      return (hash) => shard.lookup(hash);
    },
  },
  {
    name: 'modulo',
    lookup: 't[(h >>> 0) % t.length]',
    build: (names) => Int32Array.from(names, (_, index) => index),
    place: (names) => (hash) => names[(hash >>> 0) % names.length],
  },
  {
    ...{ name: 'floor: Map of all hashes', lookup: 't.get(h)', timedOnly: true },
    build: (_names, hashes) => new Map(Array.from(hashes, (hash, index) => [hash, index])),
  },
];

/** A ring that has the points of all nodes but one from the ring before it, as a balancer builds it. */
export const ringAgain = {
  name: 'ring, one node more',
  before: new Map(),
  build(names) {
    if (!this.before.has(names.length)) this.before.set(names.length, new RingTable(names.slice(1)));
    return new RingTable(names, { previous: this.before.get(names.length) });
  },
};

/** The same for whole strings: `k` is the key. Caches are off, or too small for the keys. */
export const stringContenders = [
  { name: 'hash32 + Maglev', lookup: 't.table.lookup(t.hash(k))', build: (names) => ({ table: new MaglevTable(names), hash: hash32 }) },
  { name: 'hash32 + Memento', lookup: 't.table.lookup(t.hash(k))', build: (names) => ({ table: new Memento(names.length), hash: hash32 }) },
  { name: 'hash32 + ring', lookup: 't.table.lookup(t.hash(k))', build: (names) => ({ table: new RingTable(names), hash: hash32 }) },
  { name: 'ketamaHash (MD5) + ring', lookup: 't.table.lookup(t.hash(k))', build: (names) => ({ table: new RingTable(names), hash: ketamaHash }) },
  { name: 'npm hashring', lookup: 't.get(k).length', build: hashring },
  {
    name: 'Moleculer shard',
    lookup: 't.shard.lookup(t.hash(k)).length',
    build: (names) => ({ shard: new Shard(names), hash: (key) => Number.parseInt(createHash('md5').update(key).digest('hex').slice(0, 8), 16) }),
  },
  {
    name: 'floor: Map of all keys',
    lookup: 't.get(k)',
    build: (_names, keys) => new Map(keys.map((key, index) => [key, index])),
  },
];

/** With its cache of answers down to one key: a cache hit says nothing about the structure. */
function hashring(names) {
  return new HashRing(names, 'md5', { 'max cache size': 1 });
}

/** `count` working buckets left. */
function mementoWithGaps(count, share) {
  const all = Math.round(count / (1 - share));
  const table = new Memento(all);
  for (let seed = 1; table.size > count; seed++) {
    const bucket = (hash32(`${seed}`) >>> 0) % all;
    if (table.has(bucket)) table.remove(bucket);
  }
  return table;
}
