/**
 * The guard between a router and its requests: passes over endpoints whose circuit is open or that have
 * as many requests as they may have. Without either option it is not there at all.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Outcome } from '../balancer/balancer.ts';
import type { Endpoint } from '../endpoint.ts';
import type { HeaderReader } from '../routing/canary.ts';
import type { EndpointChooser } from '../routing/router.ts';
import type { Breakers } from './breaker.ts';

export class Guard implements EndpointChooser {
  readonly #router: EndpointChooser;
  readonly #breakers: Breakers | undefined;
  readonly #inFlightMax: number;

  /** @param inFlightMax requests that one endpoint may have in flight; Infinity for no bound */
  constructor(router: EndpointChooser, breakers: Breakers | undefined, inFlightMax: number) {
    this.#router = router;
    this.#breakers = breakers;
    this.#inFlightMax = inFlightMax;
  }

  /** @throws RegistryError `unavailable` when there are endpoints, and none of them may be asked now */
  pick(now: number, exclude: readonly Endpoint[] = [], key?: string, header?: HeaderReader): Endpoint | undefined {
    let passed = exclude;
    for (;;) {
      const endpoint = this.#router.pick(now, passed, key, header);
      if (endpoint === undefined) {
        if (passed.length === exclude.length) return undefined;
        throw new RegistryError('unavailable', this.#refusal(passed.slice(exclude.length), now));
      }
      if (this.#allows(endpoint, now)) {
        this.#breakers?.sent(endpoint, now);
        return endpoint;
      }
      passed = [...passed, endpoint];
    }
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#router.observe(endpoint, outcome);
    if (outcome.result !== 'cancelled') this.#breakers?.observe(endpoint, outcome.result === 'ok', outcome.now);
  }

  #allows(endpoint: Endpoint, now: number): boolean {
    return endpoint.inFlight < this.#inFlightMax && (this.#breakers?.allows(endpoint, now) ?? true);
  }

  #refusal(passed: readonly Endpoint[], now: number): string {
    const full = passed.filter(({ inFlight }) => inFlight >= this.#inFlightMax).length;
    const open = passed.filter((endpoint) => this.#breakers?.allows(endpoint, now) === false).length;
    const { service } = (passed[0] as Endpoint).instance;
    return (
      `no instance of ${service} may be asked now: ${open} failed too often lately, ${full} have ` +
      `${this.#inFlightMax} requests in flight, which is their limit; try again later`
    );
  }
}
