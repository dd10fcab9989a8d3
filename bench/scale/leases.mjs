/**
 * The leases of machines that are gone, on the registry's own `Lease`, `Wheel`, `Expiry` and `Census`: what lapses, what expires, and when a
 * node freezes. Of the machines that live only the places in the census are made; their leases are renewed and never lapse.
 */

import { Census } from '../../packages/server/dist/health/census.js';
import { Expiry } from '../../packages/server/dist/health/expiry.js';
import { Lease } from '../../packages/server/dist/health/lease.js';
import { Wheel } from '../../packages/server/dist/health/wheel.js';
import { machineName, ttlMs } from './fleet.mjs';

/** The grace of a stream, as clients ask for it by default. */
export const graceMs = 10_000;

class LostLease extends Lease {
  over = false;
  /** @param {string} kind @param {number} number of the instance, or of the machine of a stream */
  constructor(options, kind, number, standing, instances) {
    super(options, `${kind} ${number}`, kind === 'check' ? ttlMs : graceMs);
    this.kind = kind;
    this.number = number;
    this.standing = standing;
    this.names = instances;
  }

  begin() {}

  verdict() {
    return this.kind === 'check' ? { kind: 'update-checks', updates: [{ lease: this }] } : { kind: 'session-destroy', lease: this };
  }

  isOver() {
    return this.over;
  }

  instances() {
    return this.names;
  }
}

const silent = { error() {}, warn() {}, info() {} };

export class LeasesOfNode {
  census = new Census();
  frozenAt = [];
  #options;
  #ownership;

  /**
   * @param {object} options
   * @param {import('./virtual-clock.mjs').VirtualClock} options.clock
   * @param {string} options.nodeId
   * @param {(lease: LostLease) => Promise<void>} options.commit resolves when the verdict on the lease is committed
   * @param {(kind: string) => void} options.onExpired
   */
  constructor(options) {
    const { clock, nodeId, commit, onExpired } = options;
    this.#ownership = { nodeId, judge: { nodeId, epoch: 1 }, generation: 0, owns: () => true, stray() {} };
    const wheel = new Wheel({ clock, onError: (error) => { throw error; } });
    const submit = (command) => Promise.all((command.updates ?? [command]).map(({ lease }) => commit(lease)));
    this.expiry = new Expiry({
      name: 'leases', registry: { submit }, wheel, clock, log: silent, yieldToIo: () => Promise.resolve(), census: this.census, onExpired,
      onFrozen: (frozen) => this.frozenAt.push({ frozen, at: clock.now() }),
    });
    this.#options = { wheel, expiry: this.expiry, ownership: () => this.#ownership };
  }

  /** A lease that this node watches. @param {number} delayMs until it lapses */
  lose(kind, number, standing, instances, delayMs) {
    const lease = new LostLease(this.#options, kind, number, standing, instances);
    // It is in the census already.
    const counted = this.census.enter(standing);
    this.census.leave(counted);
    lease.stake = counted;
    lease.renew(delayMs);
    return lease;
  }

  /** Its verdict is committed. */
  ended(lease) {
    lease.over = true;
    this.census.leave(lease.stake);
    lease.stake = undefined;
  }

  /** The same on a node that did not watch it, if it did not begin to. */
  endedElsewhere(lease) {
    const stake = this.census.enter(lease.standing);
    this.expiry.expiredElsewhere({ stake, instances: () => lease.names });
    this.census.leave(stake);
    this.census.leave(stake);
  }
}

/** Where the lease of an instance, or of a machine's stream, stands. */
export function standingOf(cell, machine, instances) {
  const services = new Set(instances.map((instance) => {
    const { namespace, name } = cell.services[cell.serviceOf[instance]];
    return `${namespace}/${name}`;
  }));
  return { node: machineName(machine), services: [...services], principal: `address ${machineName(machine)}` };
}
