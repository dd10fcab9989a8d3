/**
 * How often a transaction loses a race, for each way to guard the rows that a decision has scanned (docs/decisions/0037).
 *
 * A simulation of events: N replicas commit to one store. Commands arrive at random and wait for the commit in flight; the
 * next transaction takes all waiting ones. It is decided on the state that the replica has applied, reaches the store half a
 * round trip later, and is refused when its guard fails; then the replica catches up and decides again. Guards of keys that
 * were read are left out: they are the same in every variant.
 *
 *   node bench/micro/guard-conflicts.mjs
 */

const roundTripMs = 2;
const feedMs = 1;
const simulatedMs = 20_000;

/** Shares of what a command does on its node; `scans`: it looks for rows by an index. */
const mix = [
  { share: 0.3, what: 'creates', scans: false },
  { share: 0.3, what: 'updates', scans: true },
  { share: 0.3, what: 'updates', scans: false },
  { share: 0.1, what: 'removes', scans: true },
];

/** Whether a transaction of another replica, which this one had not applied, makes its guard fail. */
const guards = {
  'one global key': (own) => own.scans.size > 0,
  'range of the node, by MOD': (own, other) => meet(own.scans, other.creates) || meet(own.scans, other.updates),
  'head key of the node': (own, other) => meet(own.scans, other.creates),
};

function meet(some, others) {
  const [small, large] = some.size < others.size ? [some, others] : [others, some];
  for (const each of small) if (large.has(each)) return true;
  return false;
}

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function simulate(fails, { replicas, nodes, perSecond }) {
  const draw = random(1);
  const log = [];
  const counts = { tries: 0, lost: 0, waits: [], most: 0 };
  const events = [];
  const at = (time, action) => {
    let index = events.length;
    while (index > 0 && events[index - 1].time < time) index--;
    events.splice(index, 0, { time, action });
  };
  const arriveEvery = (1_000 * replicas) / perSecond;
  for (let id = 0; id < replicas; id++) {
    const replica = { queue: [], applied: 0, busy: false };
    const arrive = (now) => {
      let part = draw();
      const kind = mix.find(({ share }) => (part -= share) < 0) ?? mix[0];
      replica.queue.push({ ...kind, node: Math.floor(draw() * nodes), since: now });
      at(now - Math.log(1 - draw()) * arriveEvery, arrive);
      if (!replica.busy) begin(now);
    };
    const begin = (now) => {
      replica.busy = replica.queue.length > 0;
      if (replica.busy) attempt(now, replica.queue.splice(0, 40), 1);
    };
    const attempt = (now, batch, tries) => {
      const own = { scans: new Set(), creates: new Set(), updates: new Set() };
      for (const { what, scans, node } of batch) {
        if (scans) own.scans.add(node);
        if (what !== 'removes') own[what].add(node);
      }
      const seen = Math.max(replica.applied, log.findLastIndex(({ time }) => time + feedMs <= now) + 1);
      replica.applied = seen;
      at(now + roundTripMs / 2, (then) => {
        counts.tries++;
        counts.most = Math.max(counts.most, tries);
        if (log.slice(seen).some((other) => fails(own, other))) {
          counts.lost++;
          // The barrier, then the changes up to its revision must be applied.
          at(then + roundTripMs * 1.5 + feedMs, (again) => attempt(again, batch, tries + 1));
          return;
        }
        log.push({ ...own, time: then });
        replica.applied = Math.max(replica.applied, log.length);
        for (const { since } of batch) counts.waits.push(then + roundTripMs / 2 - since);
        at(then + roundTripMs / 2, begin);
      });
    };
    at(draw() * arriveEvery, arrive);
  }
  for (;;) {
    const next = events.pop();
    if (next === undefined || next.time > simulatedMs) break;
    next.action(next.time);
  }
  const waits = counts.waits.toSorted((a, b) => a - b);
  return {
    'tries lost': `${((100 * counts.lost) / counts.tries).toFixed(1)} %`,
    'most tries': counts.most,
    'done/s': Math.round(waits.length / (simulatedMs / 1_000)),
    'p50 ms': waits[waits.length >> 1]?.toFixed(1),
    'p99 ms': waits[Math.floor(waits.length * 0.99)]?.toFixed(1),
  };
}

for (const nodes of [1_000, 1]) {
  for (const replicas of [2, 4]) {
    console.log(`${replicas} replicas, 2,000 commands/s together, on ${nodes === 1 ? 'one node' : `${nodes} nodes`}`);
    console.table(Object.fromEntries(Object.entries(guards).map(([name, fails]) => [name, simulate(fails, { replicas, nodes, perSecond: 2_000 })])));
  }
}
