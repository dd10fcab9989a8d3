/**
 * A reconnect storm: every connection ends at once (a balancer in front of the nodes fails for three seconds), and each client comes back to
 * any node of its cell, by the back-off of the client library. Their nodes and the store live. A minute is simulated.
 */

import { BackOff } from '../../packages/client/dist/connection/back-off.js';
import { Committer } from './committer.mjs';
import { FanOutNode } from './fan-out.mjs';
import { beatMs, instanceOf } from './fleet.mjs';
import { beatFor, beatsOf, holdersOf, phasesOf } from './strays.mjs';
import { frames } from './wire.mjs';
import { VirtualClock } from './virtual-clock.mjs';

export const outageMs = 3_000;
const minuteMs = 60_000;

export async function reconnect(cell, store, links) {
  const clock = new VirtualClock();
  const { nodes, random, serviceOf } = cell;
  const holder = holdersOf(cell);
  const homes = cell.home.slice();
  const fanOuts = nodes.map((_, node) => new FanOutNode(clock, links, cell.watchers[node], cell.services));
  const committers = nodes.map((_, node) =>
    new Committer({
      clock, store, links, listeners: () => nodes.length,
      onCommitted({ machine, claim }) {
        if (claim !== undefined) {
          holder[instanceOf(claim.key)] = node;
          claim.done();
        } else if (machine !== undefined) {
          for (let instance = machine; instance < cell.instances; instance += cell.machines) for (const fanOut of fanOuts) fanOut.change(serviceOf[instance], instance, false, 0);
        }
      },
    }),
  );
  const beats = beatsOf({
    cell, clock, links, holder, isAlive: () => true,
    claim: (node, keys) => Promise.all(keys.map((key) => new Promise((done) => committers[node].submit('claim', { claim: { key, done } })))),
  });
  const connections = Array.from({ length: cell.machines }, () => ({}));
  for (let machine = 0; machine < cell.machines; machine++) {
    const before = homes[machine];
    if (!cell.hasTtl(machine)) committers[before].submit('lose', { machine });
    const backOff = new BackOff(() => random.fraction());
    let at = 0;
    while (at < outageMs) at += backOff.next();
    const node = Math.floor(random.fraction() * nodes.length);
    clock.timer(at, () => {
      homes[machine] = node;
      for (const frame of ['hello', 'watch']) links.add('client → node', frames[frame]);
      for (const frame of ['welcome', 'watching']) links.add('node → client', frames[frame]);
      links.fact('clients that came back');
      links.most('most: ms until the last client is back', clock.now());
      if (!cell.hasTtl(machine)) committers[node].submit('connect', { machine });
    });
  }
  const phases = phasesOf(cell, () => true);
  await clock.settleTo(outageMs + 2_000);
  await beatFor(clock, cell, phases, minuteMs / beatMs, (instance, machine) => beats.beat(instance, homes[machine], connections[machine]));
  beats.close();
  links.fact('checks held where their heartbeats come', countAtHome(cell, holder, homes));
  links.fact('commands that still wait after the minute', committers.reduce((sum, { waiting }) => sum + waiting, 0));
}

function countAtHome(cell, holder, homes) {
  let count = 0;
  for (let instance = 0; instance < cell.instances; instance++) {
    const machine = cell.machineOf(instance);
    if (cell.hasTtl(machine) && holder[instance] === homes[machine]) count++;
  }
  return count;
}
