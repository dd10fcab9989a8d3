/**
 * Losses that are spread unevenly over the nodes of one cluster: machines die whose leases are watched by each of three nodes alike, most of them
 * by one, or all by one; and for comparison by the only node. Leases lapse, are weighed and expire in the registry's own code on a virtual clock; a verdict takes 5 ms.
 *
 *   node bench/scale/uneven.mjs
 */

import { LeasesOfNode } from './leases.mjs';
import { beatMs, ttlMs } from './fleet.mjs';
import { VirtualClock } from './virtual-clock.mjs';

const machines = 900;
const perMachine = 10;
const services = 100;
const commitMs = 5;
const minuteMs = 60_000;

/** How many of the machines that die are watched by each node. */
const spreads = {
  'the only node': (dead) => [dead],
  'a third on each of three': (dead) => [dead / 3, dead / 3, dead / 3],
  '80 % on one node': (dead) => [dead * 0.8, dead * 0.1, dead * 0.1],
  'all on one node': (dead) => [dead, 0, 0],
};

console.log('| of the fleet | spread | nodes that froze | dead instances removed after 1 min | after 14 min | after 17 min |');
console.log('|---|---|---|---|---|---|');
for (const share of [0.06, 0.1, 0.14, 0.2, 0.3]) {
  for (const [spread, of] of Object.entries(spreads)) {
    const dead = of(machines * share).map(Math.round);
    const { frozen, removed } = await lose(dead);
    console.log(`| ${(share * 100).toFixed(0)} % | ${spread} | ${frozen} of ${dead.length} | ${removed.map((each) => `${(each * 100).toFixed(0)} %`).join(' | ')} |`);
  }
}

/** @param {readonly number[]} dead machines of each node that die at once */
async function lose(dead) {
  const clock = new VirtualClock();
  const nodes = dead.length;
  let ended = 0;
  const all = Array.from({ length: nodes }, (_, at) => new LeasesOfNode({
    clock,
    nodeId: `n${at}`,
    onExpired() {},
    async commit(lease) {
      await new Promise((done) => clock.timer(commitMs, done));
      ended++;
      for (const [other, leases] of all.entries()) {
        if (other === at) leases.ended(lease);
        else leases.endedElsewhere(lease);
      }
    },
  }));
  for (let machine = 0; machine < machines; machine++) {
    const watcher = machine % nodes;
    const isDead = Math.floor(machine / nodes) < dead[watcher];
    const lastBeat = ((machine * 7_919) % machines) / machines * beatMs;
    for (let nth = 0; nth < perMachine; nth++) {
      const number = machine * perMachine + nth;
      const standing = { node: `m${machine}`, services: [`s${number % services}`], principal: `address m${machine}` };
      for (const leases of all) leases.census.enter(standing);
      if (isDead) all[watcher].lose('check', number, standing, [`i${number}`], ttlMs - lastBeat);
      else all[watcher].expiry.watch(1);
    }
  }
  const total = dead.reduce((sum, each) => sum + each, 0) * perMachine;
  const removed = [];
  for (const minutes of [1, 14, 17]) {
    await clock.settleTo(minutes * minuteMs);
    removed.push(ended / total);
  }
  const frozen = all.filter(({ frozenAt }) => frozenAt.some((each) => each.frozen)).length;
  for (const { expiry } of all) expiry.close();
  return { frozen, removed };
}
