/**
 * Self-preservation: when many leases lapse at once all over the fleet, the fault is more likely in this server (its network,
 * its store, its own overload) than in all of the instances. Then expiry freezes until the leases are renewed, until the freeze has
 * lasted long enough, or until an operator says that the instances are really gone. This file decides; `expiry.ts` acts.
 *
 * The idea is Eureka's (https://github.com/Netflix/eureka/wiki/Understanding-Eureka-Peer-to-Peer-Communication), which
 * stops expiring below 85 % of the expected renewals. Eureka counts renewals, so that one client with many of them can
 * stop expiry for all, and it never ends. Here a loss is weighed by who has lost (docs/decisions/0022).
 */

/** A loss without the group that has lost most leases; the whole loss when there is one group only. */
export interface Rest {
  /** Groups (nodes, services or principals) that are left, those that lost nothing included. */
  readonly groups: number;
  /** How many of them are lost, each counted by the share of its leases that has lapsed. */
  readonly groupsLost: number;
  /** Their leases, those that lapsed included. */
  readonly leases: number;
  readonly leasesLost: number;
  /** Distinct instances that the lapsed leases vouched for; counting may stop at `instancesMin`. */
  readonly instancesLost: number;
}

export interface Loss {
  /** Nodes that vouch for anything, or did until now. */
  readonly machines: number;
  /** Without the node that has lost most. */
  readonly nodes: Rest;
  /** Without the service that has lost most. */
  readonly services: Rest;
  /** Without the principal (`net/principal.ts`) that has lost most. */
  readonly principals: Rest;
}

/** Below this a loss is small enough to be what it looks like: a machine, a deployment. */
export const instancesMin = 10;

/** Eureka's share: what may be missing of the expected heartbeats. */
export const shareMax = 0.15;

/**
 * Losses this close to each other are one event. After a cut, deadlines pass spread over one heartbeat
 * interval; at 30 s, the longest in common use, 5 s still see 16.7 % of them. A longer window would take
 * a rolling restart of a fleet for a cut.
 */
export const windowMs = 5_000;

/**
 * How long a freeze lasts after the last evidence for it. Most cuts are repaired within it; and an instance that is really dead is
 * removed this much later.
 */
export const freezeMsMax = 15 * 60_000;

/**
 * Whether a loss is a mass loss. It is one when it is large even without the node that has lost most, without the service
 * that has lost most, and without the principal that has lost most. So none of them can make one, or make a small loss
 * elsewhere look like one, whatever it brings along. Nodes and principals count alike, however many leases they have;
 * services, of which a fleet may have few, by their leases. One machine is never a mass loss: a process that dies takes
 * all its instances with it, and a host all its processes.
 */
export function isMassLoss({ machines, nodes, services, principals }: Loss): boolean {
  return machines > 1 && isLarge(nodes) && isLarge(services) && isLarge(principals) && isWide(nodes) && isWide(principals);
}

function isLarge({ leases, leasesLost, instancesLost }: Rest): boolean {
  return instancesLost >= instancesMin && leasesLost > shareMax * leases;
}

function isWide({ groups, groupsLost }: Rest): boolean {
  return groupsLost > shareMax * groups;
}

/**
 * `expire`: go ahead. `freeze`, `extend`, `hold`: nothing expires; a freeze begins, has new evidence, goes on. `thaw`: it
 * ends, and what is missing starts anew. `release`: its time is over, and what is missing is taken to be gone.
 */
export type Decision = 'expire' | 'freeze' | 'extend' | 'hold' | 'thaw' | 'release';

export class SelfPreservation {
  #untilMs = Infinity;
  #frozen = false;

  get frozen(): boolean {
    return this.#frozen;
  }

  /** When the freeze ends at the latest, on the clock of `decide`; meaningless when not frozen. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /**
   * Decides about what is missing now.
   * @param missing what has lapsed and has not come back, whenever that was, and what has expired within the window;
   *   nothing but the latter is no reason for a freeze, and is not to be asked about
   * @param fresh the part of it that lapsed since the last evidence
   * @param now milliseconds on a clock that never jumps
   */
  decide(missing: Loss, fresh: () => Loss, now: number): Decision {
    const wasFrozen = this.#frozen;
    this.#frozen = isMassLoss(missing);
    if (!this.#frozen) return wasFrozen ? 'thaw' : 'expire';
    // A further mass loss is evidence that the cut goes on; a few more that lapse are none.
    if (!wasFrozen || isMassLoss(fresh())) {
      this.#untilMs = now + freezeMsMax;
      return wasFrozen ? 'extend' : 'freeze';
    }
    if (now < this.#untilMs) return 'hold';
    this.#frozen = false;
    return 'release';
  }

  /** An operator's word that the loss is real. */
  override(): void {
    this.#frozen = false;
  }
}
