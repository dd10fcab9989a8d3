/**
 * What is missing, as self-preservation weighs it: leases that have lapsed on this node, those that have expired here within the window,
 * and those that other nodes of the store have let expire within it, as the log shows.
 *
 * A node sees only its own leases lapse. They are a sample of the fleet: if it watches a third of all leases, a third of a loss looks
 * like the loss there. So its own losses are weighed against its share of the leases, and together with the expiries of all other nodes
 * against all leases (docs/decisions/0073). The only node of a store watches everything, and both are the same.
 */

import { Tally, type Census, type Stake } from './census.ts';
import { instancesMin, type Loss } from './self-preservation.ts';

/** A lease that has expired within the window. */
interface Gone {
  readonly at: number;
  readonly stake: Stake;
  /** Up to `instancesMin`. */
  readonly instances: number;
}

/** Counts the distinct instances of the stakes for which `counts` holds, up to `instancesMin`. */
export type CountInstances = (counts: (stake: Stake) => boolean) => number;

export class Losses {
  readonly #census: Census;
  /** Of this node: lapsed, or expired within the window. */
  readonly own: Tally;
  /** The same of all nodes, as far as the log shows it. Undefined while no other node has let anything expire. */
  #all: Tally | undefined;
  #here: Gone[] = [];
  #elsewhere: Gone[] = [];
  /** Leases that this node watches, lapsed ones included. */
  #watched = 0;

  constructor(census: Census) {
    this.#census = census;
    this.own = new Tally(census);
  }

  /** Leases that have lapsed on this node and wait. */
  get lapsed(): number {
    return this.own.leases - this.#here.length;
  }

  /** Leases that there are, without those that have expired. */
  get leases(): number {
    return this.#census.leases - this.#here.length - this.#elsewhere.length;
  }

  /** Whether something that expired elsewhere is still within the window. */
  get waits(): boolean {
    return this.#elsewhere.length > 0;
  }

  /** Leases that this node watches. */
  get watched(): number {
    return this.#watched;
  }

  /** This node watches one lease more, or less. */
  watch(by: 1 | -1): void {
    this.#watched += by;
  }

  lapse(stake: Stake): void {
    this.own.add(stake);
    this.#all?.add(stake);
  }

  /** It was renewed, or is not needed any more. */
  return(stake: Stake): void {
    this.own.remove(stake);
    this.#all?.remove(stake);
  }

  /** @param like the stake that it had @param instances up to `instancesMin` */
  expired(like: Stake, instances: number, at: number): void {
    const stake = this.#census.enterLike(like);
    this.lapse(stake);
    this.#here.push({ at, stake, instances });
  }

  /** The same of a lease that another node has watched. @param lapsed gives the stakes of the leases that wait here */
  expiredElsewhere(like: Stake, instances: number, at: number, lapsed: () => Iterable<Stake>): void {
    const stake = this.#census.enterLike(like);
    if (this.#all === undefined) {
      this.#all = new Tally(this.#census);
      for (const each of lapsed()) this.#all.add(each);
      for (const each of this.#here) this.#all.add(each.stake);
    }
    this.#all.add(stake);
    this.#elsewhere.push({ at, stake, instances });
  }

  /** Drops what expired before the window. */
  forget(until: number): void {
    for (const gone of takeUntil(this.#here, until)) this.#forgetHere(gone);
    for (const { stake } of takeUntil(this.#elsewhere, until)) {
      this.#all?.remove(stake);
      this.#census.leave(stake);
    }
    if (this.#elsewhere.length === 0) this.#all = undefined;
  }

  /** Leases that have expired here count as real losses: they are not part of a later loss. */
  settle(): void {
    for (const gone of this.#here.splice(0)) this.#forgetHere(gone);
  }

  /** @param lapsedInstances of the leases that wait here */
  weigh(lapsedInstances: CountInstances): Loss[] {
    const of = (tally: Tally, gone: readonly Gone[]) =>
      tally.loss((counts) => {
        let instances = lapsedInstances(counts);
        for (const each of gone) if (instances < instancesMin && counts(each.stake)) instances += each.instances;
        return instances;
      });
    const own = { ...of(this.own, this.#here), watched: this.share };
    return this.#all === undefined ? [own] : [own, of(this.#all, [...this.#here, ...this.#elsewhere])];
  }

  /** Share of all leases that this node watches, 0 to 1. */
  get share(): number {
    return this.leases <= 0 ? 1 : Math.min(1, this.#watched / this.leases);
  }

  #forgetHere({ stake }: Gone): void {
    this.return(stake);
    this.#census.leave(stake);
  }
}

/** Removes those up to a time, which come first. */
function takeUntil(gone: Gone[], until: number): Gone[] {
  let old = 0;
  while (old < gone.length && (gone[old] as Gone).at <= until) old++;
  return gone.splice(0, old);
}
