/**
 * Self-preservation: when many lapse at once, the fault is more likely here (our network, our store,
 * our own overload) than with all of them. Then expiry freezes until they come back or until an
 * operator says that they are really gone. This is the decision only; `expiry.ts` acts on it.
 *
 * The idea is Eureka's (https://github.com/Netflix/eureka/wiki/Understanding-Eureka-Peer-to-Peer-Communication),
 * which stops expiring below 85 % of the expected renewals.
 */

export interface Loss {
  /** Leases that have lapsed. */
  readonly leases: number;
  /** Distinct instances that they vouched for; counting may stop at `instancesMin`. */
  readonly instances: number;
  /** How many leases there are, those that lapsed included. */
  readonly of: number;
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
 * Whether a loss is a mass loss. One lease alone never is one, however many instances hang on it: a
 * process that dies takes all its instances with it.
 */
export function isMassLoss({ leases, instances, of }: Loss): boolean {
  return leases >= 2 && instances >= instancesMin && leases > shareMax * of;
}

/** `expire`: go ahead. `hold`: nothing expires. `thaw`: the freeze ends and what is missing starts anew. */
export type Decision = 'expire' | 'hold' | 'thaw';

export class SelfPreservation {
  #frozen = false;
  /** What has expired within the window. */
  #gone: { readonly at: number; readonly leases: number; readonly instances: number }[] = [];

  get frozen(): boolean {
    return this.#frozen;
  }

  /**
   * Decides about what is missing now.
   * @param missing what has lapsed and has not come back, whenever that was
   * @param now milliseconds on a clock that never jumps
   */
  decide(missing: Loss, now: number): Decision {
    this.#gone = this.#gone.filter(({ at }) => now - at < windowMs);
    const loss = { ...missing };
    for (const { leases, instances } of this.#gone) {
      loss.leases += leases;
      loss.instances += instances;
      loss.of += leases;
    }
    const wasFrozen = this.#frozen;
    this.#frozen = missing.leases > 0 && isMassLoss(loss);
    if (this.#frozen) return 'hold';
    return wasFrozen ? 'thaw' : 'expire';
  }

  /** Notes what has expired: the next decisions count it as part of the same event. */
  expired(leases: number, instances: number, now: number): void {
    if (leases > 0) this.#gone.push({ at: now, leases, instances });
  }

  /** An operator's word that the loss is real: ends a freeze, and the same event starts no other. */
  override(): void {
    this.#frozen = false;
    this.#gone = [];
  }
}
