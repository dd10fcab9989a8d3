/**
 * Heartbeats that come to another node than the one that watches their deadline. The registry's own `Strays` gathers, sends and claims them,
 * its own `Receiver` answers, and `Owners` says who owns what. Modelled: the way between two nodes, and when heartbeats come.
 */

import { Receiver } from '../../packages/server/dist/cluster/receiver.js';
import { Strays } from '../../packages/server/dist/cluster/strays.js';
import { Owners } from '../../packages/server/dist/registry/kind/member/owners.js';
import { beatMs, instanceOf, machineName, noHolder } from './fleet.mjs';
import { answersBytes, batchBytes, consul } from './wire.mjs';

/** One way between two nodes of a cell. */
const hopMs = 0.5;

/**
 * @param {object} options
 * @param {ReturnType<import('./fleet.mjs').cellOf>} options.cell
 * @param {import('./virtual-clock.mjs').VirtualClock} options.clock
 * @param {import('./links.mjs').Links} options.links
 * @param {Uint8Array} options.holder of each instance's check: a node's number, or `noHolder`
 * @param {(node: number) => boolean} options.isAlive
 * @param {(node: number, keys: readonly string[]) => Promise<unknown>} options.claim
 */
export function beatsOf({ cell, clock, links, holder, isAlive, claim }) {
  const { members } = cell;
  let owners = cell.owners;
  const ownerOf = (key) => owners.member(owners.ownerOf(key, members[holder[instanceOf(key)]]?.nodeId));
  const numbers = new Map(members.map(({ nodeId }, at) => [nodeId, at]));
  const receivers = members.map(({ nodeId }) =>
    new Receiver({ epoch: () => 1, ownerOf, deliver: async (key) => (ownerOf(key)?.nodeId === nodeId ? 'taken' : 'moved') }),
  );
  const after = (ms) => new Promise((passed) => clock.timer(ms, passed));
  const strays = members.map(({ nodeId }, node) =>
    new Strays({
      nodeId, clock, ownerOf,
      async send(to, batch) {
        links.add('node → node', batchBytes(batch));
        links.fact('batches of strays');
        links.fact('strays in batches', batch.beats.length);
        await after(hopMs);
        // A machine that is gone gives no answer; the sender stops waiting for it.
        if (!isAlive(numbers.get(to.nodeId))) return new Promise(() => {});
        const answers = await receivers[numbers.get(to.nodeId)].deliver(batch);
        links.add('node → node', answersBytes(answers));
        await after(hopMs);
        return answers;
      },
      claim: (keys) => claim(node, keys),
      count: (outcome, beats) => links.fact(`strays ${outcome}`, beats),
    }),
  );
  return {
    /** Another row of members is in the log. */
    membersAre: (left) => (owners = new Owners(left)),
    ownerOf,
    /** A heartbeat at a node. @param {object | undefined} connection */
    beat(instance, node, connection) {
      links.add('client → node', consul.beat[0]);
      links.add('node → client', consul.beat[1]);
      links.fact('heartbeats');
      const key = cell.keyOf(instance);
      if (ownerOf(key)?.nodeId === members[node].nodeId) return;
      links.fact('strays');
      strays[node].take({ key, status: 'passing', output: '', principal: `address ${machineName(cell.machineOf(instance))}`, connection });
    },
    close: () => strays.forEach((each) => each.close()),
  };
}

/** The holder of each instance's check by the node that its machine registered through. */
export function holdersOf(cell) {
  const holder = new Uint8Array(cell.instances).fill(noHolder);
  for (let instance = 0; instance < cell.instances; instance++) {
    const machine = cell.machineOf(instance);
    if (cell.hasTtl(machine)) holder[instance] = cell.home[machine];
  }
  return holder;
}

/** Which instances beat, in the order in which they do in each interval. @param {(machine: number) => boolean} counts */
export function phasesOf(cell, counts) {
  const machines = Uint32Array.from({ length: cell.machines }, (_, machine) => machine).filter((machine) => cell.hasTtl(machine) && counts(machine));
  const phase = new Float64Array(cell.machines);
  for (const machine of machines) phase[machine] = cell.random.fraction() * beatMs;
  return { machines: machines.sort((a, b) => phase[a] - phase[b]), phase };
}

/** Lets all machines beat for some intervals. @param {(instance: number, machine: number) => void} beat */
export async function beatFor(clock, cell, { machines, phase }, intervals, beat) {
  const began = clock.now();
  for (let interval = 0; interval < intervals; interval++) {
    for (const machine of machines) {
      const at = began + interval * beatMs + phase[machine];
      if (clock.next <= at) await clock.settleTo(at);
      else clock.moveTo(at);
      // One after the other, as an agent on the machine sends them.
      for (let instance = machine; instance < cell.instances; instance += cell.machines) beat(instance, machine);
    }
  }
  await clock.settleTo(began + intervals * beatMs);
}
