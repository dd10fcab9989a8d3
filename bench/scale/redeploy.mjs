/**
 * Redeploy: every instance of the fleet is replaced within an hour, the services in waves. Each new instance is registered at a random
 * moment of its wave; the old one goes two seconds later. Clients stay connected.
 */

import { Committer } from './committer.mjs';
import { FanOutNode } from './fan-out.mjs';
import { consul, frames } from './wire.mjs';
import { VirtualClock } from './virtual-clock.mjs';

export const waves = 12;
export const waveMs = 300_000;
const overlapMs = 2_000;

/** An instance's number fits below it, and a time in tenths of a millisecond above. */
const numberSpan = 2 ** 24;

export function redeploy(cell, store, links) {
  const clock = new VirtualClock();
  const { services, serviceOf, home, nodes, random } = cell;
  const fanOuts = nodes.map((_, node) => new FanOutNode(clock, links, cell.watchers[node], services));
  const committers = nodes.map(() =>
    new Committer({ clock, store, links, listeners: () => nodes.length, onCommitted: (what) => changed(Math.abs(what) - 1, what < 0) }),
  );
  function changed(instance, isGone) {
    for (const fanOut of fanOuts) fanOut.change(serviceOf[instance], instance, isGone, isGone ? -1 : 1);
  }
  const waveOf = Uint8Array.from(services, () => Math.floor(random.fraction() * waves));
  const arrivals = new Float64Array(cell.instances);
  for (let instance = 0; instance < arrivals.length; instance++) {
    const at = (waveOf[serviceOf[instance]] + random.fraction()) * waveMs;
    arrivals[instance] = Math.round(at * 10) * numberSpan + instance;
  }
  arrivals.sort();
  const timeOf = (at) => Math.floor(arrivals[at] / numberSpan) / 10;
  const submit = (instance, isGone) => {
    const machine = cell.machineOf(instance);
    const ttl = cell.hasTtl(machine);
    const [request, answer] = ttl ? consul[isGone ? 'deregister' : 'register'] : [frames[isGone ? 'deregister' : 'register'], frames.done];
    links.add('client → node', request);
    links.add('node → client', answer);
    const kind = isGone ? (ttl ? 'deregister' : 'deregisterStream') : ttl ? 'registerTtl' : 'registerStream';
    committers[home[machine]].submit(kind, isGone ? -(instance + 1) : instance + 1);
  };
  for (let came = 0, gone = 0; gone < arrivals.length; ) {
    const comes = came < arrivals.length ? timeOf(came) : Infinity;
    const goes = timeOf(gone) + overlapMs;
    const isGone = goes < comes;
    clock.runTo(isGone ? goes : comes);
    submit(arrivals[isGone ? gone++ : came++] % numberSpan, isGone);
  }
  clock.runTo(clock.now() + 600_000);
  const left = committers.reduce((sum, { waiting }) => sum + waiting, 0);
  if (left > 0) throw new Error(`${left} commands still wait ten minutes after the redeploy`);
  for (const { busyMs } of fanOuts) links.most('most: share of one core that pushes take, %', (busyMs / (waves * waveMs)) * 100);
  links.fact('instances replaced', cell.instances);
}
