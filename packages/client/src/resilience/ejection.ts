/**
 * Ejection: an endpoint whose connection broke is left out at once, for 1 s at first and twice as long each time it
 * fails again, up to 30 s; never more than half of those that can be connected to. It is in again when the time is
 * over or when the registry says that it is new or ready again. The form of Envoy's outlier detection with a single
 * local-origin failure (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier), but
 * evaluated at each failure instead of in sweeps.
 *
 * An endpoint that asks for a pause (`Retry-After`) is left out for as long as it says. Endpoints that answer
 * badly (`outliers.ts`) are left out, too, but fewer of them: failures that all endpoints share may be caused
 * by the requests. Endpoints that take no connection are not counted here (`reachability.ts`).
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';
import { Outliers, type OutlierOptions } from './outliers.ts';

export interface EjectionOptions {
  /** First ejection, in milliseconds; more than 0. 1,000 by default. */
  readonly baseMs?: number;
  /** Longest ejection, in milliseconds; more than 0. 30,000 by default. */
  readonly maxMs?: number;
  /**
   * Largest share of the endpoints that may be out at once, from 0 to 1; 0.5 by default, 0 for none. Those that take no
   * connection do not count: see `unreachable`.
   */
  readonly maxShare?: number;
  /**
   * Whether endpoints that take no connection are left out until they take one again, however many; true by default. With
   * false, requests try them all the same.
   */
  readonly unreachable?: boolean;
  /** When endpoints are left out for too many failed answers; `false` for never. */
  readonly outliers?: OutlierOptions | false;
}

const ejectionOptions: OptionNames<EjectionOptions> = { baseMs: true, maxMs: true, maxShare: true, unreachable: true, outliers: true };

/** Called with an endpoint that is out from now on, and for how many milliseconds. */
export type EjectionListener = (endpoint: Endpoint, reason: EjectionReason, lengthMs: number) => void;

/**
 * Why an endpoint is left out: it takes no connection, its connection broke, it answers badly, or it asked for a pause.
 */
export type EjectionReason = 'unreachable' | 'broken' | 'outlier' | 'retry-after';

/** State of an endpoint that is out. */
export interface Ejected {
  readonly reason: EjectionReason;
  /** When it is in again, on the clock of `now`. */
  readonly until: number;
}

interface Record {
  reason: EjectionReason;
  /** Out until then; in the past for one that is back but has not answered yet. */
  until: number;
  /** Length of the last ejection. */
  lengthMs: number;
}

export class Ejection {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #maxShare: number;
  /** Endpoints that are out, and those that are back but have not answered yet. */
  readonly #records = new Map<Endpoint, Record>();
  readonly #outliers: Outliers | undefined;
  readonly #onEject: EjectionListener;
  #nextReturn = Infinity;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(
    options: EjectionOptions = {},
    onEject: EjectionListener = () => {},
  ) {
    const { baseMs = 1000, maxMs = 30_000, maxShare = 0.5, outliers = {} } = options;
    checkKnown(options, ejectionOptions, 'ejection');
    checkRange(baseMs > 0 && baseMs < Infinity, 'ejection.baseMs', baseMs, 'more than 0');
    checkRange(maxMs > 0 && maxMs < Infinity, 'ejection.maxMs', maxMs, 'more than 0');
    checkRange(maxShare >= 0 && maxShare <= 1, 'ejection.maxShare', maxShare, 'from 0 to 1');
    this.#onEject = onEject;
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#maxShare = maxShare;
    this.#outliers = outliers === false ? undefined : new Outliers(outliers);
  }

  /** When the next endpoint comes back, on the clock of `now`; Infinity when none is out. */
  get nextReturn(): number {
    return this.#nextReturn;
  }

  /**
   * A connection broke. Failures of requests that were under way when it was ejected do not prolong the ejection.
   * @param endpoints all that may be chosen, ejected or not
   * @returns whether `endpoint` is out from now on and was in before
   */
  broke(endpoint: Endpoint, endpoints: readonly Endpoint[], now: number): boolean {
    return this.#eject(endpoint, 'broken', endpoints, now);
  }

  /**
   * An endpoint asked for a pause.
   * @param pauseMs for how long; at most `maxMs` of it are granted
   * @returns whether `endpoint` is out from now on and was in before
   */
  asked(endpoint: Endpoint, pauseMs: number, endpoints: readonly Endpoint[], now: number): boolean {
    return pauseMs > 0 && this.#eject(endpoint, 'retry-after', endpoints, now, Math.min(pauseMs, this.#maxMs));
  }

  /**
   * An endpoint answered, well or badly.
   * @param endpoints all that may be chosen, ejected or not
   * @returns whether an endpoint is out from now on that was in before
   */
  answered(endpoint: Endpoint, succeeded: boolean, endpoints: readonly Endpoint[], now: number): boolean {
    if (this.#outliers === undefined || !endpoints.includes(endpoint)) {
      this.#proved(endpoint, now);
      return false;
    }
    const failedInRow = this.#outliers.observe(endpoint, succeeded);
    if (succeeded) this.#proved(endpoint, now);
    let changed = failedInRow && this.#eject(endpoint, 'outlier', endpoints, now);
    for (const outlier of this.#outliers.sweep(now)) changed = this.#eject(outlier, 'outlier', endpoints, now) || changed;
    return changed;
  }

  #eject(endpoint: Endpoint, reason: EjectionReason, endpoints: readonly Endpoint[], now: number, askedMs?: number): boolean {
    const record = this.#records.get(endpoint);
    if (record !== undefined && record.until > now) return false;
    if (!endpoints.includes(endpoint)) return false;
    const out = endpoints.filter((other) => this.#isOut(other, now)).length;
    if (out + 1 > this.#most(reason, endpoints.length)) return false;
    const lengthMs = askedMs ?? (record === undefined ? this.#baseMs : Math.min(2 * record.lengthMs, this.#maxMs));
    // A requested pause is not a failure, so it does not lengthen the next ejection.
    this.#records.set(endpoint, { reason, until: now + lengthMs, lengthMs: askedMs === undefined ? lengthMs : this.#baseMs / 2 });
    this.#nextReturn = Math.min(this.#nextReturn, now + lengthMs);
    this.#onEject(endpoint, reason, lengthMs);
    return true;
  }

  /** How many of `count` endpoints may be out for this reason; never the only one. */
  #most(reason: EjectionReason, count: number): number {
    const most = this.#maxShare * count;
    if (reason !== 'outlier' || this.#outliers === undefined) return most;
    const { maxShare } = this.#outliers;
    // One may always be out, as in Envoy; otherwise a service of five could have no outliers.
    return maxShare === 0 ? 0 : Math.min(most, Math.max(1, maxShare * count));
  }

  /** Its next ejection is a first one again. One that is out stays out. */
  #proved(endpoint: Endpoint, now: number): void {
    if (this.#records.size > 0 && !this.#isOut(endpoint, now)) this.#records.delete(endpoint);
  }

  /** Forgets an endpoint: it left the list, or the registry says that it is ready again. */
  forget(endpoint: Endpoint): void {
    this.#records.delete(endpoint);
    this.#outliers?.forget(endpoint);
  }

  /**
   * Those of `endpoints` that are in. When the list shrank and more than the largest share would be
   * out, those that come back first stay in.
   */
  filter(endpoints: readonly Endpoint[], now: number): readonly Endpoint[] {
    const { out, released } = this.#divide(endpoints, now);
    for (const endpoint of released) this.#records.delete(endpoint);
    this.#nextReturn = out.reduce((soonest, endpoint) => Math.min(soonest, this.#until(endpoint)), Infinity);
    return out.length === 0 ? endpoints : endpoints.filter((endpoint) => !out.includes(endpoint));
  }

  /** Which of `endpoints` `filter` would leave out, and why; it changes nothing. */
  explain(endpoints: readonly Endpoint[], now: number): ReadonlyMap<Endpoint, Ejected> {
    return new Map(this.#divide(endpoints, now).out.map((endpoint) => [endpoint, this.#records.get(endpoint) as Ejected]));
  }

  #divide(endpoints: readonly Endpoint[], now: number): { readonly out: readonly Endpoint[]; readonly released: readonly Endpoint[] } {
    const out = endpoints.filter((endpoint) => this.#isOut(endpoint, now));
    const allowed = Math.floor(this.#maxShare * endpoints.length);
    if (out.length <= allowed) return { out, released: [] };
    out.sort((a, b) => this.#until(b) - this.#until(a));
    return { out: out.slice(0, allowed), released: out.slice(allowed) };
  }

  #isOut(endpoint: Endpoint, now: number): boolean {
    return this.#until(endpoint) > now;
  }

  #until(endpoint: Endpoint): number {
    return this.#records.get(endpoint)?.until ?? -Infinity;
  }
}
