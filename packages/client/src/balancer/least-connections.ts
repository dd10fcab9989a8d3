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
    if (exclude.length > 0) return this.#pickBut(exclude);
    const endpoints = this.#endpoints;
    const count = endpoints.length;
    const shares = this.#shares;
    const first = this.#table === undefined ? this.#next : this.#table.draw(this.#random);
    let idlest = first;
    if (endpoints[first]?.inFlight !== 0) {
      let least = Infinity;
      let index = this.#next;
      for (let left = count; left > 0; left--) {
        // Not a number for an idle endpoint of weight 0, which is less than nothing.
        const load = (endpoints[index] as Endpoint).inFlight * (shares[index] as number);
        if (load < least) {
          least = load;
          idlest = index;
        }
        index = index + 1 === count ? 0 : index + 1;
      }
    }
    this.#next = idlest + 1 < count ? idlest + 1 : 0;
    return endpoints[idlest];
  }

  observe(): void {}

  /** For retries: they are rare, and the scan of `pick` need not ask each endpoint whether it is excluded. */
  #pickBut(exclude: readonly Endpoint[]): Endpoint | undefined {
    const endpoints = this.#endpoints;
    let idlest = drawAllowed(endpoints, exclude, -1, this.#weights, this.#random);
    let least = (endpoints[idlest]?.inFlight ?? 0) * (this.#shares[idlest] ?? 0);
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint;
      const load = endpoint.inFlight * (this.#shares[index] as number);
      if (!(load < least) || exclude.includes(endpoint)) continue;
      least = load;
      idlest = index;
    }
    return endpoints[idlest];
  }
}
