/**
 * Outliers: endpoints that answer, but with many failures. Two signs, both Envoy's
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier):
 *
 * - failures in a row, reported at once;
 * - a success rate far below that of the others, compared every ten seconds, once enough endpoints have had
 *   enough requests for a meaningful rate.
 *
 * It only detects outliers; `ejection.ts` decides how many endpoints are left out, and for how long.
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';

export interface OutlierOptions {
  /** Failures in a row that make an outlier; a whole number, 1 or more, Infinity for never. 5 by default. */
  readonly consecutiveFailures?: number;
  /** How often success rates are compared, in milliseconds; more than 0. 10,000 by default. */
  readonly intervalMs?: number;
  /** Least number of requests in an interval for a rate; 1 or more. 100 by default. */
  readonly requestsMin?: number;
  /** Least number of endpoints with a rate for a comparison; 2 or more. 5 by default. */
  readonly endpointsMin?: number;
  /** Standard deviations below the mean that make an outlier; more than 0. 1.9 by default. */
  readonly deviations?: number;
  /** Largest share of the endpoints that may be out as outliers, 0 to 1; one may always be, except at 0. 0.1 by default. */
  readonly maxShare?: number;
}

const outlierOptions: OptionNames<OutlierOptions> = {
  consecutiveFailures: true, intervalMs: true, requestsMin: true, endpointsMin: true, deviations: true,
  maxShare: true,
};

interface Tally {
  succeeded: number;
  failed: number;
  failedInRow: number;
}

const none: readonly Endpoint[] = [];

export class Outliers {
  readonly maxShare: number;
  readonly #consecutiveFailures: number;
  readonly #intervalMs: number;
  readonly #requestsMin: number;
  readonly #endpointsMin: number;
  readonly #deviations: number;
  readonly #tallies = new Map<Endpoint, Tally>();
  #nextSweep = -Infinity;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(options: OutlierOptions = {}) {
    checkKnown(options, outlierOptions, 'ejection.outliers');
    this.maxShare = options.maxShare ?? 0.1;
    this.#consecutiveFailures = options.consecutiveFailures ?? 5;
    this.#intervalMs = options.intervalMs ?? 10_000;
    this.#requestsMin = options.requestsMin ?? 100;
    this.#endpointsMin = options.endpointsMin ?? 5;
    this.#deviations = options.deviations ?? 1.9;
    const inRow = this.#consecutiveFailures;
    const whole = Number.isInteger(inRow) || inRow === Infinity;
    checkRange(this.maxShare >= 0 && this.maxShare <= 1, 'outliers.maxShare', this.maxShare, 'from 0 to 1');
    checkRange(whole && inRow >= 1, 'outliers.consecutiveFailures', inRow, 'a whole number, 1 or more, or Infinity');
    checkRange(this.#intervalMs > 0, 'outliers.intervalMs', this.#intervalMs, 'more than 0');
    checkRange(this.#requestsMin >= 1, 'outliers.requestsMin', this.#requestsMin, '1 or more');
    checkRange(this.#endpointsMin >= 2, 'outliers.endpointsMin', this.#endpointsMin, '2 or more');
    checkRange(this.#deviations > 0, 'outliers.deviations', this.#deviations, 'more than 0');
  }

  /** Records an answer or failure of an endpoint. @returns whether it has now failed too often in a row */
  observe(endpoint: Endpoint, succeeded: boolean): boolean {
    let tally = this.#tallies.get(endpoint);
    if (tally === undefined) this.#tallies.set(endpoint, (tally = { succeeded: 0, failed: 0, failedInRow: 0 }));
    if (succeeded) {
      tally.succeeded += 1;
      tally.failedInRow = 0;
      return false;
    }
    tally.failed += 1;
    tally.failedInRow += 1;
    if (tally.failedInRow < this.#consecutiveFailures) return false;
    tally.failedInRow = 0;
    return true;
  }

  forget(endpoint: Endpoint): void {
    this.#tallies.delete(endpoint);
  }

  /** @returns endpoints whose success rate was an outlier in the interval that just ended; usually none has ended */
  sweep(now: number): readonly Endpoint[] {
    if (now < this.#nextSweep) return none;
    const first = this.#nextSweep === -Infinity;
    this.#nextSweep = now + this.#intervalMs;
    if (first) return none;
    const rates: { endpoint: Endpoint; rate: number }[] = [];
    for (const [endpoint, tally] of this.#tallies) {
      const requests = tally.succeeded + tally.failed;
      if (requests >= this.#requestsMin) rates.push({ endpoint, rate: tally.succeeded / requests });
      tally.succeeded = 0;
      tally.failed = 0;
    }
    if (rates.length < this.#endpointsMin) return none;
    const mean = rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length;
    const variance = rates.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / rates.length;
    const least = mean - this.#deviations * Math.sqrt(variance);
    return rates.filter(({ rate }) => rate < least).map(({ endpoint }) => endpoint);
  }
}
