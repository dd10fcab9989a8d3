/**
 * Least connections: of all endpoints the one with the fewest requests in flight for its weight, as
 * in LVS ("weighted least-connection", http://www.linuxvirtualserver.org/docs/scheduling.html) and
 * HAProxy (`balance leastconn`). The scan begins at another endpoint each time, so that ties go
 * round: at the head of the list, the first endpoint would get every request of a client that sends
 * one at a time. With unequal weights it begins at a random endpoint, drawn by weight, so that ties
 * are broken by weight.
 *
 * It sees this client's requests only, and many clients that scan all endpoints crowd upon the same
 * idle one; `least-request.ts` compares two and does not, in O(1).
 */

import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, BalancerFactory, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';
import { requestShares, unequalWeights } from './weights.ts';

/** The endpoint with the fewest requests in flight per weight. O(n). */
export function leastConnections(): BalancerFactory {
  return (random) => new LeastConnections(random);
}

class LeastConnections implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  readonly #random: RandomSource;
  /** Undefined while all weights are equal, as is the table: where a scan begins. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  /** What one request in flight counts at each endpoint. */
  #shares = new Float64Array(0);
  /** Where the next scan begins while weights are equal: one beyond the last pick. */
  #next = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
    this.#weights = unequalWeights(endpoints);
    this.#table = this.#weights && new AliasTable(this.#weights);
    this.#shares = requestShares(endpoints);
    this.#next = drawIndex(this.#random, endpoints.length);
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const start = this.#startBesides(exclude);
    let idlest = start;
    let least = Infinity;
    let index = start;
    for (let left = start === -1 ? 0 : endpoints.length; left > 0 && least > 0; left--) {
      const endpoint = endpoints[index] as Endpoint;
      // Not a number for an idle endpoint of weight 0, which is less than nothing.
      const load = endpoint.inFlight * (this.#shares[index] as number);
      if (load < least && (exclude.length === 0 || !exclude.includes(endpoint))) {
        least = load;
        idlest = index;
      }
      index = index + 1 === endpoints.length ? 0 : index + 1;
    }
    this.#next = idlest + 1;
    return endpoints[idlest];
  }

  observe(): void {}

  /** Where a scan begins; −1 when nobody may be chosen. */
  #startBesides(exclude: readonly Endpoint[]): number {
    const count = this.#endpoints.length;
    if (exclude.length > 0) return drawAllowed(this.#endpoints, exclude, -1, this.#weights, this.#random);
    if (this.#table !== undefined) return this.#table.draw(this.#random);
    return this.#next < count ? this.#next : count === 0 ? -1 : 0;
  }
}
