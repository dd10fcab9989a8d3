/**
 * Least connections: of all endpoints the one with the fewest requests in flight for its weight, as
 * in LVS ("weighted least-connection", http://www.linuxvirtualserver.org/docs/scheduling.html) and
 * HAProxy (`balance leastconn`). The scan begins behind the last pick, so that ties go round: from
 * the head of the list, the first endpoint would get every request of a client that sends one at a
 * time. With unequal weights an endpoint drawn by weight is taken if it is idle, since requests in
 * flight say nothing about weights while there are few.
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
  /** Undefined while all weights are equal, as is the table. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  /** What one request in flight counts at each endpoint. */
  #shares = new Float64Array(0);
  /** Where the next scan begins: one beyond the last pick. */
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
    let first = this.#next;
    if (exclude.length > 0) first = drawAllowed(endpoints, exclude, -1, this.#weights, this.#random);
    else if (this.#table !== undefined) first = this.#table.draw(this.#random);
    const endpoint = endpoints[first];
    if (endpoint === undefined || endpoint.inFlight === 0) {
      this.#next = first + 1 < endpoints.length ? first + 1 : 0;
      return endpoint;
    }
    const idlest = this.#idlestBut(exclude, first);
    this.#next = idlest + 1 < endpoints.length ? idlest + 1 : 0;
    return endpoints[idlest];
  }

  observe(): void {}

  /** @param first what it is if no endpoint has a weight */
  #idlestBut(exclude: readonly Endpoint[], first: number): number {
    const endpoints = this.#endpoints;
    const shares = this.#shares;
    let idlest = first;
    let least = Infinity;
    let index = this.#next;
    for (let left = endpoints.length; left > 0; left--) {
      const endpoint = endpoints[index] as Endpoint;
      // Not a number for an idle endpoint of weight 0, which is less than nothing.
      const load = endpoint.inFlight * (shares[index] as number);
      if (load < least && (exclude.length === 0 || !exclude.includes(endpoint))) {
        least = load;
        idlest = index;
      }
      index = index + 1 === endpoints.length ? 0 : index + 1;
    }
    return idlest;
  }
}
