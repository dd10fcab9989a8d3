/**
 * The loss of a zone, or of two of the three: its machines and nodes are gone at once, and stay away. What lapses
 * together is weighed; it expires, or is held for a quarter of an hour. Forty minutes are simulated.
 *
 * Machines elsewhere whose node is gone find another one and beat there; the nodes that are left remove the dead ones from the members when
 * their presence has ended, and what those have watched begins in full elsewhere.
 */

import { BackOff } from '../../packages/client/dist/connection/back-off.js';
import { Owners } from '../../packages/server/dist/registry/kind/member/owners.js';
import { Committer } from './committer.mjs';
import { FanOutNode } from './fan-out.mjs';
import { beatMs, instanceOf, ttlMs } from './fleet.mjs';
import { graceMs, LeasesOfNode, standingOf } from './leases.mjs';
import { beatFor, beatsOf, holdersOf, phasesOf } from './strays.mjs';
import { frames } from './wire.mjs';
import { VirtualClock } from './virtual-clock.mjs';

/** A presence lasts for 10 s after its last renewal, which was up to 3 s ago. */
const presenceMs = [7_000, 10_000];
/** A stream is cut at 2.25 to 2.5 s of silence. */
const cutMs = [2_250, 2_500];
const beatsMs = 60_000;
const endMs = 40 * 60_000;

export const zone = (cell, store, links) => lose(cell, store, links, 1);

/** Two of three zones: more than self-preservation believes. */
export const zones = (cell, store, links) => lose(cell, store, links, 2);

async function lose(cell, store, links, lostZones) {
  const clock = new VirtualClock();
  const { nodes, members, random, serviceOf } = cell;
  const between = ([from, to]) => from + random.fraction() * (to - from);
  const isGone = (machine) => cell.zoneOf(machine) < lostZones;
  const living = nodes.flatMap((node, at) => (node.zone < lostZones ? [] : [at]));
  const left = members.filter((_, at) => living.includes(at));
  const holder = holdersOf(cell);
  const homes = cell.home.slice();
  const instancesOf = (machine) => Array.from({ length: Math.ceil((cell.instances - machine) / cell.machines) }, (_, nth) => machine + nth * cell.machines);
  const told = nodes.map((_, node) => (living.includes(node) ? new FanOutNode(clock, links, cell.watchers[node], cell.services) : undefined));
  const changed = (instance, isRemoved) => {
    for (const node of living) told[node].change(serviceOf[instance], instance, isRemoved, isRemoved ? -1 : 0);
  };
  const committers = nodes.map(() => new Committer({ clock, store, links, listeners: () => living.length, onCommitted: (committed) => committed() }));
  const later = (node, kind) => new Promise((done) => committers[node].submit(kind, done));

  const leases = new Map(living.map((node) => [node, new LeasesOfNode({
    clock, nodeId: nodes[node].nodeId, onExpired: (kind) => links.fact(kind === 'check' ? 'checks expired' : 'sessions expired'),
    async commit(lease) {
      await later(node, lease.kind === 'check' ? 'expire' : 'destroy');
      leases.get(node).ended(lease);
      for (const other of living) if (other !== node) leases.get(other).endedElsewhere(lease);
      for (const instance of lease.kind === 'check' ? [lease.number] : instancesOf(lease.number)) {
        changed(instance, lease.kind !== 'check');
      }
      links.fact(leases.get(node).frozenAt.length === 0 ? 'ends of leases committed while no freeze had begun' : 'ends of leases committed after a freeze had begun');
    },
  })]));

  const after = new Owners(left);
  const numberOf = new Map(members.map(({ nodeId }, at) => [nodeId, at]));
  const leaveMs = between(presenceMs);
  clock.timer(leaveMs, () => {
    beats.membersAre(left);
    links.fact('nodes lost', nodes.length - living.length);
  });
  for (let machine = 0; machine < cell.machines; machine++) {
    const instances = instancesOf(machine);
    const gone = isGone(machine);
    const home = cell.home[machine];
    const owned = living.includes(home);
    const each = cell.hasTtl(machine) ? instances.map((instance) => ['check', instance, [instance]]) : [['stream', machine, instances]];
    const lastBeat = random.fraction() * beatMs;
    const cut = between(cutMs);
    for (const [kind, number, own] of each) {
      const standing = standingOf(cell, machine, own);
      for (const node of living) leases.get(node).census.enter(standing);
      // Deadlines without a holder among the members go to whom rendezvous hashing chooses.
      const watcher = owned ? home : numberOf.get(after.ownerOf(kind === 'check' ? cell.keyOf(number) : `session\0${machine}`, undefined));
      const names = own.map((instance) => `i${instance}`);
      const watch = () => leases.get(watcher).expiry.watch(1);
      const lapse = (delayMs) => leases.get(watcher).lose(kind, number, standing, names, delayMs);
      if (!gone) {
        if (owned) watch();
        else clock.timer(leaveMs, watch);
        continue;
      }
      links.fact(kind === 'check' ? 'checks of lost machines' : 'sessions of lost machines');
      if (!owned) clock.timer(leaveMs, () => lapse(kind === 'check' ? ttlMs : graceMs));
      else if (kind === 'check') lapse(ttlMs - lastBeat);
      else {
        watch();
        clock.timer(cut, () => {
          leases.get(watcher).expiry.watch(-1);
          lapse(graceMs);
        });
      }
    }
    if (gone && !cell.hasTtl(machine)) {
      const [at, node] = owned ? [cut, home] : [leaveMs, numberOf.get(after.ownerOf(`session\0${machine}`, undefined))];
      clock.timer(at, () => void later(node, 'lose').then(() => instances.forEach((instance) => changed(instance, false))));
    } else if (!gone && !owned) comeBack(machine);
  }

  function comeBack(machine) {
    const node = living[Math.floor(random.fraction() * living.length)];
    clock.timer(between(cutMs) + new BackOff(() => random.fraction()).next(), () => {
      homes[machine] = node;
      for (const frame of ['hello', 'watch']) links.add('client → node', frames[frame]);
      for (const frame of ['welcome', 'watching']) links.add('node → client', frames[frame]);
      links.fact('clients that came back');
      if (!cell.hasTtl(machine)) void later(node, 'move');
    });
  }

  const beats = beatsOf({
    cell, clock, links, holder, isAlive: (node) => living.includes(node),
    claim: (node, keys) => Promise.all(keys.map((key) => later(node, 'claim').then(() => (holder[instanceOf(key)] = node)))),
  });
  const connections = Array.from({ length: cell.machines }, () => ({}));
  const moved = phasesOf(cell, (machine) => !isGone(machine) && !living.includes(cell.home[machine]));
  await beatFor(clock, cell, moved, beatsMs / beatMs, (instance, machine) => {
    if (living.includes(homes[machine])) beats.beat(instance, homes[machine], connections[machine]);
  });
  beats.close();
  await clock.settleTo(endMs);

  for (const node of living) {
    const { frozenAt, expiry } = leases.get(node);
    const first = frozenAt.find(({ frozen }) => frozen);
    links.fact(first === undefined ? 'nodes that never froze' : 'nodes that froze');
    if (first !== undefined) links.most('most: ms until a node froze', Math.round(first.at));
    const thawed = frozenAt.find(({ frozen }) => !frozen);
    if (thawed !== undefined) links.most('most: s until a freeze ended', Math.round(thawed.at / 1_000));
    links.fact('leases that still wait at the end', expiry.status().held);
    expiry.close();
  }
}
