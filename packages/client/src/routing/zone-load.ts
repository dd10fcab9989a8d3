/**
 * The load of one zone, as its instances report it with their answers: the mean of the reports of the last seconds.
 * Older reports count less, so nothing is kept per instance. It decides nothing (`load-spill.ts`).
 */

import type { LoadReport } from '../load-report/load-report.ts';

/** Time constant of the mean, in milliseconds: a report of this age counts 1/e of a new one. */
const decayMs = 1000;

/**
 * After this time without a report, in milliseconds, the zone's load is unknown. With probes of 3 %, a caller
 * with two requests a second gets about two reports from the other zones in that time.
 */
const staleMs = 30_000;

/** A measure is used when at least this share of the reports has it: a mixture would compare unlike servers. */
const usedShareMin = 0.9;

/**
 * Headroom of a zone that is full by its utilisation, although its reports have no requests in flight: other work may
 * use its capacity.
 */
const fullHeadroomMax = 0.25;

/** Headroom of a zone that is full by its utilisation and reports nothing else: ratios need more than 0. */
const leastHeadroom = 0.01;

/** Positions in the array of sums: V8 would allocate a new number for each report if fields held them. */
const at = 0;
const reports = 1;
const withInFlight = 2;
const inFlightSum = 3;
const withUtilization = 4;
const utilizationSum = 5;

export class ZoneLoad {
  readonly #sums = new Float64Array([-Infinity, 0, 0, 0, 0, 0]);

  /**
   * Takes over one report. O(1), allocates nothing.
   * @param now milliseconds, on the clock of picks
   */
  hear(now: number, { inFlight, utilization }: LoadReport): void {
    const sums = this.#sums;
    const decay = Math.exp(-Math.max(0, now - (sums[at] as number)) / decayMs);
    for (let place = reports; place < sums.length; place++) sums[place] = (sums[place] as number) * decay;
    sums[at] = Math.max(now, sums[at] as number);
    sums[reports] = (sums[reports] as number) + 1;
    if (inFlight !== undefined) {
      sums[withInFlight] = (sums[withInFlight] as number) + 1;
      sums[inFlightSum] = (sums[inFlightSum] as number) + inFlight;
    }
    if (utilization === undefined) return;
    sums[withUtilization] = (sums[withUtilization] as number) + 1;
    sums[utilizationSum] = (sums[utilizationSum] as number) + utilization;
  }

  /** Whether a report came recently. */
  isFresh(now: number): boolean {
    return now - (this.#sums[at] as number) <= staleMs;
  }

  /** Mean requests in flight of an instance, 0 or more; NaN before the first report that has them. */
  get inFlight(): number {
    return (this.#sums[inFlightSum] as number) / (this.#sums[withInFlight] as number);
  }

  /** Whether nearly all reports have requests in flight. */
  get hasInFlight(): boolean {
    return (this.#sums[withInFlight] as number) >= usedShareMin * (this.#sums[reports] as number);
  }

  /** Mean utilisation of an instance, 0 or more, 1 when it is full; undefined unless nearly all reports have it. */
  get utilization(): number | undefined {
    const count = this.#sums[withUtilization] as number;
    return count > 0 && count >= usedShareMin * (this.#sums[reports] as number) ? (this.#sums[utilizationSum] as number) / count : undefined;
  }

  /**
   * The free part of an instance, more than 0 and up to 1. With f requests in flight it is 1 ÷ (1 + f): the free part of
   * a single server in a queue (M/M/1); with more processors it falls too early. With utilisation, u, it is
   * (1 − u)² + u ÷ (1 + f): the fuller the zone, the more requests in flight count, since only they distinguish full
   * zones. The last term is at most a quarter of u. Without requests in flight it is 1 − u.
   * @param byUtilization whether all compared zones report utilisation
   * @param byInFlight whether all compared zones report requests in flight
   */
  headroom(byUtilization: boolean, byInFlight: boolean): number {
    const waiting = 1 / (1 + this.inFlight);
    const { utilization } = this;
    if (!byUtilization || utilization === undefined) return waiting;
    const used = Math.min(1, utilization);
    if (!byInFlight) return Math.max(leastHeadroom, 1 - used);
    return (1 - used) * (1 - used) + used * Math.min(waiting, fullHeadroomMax);
  }
}
