/**
 * Ejection: an endpoint whose connection broke is left out at once, for 1 s at first and twice as long each time it
 * fails again, up to 30 s; never more than half of those that accept connections. It is in again when the time is
 * over, or when the registry reports it as new or as ready again. The form of Envoy's outlier detection with a single
 * local-origin failure (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier), but
 * evaluated at each failure instead of in sweeps.
 *
 * An endpoint that asks for a pause (`Retry-After`) is left out for that time. Endpoints with many failed answers
 * (`outliers.ts`) are left out, too, but fewer of them: failures that all endpoints share may be caused
 * by the requests. `reachability.ts` handles endpoints that accept no connection.
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
   * Largest share of the endpoints that may be out at once, from 0 to 1; 0.5 by default, 0 for none. Endpoints that
   * accept no connection do not count: see `unreachable`.
   */
  readonly maxShare?: number;
  /**
   * Whether endpoints that accept no connection are left out until they accept one again, without a limit of their
   * number; true by default. With false, requests still try them.
   */
  readonly unreachable?: boolean;
  /** When endpoints are left out for too many failed answers; `false`: never. */
  readonly outliers?: OutlierOptions | false;
}

const ejectionOptions: OptionNames<EjectionOptions> = { baseMs: true, maxMs: true, maxShare: true, unreachable: true, outliers: true };

/** Called with an endpoint that is out from now on, and the duration in milliseconds. */
export type EjectionListener = (endpoint: Endpoint, reason: EjectionReason, lengthMs: number) => void;

/**
 * Why an endpoint is left out: it accepts no connection, its connection broke, it fails often, or it asked for a pause.
 */
export type EjectionReason = 'unreachable' | 'broken' | 'outlier' | 'retry-after';

/** State of an endpoint that is out. */
export interface Ejected {
  readonly reason: EjectionReason;
  /** End of the ejection, on the clock of `now`. */
  readonly until: number;
}

interface Record {
  reason: EjectionReason;
  /** End of the ejection; in the past for an endpoint that is back but has not answered yet. */
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
   * A connection broke. Failures of requests that were in flight at the ejection do not prolong it.
   * @param endpoints all eligible endpoints, ejected or not
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
   * @param endpoints all eligible endpoints, ejected or not
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

  /** Number of `count` endpoints that may be out for this reason; never the only one. */
  #most(reason: EjectionReason, count: number): number {
    const most = this.#maxShare * count;
    if (reason !== 'outlier' || this.#outliers === undefined) return most;
    const { maxShare } = this.#outliers;
    // At least one may be out, as in Envoy; otherwise a service of five could have no outliers.
    return maxShare === 0 ? 0 : Math.min(most, Math.max(1, maxShare * count));
  }

  /** The endpoint answered: its next ejection lasts as long as a first one. If it is out, it stays out. */
  #proved(endpoint: Endpoint, now: number): void {
    if (this.#records.size > 0 && !this.#isOut(endpoint, now)) this.#records.delete(endpoint);
  }

  /** Drops the state of an endpoint that left the list, or that the registry reports as ready again. */
  forget(endpoint: Endpoint): void {
    this.#records.delete(endpoint);
    this.#outliers?.forget(endpoint);
  }

  /**
   * The endpoints that are in. When the list shrank and more than the largest share would be
   * out, those whose ejection ends first stay in.
   */
  filter(endpoints: readonly Endpoint[], now: number): readonly Endpoint[] {
    const { out, released } = this.#divide(endpoints, now);
    for (const endpoint of released) this.#records.delete(endpoint);
    this.#nextReturn = out.reduce((soonest, endpoint) => Math.min(soonest, this.#until(endpoint)), Infinity);
    return out.length === 0 ? endpoints : endpoints.filter((endpoint) => !out.includes(endpoint));
  }

  /** The endpoints that `filter` would leave out, with the reasons; it changes nothing. */
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
