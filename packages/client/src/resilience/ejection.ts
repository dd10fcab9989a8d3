/**
 * Ejection: an endpoint that this client could not connect to is left out at once, for 1 s at first
 * and twice as long each time it fails again, up to 30 s; never more than half of the endpoints.
 * It is in again when the time is over or when the registry says that it is new or ready again. It
 * closes the gap between the death of an instance and the registry's news of it. The form of
 * Envoy's outlier detection with a single local-origin failure
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier), but evaluated
 * at each failure instead of in sweeps. Error rates are not looked at here.
 */

import type { Endpoint } from '../endpoint.ts';

export interface EjectionOptions {
  /** First ejection, in milliseconds; more than 0. 1,000 by default. */
  readonly baseMs?: number;
  /** Longest ejection, in milliseconds. 30,000 by default. */
  readonly maxMs?: number;
  /** Largest share of the endpoints that may be out at once, from 0 (never eject) to 1. 0.5 by default. */
  readonly maxShare?: number;
}

interface Record {
  /** Out until then; in the past for one that is back but has not answered yet. */
  until: number;
  /** Length of the last ejection. */
  lengthMs: number;
}

export class Ejection {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #maxShare: number;
  /** Endpoints that are out, and those that are back and have not proved themselves. */
  readonly #records = new Map<Endpoint, Record>();
  #nextReturn = Infinity;

  constructor({ baseMs = 1000, maxMs = 30_000, maxShare = 0.5 }: EjectionOptions = {}) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#maxShare = maxShare;
  }

  /** When the next endpoint comes back, on the clock of `now`; Infinity when none is out. */
  get nextReturn(): number {
    return this.#nextReturn;
  }

  /**
   * An endpoint could not be reached. Failures of requests that were under way when it was ejected
   * do not prolong the ejection.
   * @param endpoints all that may be chosen, ejected or not
   * @returns whether `endpoint` is out from now on and was in before
   */
  unreachable(endpoint: Endpoint, endpoints: readonly Endpoint[], now: number): boolean {
    const record = this.#records.get(endpoint);
    if (record !== undefined && record.until > now) return false;
    if (!endpoints.includes(endpoint)) return false;
    const out = endpoints.filter((other) => this.#isOut(other, now)).length;
    if (out + 1 > this.#maxShare * endpoints.length) return false;
    const lengthMs = record === undefined ? this.#baseMs : Math.min(2 * record.lengthMs, this.#maxMs);
    this.#records.set(endpoint, { until: now + lengthMs, lengthMs });
    this.#nextReturn = Math.min(this.#nextReturn, now + lengthMs);
    return true;
  }

  /** An endpoint answered: its next ejection is a first one again. One that is out stays out. */
  reached(endpoint: Endpoint, now: number): void {
    if (this.#records.size > 0 && !this.#isOut(endpoint, now)) this.#records.delete(endpoint);
  }

  /** Forgets an endpoint: it left the list, or the registry says that it is ready again. */
  forget(endpoint: Endpoint): void {
    this.#records.delete(endpoint);
  }

  /**
   * Those of `endpoints` that are in. When the list shrank and more than the largest share would be
   * out, those that come back first stay in.
   */
  filter(endpoints: readonly Endpoint[], now: number): readonly Endpoint[] {
    const out = endpoints.filter((endpoint) => this.#isOut(endpoint, now));
    const allowed = Math.floor(this.#maxShare * endpoints.length);
    if (out.length > allowed) {
      out.sort((a, b) => this.#until(b) - this.#until(a));
      for (const endpoint of out.splice(allowed)) this.#records.delete(endpoint);
    }
    this.#nextReturn = out.reduce((soonest, endpoint) => Math.min(soonest, this.#until(endpoint)), Infinity);
    return out.length === 0 ? endpoints : endpoints.filter((endpoint) => !out.includes(endpoint));
  }

  #isOut(endpoint: Endpoint, now: number): boolean {
    return this.#until(endpoint) > now;
  }

  #until(endpoint: Endpoint): number {
    return this.#records.get(endpoint)?.until ?? -Infinity;
  }
}
