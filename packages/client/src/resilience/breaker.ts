/**
 * Circuit breaker and bulkhead of one endpoint. The breaker opens when too many of the recent requests failed.
 * It then rejects all requests for a while, admits one, and closes when that one succeeds (M. Nygard, "Release
 * It!", 2nd ed., 2018, ch. 5). The bulkhead limits the requests in flight.
 *
 * Unlike ejection, which never leaves out more than a share of the endpoints, breakers may all be open:
 * then requests fail at once instead of waiting for a service that is down.
 *
 * Requests that found no connection do not count: they never reached the endpoint, and `reachability.ts` leaves
 * it out until it accepts connections again. An open circuit would keep it out for longer.
 */

import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import type { Endpoint } from '../endpoint.ts';

export interface BreakerOptions {
  /** Share of failures that opens it, more than 0, up to 1. 0.5 by default. */
  readonly failureShare?: number;
  /** Least number of requests in the window for a share to count; 1 or more. 20 by default. */
  readonly requestsMin?: number;
  /** Window of recent requests, in milliseconds; more than 0. 10,000 by default. */
  readonly windowMs?: number;
  /** How long it stays open, in milliseconds; more than 0. 5,000 by default. */
  readonly openMs?: number;
}

const breakerOptions: OptionNames<BreakerOptions> = { failureShare: true, requestsMin: true, windowMs: true, openMs: true };

/** `half-open`: one trial request is in flight. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Larger than the rounding error of a time that is subtracted and added again. */
const roundingMs = 0.001;

interface Circuit {
  state: BreakerState;
  /** End of the window when closed, of the pause when open, of the wait for the trial when half-open. */
  until: number;
  requests: number;
  failures: number;
}

export class Breakers {
  readonly #failureShare: number;
  readonly #requestsMin: number;
  readonly #windowMs: number;
  readonly #openMs: number;
  /** Held by their endpoints: answers may still come for those that have left the list. */
  readonly #circuits = new WeakMap<Endpoint, Circuit>();
  readonly #onChange: (endpoint: Endpoint, state: BreakerState) => void;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(options: BreakerOptions, onChange: (endpoint: Endpoint, state: BreakerState) => void = () => {}) {
    checkKnown(options, breakerOptions, 'breaker');
    this.#failureShare = options.failureShare ?? 0.5;
    this.#requestsMin = options.requestsMin ?? 20;
    this.#windowMs = options.windowMs ?? 10_000;
    this.#openMs = options.openMs ?? 5_000;
    this.#onChange = onChange;
    checkRange(this.#failureShare > 0 && this.#failureShare <= 1, 'breaker.failureShare', this.#failureShare, 'more than 0 and at most 1');
    checkRange(this.#requestsMin >= 1, 'breaker.requestsMin', this.#requestsMin, '1 or more');
    checkRange(this.#windowMs > 0, 'breaker.windowMs', this.#windowMs, 'more than 0');
    checkRange(this.#openMs > 0, 'breaker.openMs', this.#openMs, 'more than 0');
  }

  /** Whether a request may go to the endpoint; free of side effects. */
  allows(endpoint: Endpoint, now: number): boolean {
    const circuit = this.#circuits.get(endpoint);
    return circuit === undefined || circuit.state === 'closed' || now >= circuit.until;
  }

  /** The reason why `allows` is false, and until when, on the clock of `now`; undefined when it is true. */
  explain(endpoint: Endpoint, now: number): { readonly state: BreakerState; readonly until: number } | undefined {
    return this.allows(endpoint, now) ? undefined : this.#circuits.get(endpoint);
  }

  /** A request goes to the endpoint: after a pause it is the trial. */
  sent(endpoint: Endpoint, now: number): void {
    const circuit = this.#circuits.get(endpoint);
    if (circuit === undefined || circuit.state === 'closed' || now < circuit.until) return;
    // If the trial has no outcome, another trial may begin after the same time.
    circuit.until = now + this.#openMs;
    if (circuit.state !== 'half-open') this.#enter(endpoint, circuit, 'half-open');
  }

  /**
   * A request found no connection. If it was the trial, the next request may be a trial at once.
   * @param sentAt as for `observe`
   */
  unsent(endpoint: Endpoint, now: number, sentAt: number): void {
    const circuit = this.#circuits.get(endpoint);
    if (circuit?.state === 'half-open' && this.#mayBeTrial(circuit, sentAt)) circuit.until = now;
  }

  /**
   * A request ended after it was sent; cancelled requests prove nothing and are not reported.
   * @param sentAt when the request began: one that began before a trial is not the trial
   */
  observe(endpoint: Endpoint, succeeded: boolean, now: number, sentAt = now): void {
    let circuit = this.#circuits.get(endpoint);
    if (circuit === undefined) {
      if (succeeded) return;
      circuit = { state: 'closed', until: now + this.#windowMs, requests: 0, failures: 0 };
      this.#circuits.set(endpoint, circuit);
    }
    if (circuit.state === 'half-open') {
      if (!this.#mayBeTrial(circuit, sentAt)) return;
      if (succeeded) this.#close(endpoint, circuit);
      else this.#open(endpoint, circuit, now);
    } else if (circuit.state === 'closed') this.#count(endpoint, circuit, succeeded, now);
    // Requests that were in flight when the breaker opened do not count.
  }

  #mayBeTrial(circuit: Circuit, sentAt: number): boolean {
    return sentAt >= circuit.until - this.#openMs - roundingMs;
  }

  #count(endpoint: Endpoint, circuit: Circuit, succeeded: boolean, now: number): void {
    if (now >= circuit.until) {
      circuit.until = now + this.#windowMs;
      circuit.requests = 0;
      circuit.failures = 0;
    }
    circuit.requests += 1;
    if (!succeeded) circuit.failures += 1;
    if (circuit.requests < this.#requestsMin || circuit.failures < this.#failureShare * circuit.requests) return;
    this.#open(endpoint, circuit, now);
  }

  #open(endpoint: Endpoint, circuit: Circuit, now: number): void {
    circuit.until = now + this.#openMs;
    this.#enter(endpoint, circuit, 'open');
  }

  #close(endpoint: Endpoint, circuit: Circuit): void {
    this.#circuits.delete(endpoint);
    this.#enter(endpoint, circuit, 'closed');
  }

  #enter(endpoint: Endpoint, circuit: Circuit, state: BreakerState): void {
    circuit.state = state;
    this.#onChange(endpoint, state);
  }
}
