/**
 * Bugs that are planted between a server and its store, or between it and its clients, each with the run that shows it. `planted.test.ts` demands that a run catches each;
 * `planted-odds.mjs` counts how many do.
 */

import { opCodes, xids } from '../../packages/server/src/jute/codes.ts';
import type { Engine, EngineEvent, Transaction } from '../../packages/server/src/engine/engine.ts';
import { pair, type Planted } from './deploy/pair.ts';
import type { PacketBug } from './fault/packet-relay.ts';
import { History, type HistoryEvent } from './history.ts';
import { judge } from './judge.ts';
import { run, settleMs, together, type Part, type RunOptions } from './run.ts';

const changing = (change: (event: EngineEvent) => EngineEvent): Planted => (engine) => ({
  ...engine,
  async *changes(options) {
    for await (const event of engine.changes(options)) yield change(event);
  },
});

const committing = (change: (transaction: Transaction) => Transaction): Planted => (engine) => ({
  ...engine,
  commit: (transaction) => engine.commit(change(transaction)),
});

/** Each eighth transaction repeats the puts of an earlier one, like an engine that repeats events after a lost connection. */
function repeating(): Planted {
  const kept: Transaction['put'][] = [];
  return changing((event) => {
    if (event.kind !== 'transaction') return event;
    kept.push(event.put.filter(({ key }) => key.includes('chaos/')));
    if (kept.length % 8 !== 0) return event;
    const again = kept.at(-4) ?? [];
    const own = new Set([...event.put.map(({ key }) => key), ...event.delete]);
    return { ...event, put: [...event.put, ...again.filter(({ key }) => !own.has(key))] };
  });
}

/** Each 20th transaction is not shown. */
function losing(): Planted {
  let count = 0;
  return changing((event) => (event.kind === 'transaction' && ++count % 20 === 0 ? { ...event, put: [], delete: [] } : event));
}

/** A feed that comes back lists the store again, and the list is added to the old state instead of replacing it. */
const forgetful: Planted = (engine) =>
  changing((event) => (event.kind === 'records' ? { ...event, reset: false } : event))({ ...engine, changes: ({ signal }) => engine.changes({ signal }) });

/** The barrier returns the revision that the server has seen, not that of the store. */
const staleBarrier: Planted = (engine: Engine) => {
  let shown = 0;
  const told = changing((event) => {
    if (event.kind !== 'records') shown = event.revision;
    return event;
  })(engine);
  return { ...told, barrier: async () => shown };
};

/** A verdict from an old state takes effect, although another node owns the deadline by now. */
const oldOwner = committing((transaction) => {
  const expires = transaction.put.some(({ key, value }) => key.startsWith('check\0') && Buffer.from(value).toString().includes('TTL expired'));
  return expires ? { ...transaction, expect: [], guards: [] } : transaction;
});

/** A transaction that is guarded by a lock is committed although the lock has another holder by now. */
const unguarded = committing((transaction) => (transaction.put.some(({ key }) => key.includes('chaos/guarded/')) ? { ...transaction, expect: [], guards: [] } : transaction));

/** A decision about a lock from an old state takes effect, although another node has decided meanwhile. */
const oldLocks = committing((transaction) => (transaction.put.some(({ key }) => key.startsWith('lock')) ? { ...transaction, expect: [], guards: [] } : transaction));

/** When a node leaves the store, the instances of its streams are removed at once. */
function graceless(): Planted {
  const instances = new Set<string>();
  let members = 0;
  return (engine) => {
    const watched = changing((event) => {
      const puts = event.kind === 'records' ? event.records : event.kind === 'transaction' ? event.put : [];
      for (const { key } of puts) if (key.startsWith('instance\0') && key.includes('native')) instances.add(key);
      return event;
    })(engine);
    return committing((transaction) => {
      const row = transaction.put.find(({ key }) => key.startsWith('members'));
      if (row === undefined) return transaction;
      const before = members;
      members = Buffer.from(row.value).toString().split('"nodeId"').length - 1;
      return members >= before ? transaction : { ...transaction, delete: [...transaction.delete, ...instances] };
    })(watched);
  };
}

/** Decisions about znodes from an old state take effect, although the znode has another version by now. */
const oldZnodes = committing((transaction) => (transaction.put.some(({ key }) => key.startsWith('znode\0')) ? { ...transaction, expect: [], guards: [] } : transaction));

/** A session ends, and its ephemeral znodes stay. */
const stayingEphemerals = committing((transaction) => {
  if (!transaction.delete.some((key) => key.startsWith('session\0'))) return transaction;
  return { ...transaction, delete: transaction.delete.filter((key) => !key.startsWith('znode')), put: transaction.put.filter(({ key }) => !key.startsWith('znode')) };
});

/** The server does not look at the version of a setData: it is the end of the request. */
const anyVersion: PacketBug = {
  toServer(packet) {
    if (packet.readInt32BE(4) === opCodes.setData && packet.readInt32BE(0) > 0) packet.writeInt32BE(-1, packet.length - 4);
    return packet;
  },
};

/** A sync is answered at once: with its number, no zxid, no error, and its path. */
const quickSync: PacketBug = {
  answer: (packet) => (packet.readInt32BE(4) === opCodes.sync && packet.readInt32BE(0) > 0 ? Buffer.concat([packet.subarray(0, 4), Buffer.alloc(12), packet.subarray(8)]) : undefined),
};

/** Of 20 notifications of a server, 8 in a row are lost: three watchers have a watch on both znodes of the pair. */
function lostWatches(): PacketBug {
  let count = 0;
  return { toClient: (packet) => packet.readInt32BE(0) !== xids.notification || ++count % 20 < 12 };
}

const keyed = { parts: ['keys', 'locks', 'lists', 'watches'], runMs: 3_500, calmMs: 300, slower: 0.5 } as const;
const locking = { parts: ['native-locks'], runMs: 4_000, calmMs: 300, slower: 0.5 } as const;
const treed = { parts: ['znodes'], runMs: 3_500, calmMs: 300, slower: 0.5 } as const;
/** Too short for a fault, which these bugs do not need. */
const faultless = { parts: ['znodes'], runMs: 2_000, calmMs: 3_000, slower: 0.5 } as const;
const living = (parts: readonly Part[]) => ({ parts, runMs: 12_000, calmMs: 4_500 });

export interface PlantedBug {
  readonly bug: string;
  /** Between the servers and their store; a new one for each run. */
  readonly planted?: () => Planted;
  /** Between the servers and ZooKeeper's clients, likewise. */
  readonly packets?: () => PacketBug;
  /** The faults under which the bug shows. */
  readonly fault: string;
  readonly shape: Pick<RunOptions, 'runMs' | 'parts' | 'calmMs' | 'slower'>;
  readonly seed: number;
  /** The checkers that can catch it; at least one must. */
  readonly caught: readonly string[];
}

export const plantedBugs: readonly PlantedBug[] = [
  { bug: 'expectations are skipped', planted: () => committing((transaction) => ({ ...transaction, expect: [] })), fault: 'late feed', shape: keyed, seed: 1, caught: ['keys', 'locks', 'transactions'] },
  { bug: 'an event is repeated', planted: repeating, fault: 'late feed', shape: keyed, seed: 1, caught: ['keys', 'watches'] },
  { bug: 'an event is lost', planted: losing, fault: 'late feed', shape: keyed, seed: 1, caught: ['keys', 'watches'] },
  { bug: 'a new list forgets deletions', planted: () => forgetful, fault: 'unreachable store', shape: keyed, seed: 1, caught: ['keys', 'watches'] },
  { bug: 'consistent reads do not ask the store', planted: () => staleBarrier, fault: 'late feed', shape: keyed, seed: 1, caught: ['keys'] },
  { bug: 'the guard of a write is skipped', planted: () => unguarded, fault: 'late feed', shape: locking, seed: 1, caught: ['native locks'] },
  { bug: 'two nodes give one lock', planted: () => oldLocks, fault: 'late feed', shape: locking, seed: 1, caught: ['native locks'] },
  { bug: 'the grace is skipped', planted: graceless, fault: 'dead node', shape: living(['native']), seed: 1, caught: ['liveness'] },
  { bug: 'an old owner expires', planted: () => oldOwner, fault: 'blind node', shape: living(['ttl']), seed: 5, caught: ['liveness'] },
  { bug: 'a znode is written at an old version', planted: () => oldZnodes, fault: 'late feed', shape: treed, seed: 1, caught: ['znodes'] },
  { bug: 'the version of a setData is ignored', packets: () => anyVersion, fault: 'late feed', shape: faultless, seed: 1, caught: ['znodes'] },
  { bug: 'a sync is answered at once', packets: () => quickSync, fault: 'late feed', shape: treed, seed: 1, caught: ['znodes'] },
  { bug: 'an ephemeral znode stays', planted: () => stayingEphemerals, fault: 'late feed', shape: faultless, seed: 1, caught: ['znodes'] },
  { bug: 'a one-shot watch is lost', packets: lostWatches, fault: 'late feed', shape: faultless, seed: 1, caught: ['watches'] },
];

/** One run with the bug: its history, and which of the checkers caught it. */
export async function runWith({ planted, packets, fault, shape, caught }: PlantedBug, seed: number): Promise<{ readonly found: readonly string[]; readonly events: readonly HistoryEvent[] }> {
  const deployment = await pair(planted?.(), packets?.());
  try {
    const history = new History();
    const faults = deployment.faults.filter(({ name }) => name === fault);
    await run({ ...deployment, faults }, history, { ...shape, seed, recoveryMs: 2_000, restMs: 1_000 });
    const { breaches } = judge(history.events, { settleMs, together });
    return { found: caught.filter((checker) => breaches[checker] !== undefined), events: history.events };
  } finally {
    await deployment.close();
  }
}
