/**
 * Self-preservation: if many leases lapse at once across the fleet, the fault is more likely in this server (its network,
 * its store, its own overload) than in all of the instances. Then expiry freezes until the leases are renewed, until the freeze has
 * reached its limit, or until an operator confirms that the instances are dead. This file decides; `expiry.ts` acts.
 *
 * The idea is Eureka's (https://github.com/Netflix/eureka/wiki/Understanding-Eureka-Peer-to-Peer-Communication), which
 * stops expiring below 85 % of the expected renewals. Eureka counts renewals, so one client with many of them can
 * stop expiry for all, and a freeze never ends. Here a loss is weighed by the groups that have lost (docs/decisions/0022).
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
  /**
   * Of all leases, the share that could be part of the loss, above 0 to 1: that of the leases which this node watches. Absent: 1. The
   * limits are so much smaller.
   */
  readonly watched?: number;
  /** Nodes that vouch for instances, or did until now. */
  readonly machines: number;
  /** Without the node that has lost most. */
  readonly nodes: Rest;
  /** Without the service that has lost most. */
  readonly services: Rest;
  /** Without the principal (`net/principal.ts`) that has lost most. */
  readonly principals: Rest;
}

/** A smaller loss is taken as it looks: a machine, a deployment. */
export const instancesMin = 10;

/** Eureka's share of the expected heartbeats that may be missing. */
const shareMax = 0.15;

/**
 * Losses this close to each other are one event. After a cut, deadlines pass spread over one heartbeat
 * interval; at 30 s, the longest in common use, 5 s still see 16.7 % of them. A longer window would take
 * a rolling restart of a fleet for a cut.
 */
export const windowMs = 5_000;

/**
 * How long a freeze lasts after the last evidence for it. Most cuts are repaired within this time; a dead instance is
 * removed this much later.
 */
export const freezeMsMax = 15 * 60_000;

/**
 * Whether a loss is a mass loss. It must be large even without the node that has lost most, without the service
 * that has lost most, and without the principal that has lost most. So none of them alone can cause one, or make a small loss
 * elsewhere look like one. Nodes and principals count equally, however many leases they have;
 * services, of which a fleet may have few, count by their leases. The loss of one machine is never a mass loss: all processes
 * of a host, and all instances of a process, are lost together.
 */
export function isMassLoss({ machines, nodes, services, principals, watched = 1 }: Loss): boolean {
  const isLarge = ({ leases, leasesLost, instancesLost }: Rest) =>
    instancesLost >= instancesMin * watched && leasesLost > shareMax * watched * leases;
  const isWide = ({ groups, groupsLost }: Rest) => groupsLost > shareMax * watched * groups;
  return machines > 1 && isLarge(nodes) && isLarge(services) && isLarge(principals) && isWide(nodes) && isWide(principals);
}

/**
 * `expire`: expire now. `freeze`, `extend`, `hold`: nothing expires; a freeze begins, has new evidence, continues. `thaw`: it
 * ends, and the missing leases get their full time again. `release`: it has reached its limit, and the missing leases are
 * considered lost.
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
   * Decides about the missing leases.
   * @param missing the leases that have lapsed at any time and were not renewed, and those that have expired within the
   *   window; if only the latter exist there is no reason for a freeze, so do not call it
   * @param fresh the part of it that lapsed since the last evidence
   * @param now milliseconds on a monotonic clock
   */
  decide(missing: Loss, fresh: () => Loss, now: number): Decision {
    const wasFrozen = this.#frozen;
    this.#frozen = isMassLoss(missing);
    if (!this.#frozen) return wasFrozen ? 'thaw' : 'expire';
    // A further mass loss shows that the cut continues; a few more lapsed leases do not.
    if (!wasFrozen || isMassLoss(fresh())) {
      this.#untilMs = now + freezeMsMax;
      return wasFrozen ? 'extend' : 'freeze';
    }
    if (now < this.#untilMs) return 'hold';
    this.#frozen = false;
    return 'release';
  }

  /** An operator confirms that the loss is real. */
  override(): void {
    this.#frozen = false;
  }
}
