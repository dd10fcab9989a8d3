/**
 * The guard between a router and its requests: skips endpoints whose circuit is open or that have reached their
 * limit of requests. Without either option there is no guard.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Outcome } from '../balancer/balancer.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Reason } from './reason.ts';
import type { HeaderReader } from './canary.ts';
import type { EndpointChooser, Router } from './router.ts';
import type { Breakers } from '../resilience/breaker.ts';
import { unreadAnswers } from '../resilience/unread-answers.ts';

/**
 * Limit of endpoints that the balancer may propose and the guard may reject: each further one costs more, and when a
 * service is down, all of its endpoints are rejected.
 */
const proposalsMax = 8;

export class Guard implements EndpointChooser {
  readonly #router: Pick<Router, 'pick' | 'any' | 'observe'>;
  readonly #breakers: Breakers | undefined;
  readonly #inFlightMax: number;

  /** @param inFlightMax requests that one endpoint may have in flight; Infinity for no bound */
  constructor(router: Pick<Router, 'pick' | 'any' | 'observe'>, breakers: Breakers | undefined, inFlightMax: number) {
    this.#router = router;
    this.#breakers = breakers;
    this.#inFlightMax = inFlightMax;
  }

  /** @throws RegistryError `unavailable` when there are endpoints, and none of them may get a request now */
  pick(now: number, exclude: readonly Endpoint[] = [], key?: string, header?: HeaderReader, mayLeave = true): Endpoint | undefined {
    let passed = exclude;
    for (let proposal = 0; proposal < proposalsMax; proposal++) {
      const endpoint = this.#router.pick(now, passed, key, header, mayLeave);
      if (endpoint === undefined) break;
      if (this.#allows(endpoint, now)) return this.#sent(endpoint, now);
      passed = [...passed, endpoint];
    }
    if (passed.length === exclude.length || !mayLeave) return undefined;
    const refused: Endpoint[] = [];
    const endpoint = this.#router.any((other) => {
      if (exclude.includes(other)) return false;
      return this.#allows(other, now) || (refused.push(other), false);
    });
    if (endpoint === undefined) throw new RegistryError('unavailable', this.#refusal(refused, now));
    return this.#sent(endpoint, now);
  }

  /** The reason why an endpoint may get no request now; changes nothing. */
  explain(endpoint: Endpoint, now: number): readonly Reason[] {
    const circuit = this.#breakers?.explain(endpoint, now);
    const isBusy = endpoint.inFlight >= this.#inFlightMax;
    return [
      ...(circuit === undefined ? [] : [{ kind: 'breaker', state: circuit.state, forMs: circuit.until - now } as const]),
      ...(isBusy ? [{ kind: 'busy', inFlightMax: this.#inFlightMax } as const] : []),
    ];
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#router.observe(endpoint, outcome);
    const { result, now, latencyMs } = outcome;
    if (result === 'unreachable') this.#breakers?.unsent(endpoint, now, now - latencyMs);
    else if (result !== 'cancelled') this.#breakers?.observe(endpoint, result === 'ok', now, now - latencyMs);
  }

  #sent(endpoint: Endpoint, now: number): Endpoint {
    this.#breakers?.sent(endpoint, now);
    return endpoint;
  }

  #allows(endpoint: Endpoint, now: number): boolean {
    return endpoint.inFlight < this.#inFlightMax && (this.#breakers?.allows(endpoint, now) ?? true);
  }

  #refusal(refused: readonly Endpoint[], now: number): string {
    const full = refused.filter(({ inFlight }) => inFlight >= this.#inFlightMax).length;
    const open = refused.filter((endpoint) => this.#breakers?.allows(endpoint, now) === false).length;
    const { service } = (refused[0] as Endpoint).instance;
    const unread = unreadAnswers(refused.reduce((sum, { answering }) => sum + answering, 0));
    return (
      `no instance of ${service} may be asked now: ${open} failed too often lately, ${full} have ` +
      `${this.#inFlightMax} requests in flight, which is their limit; ${unread ?? 'try again later'}`
    );
  }
}
