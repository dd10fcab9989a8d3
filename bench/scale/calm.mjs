/**
 * A calm hour: no instance comes or goes. One minute of heartbeats is simulated and counted sixty times, since it repeats; pings, presence and
 * looks at the store come at fixed times and are multiplied.
 */

import { pingMs } from '../../packages/server/dist/frontend/stream/ping-sweep.js';
import { lookMs } from '../../packages/server/dist/replica/follower.js';
import { renewMs } from '../../packages/server/dist/engine/etcd/presence.js';
import { beatMs } from './fleet.mjs';
import { Links } from './links.mjs';
import { beatFor, beatsOf, holdersOf, phasesOf } from './strays.mjs';
import { idle } from './store.mjs';
import { consul, pingBytes, pongBytes } from './wire.mjs';
import { VirtualClock } from './virtual-clock.mjs';

const hourMs = 3_600_000;
const minutes = 60;

export async function calm(cell, _store, links) {
  const clock = new VirtualClock();
  const minute = new Links();
  const holder = holdersOf(cell);
  const beats = beatsOf({ cell, clock, links: minute, holder, isAlive: () => true, claim: () => Promise.reject(new Error('no connection lasts for three beats')) });
  const wandering = phasesOf(cell, cell.wanders);
  const intervals = hourMs / minutes / beatMs;
  // Without a connection that lasts, no streak is counted.
  await beatFor(clock, cell, wandering, intervals, (instance) => beats.beat(instance, Math.floor(cell.random.fraction() * cell.nodes.length), undefined));
  await clock.settleTo(clock.now() + beatMs);
  beats.close();
  let sticky = 0;
  for (let instance = 0; instance < cell.instances; instance++) {
    const machine = cell.machineOf(instance);
    if (cell.hasTtl(machine) && !cell.wanders(machine)) sticky++;
  }
  // A heartbeat that comes to its owner goes no further.
  minute.add('client → node', consul.beat[0], sticky * intervals);
  minute.add('node → client', consul.beat[1], sticky * intervals);
  minute.fact('heartbeats', sticky * intervals);
  links.addAll(minute, minutes);

  const pings = (hourMs / pingMs) * cell.machines;
  links.add('node → client', pingBytes, pings);
  links.add('client → node', pongBytes, pings);
  links.fact('pings', pings);
  for (const [every, [request, answer]] of [[renewMs, idle.presence], [lookMs, idle.look]]) {
    const times = Math.floor((hourMs / every) * cell.nodes.length);
    links.add('node → store', request, times);
    links.add('store → node', answer, times);
  }
}
