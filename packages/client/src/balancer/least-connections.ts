/**
 * Least connections: of all endpoints the one with the fewest requests in flight for its weight, as
 * in LVS ("weighted least-connection", http://www.linuxvirtualserver.org/docs/scheduling.html) and
 * HAProxy (`balance leastconn`). With equal weights the scan begins behind the last pick, so that ties go round: from
 * the head of the list, the first endpoint would get every request of a client that sends one at a time.
 *
 * With unequal weights an endpoint of weight w counts as w places, over which its requests lie evenly, and one of the
 * places with the fewest requests is drawn. So it is least connections over equal places, and shares are the
 * weights at any load; requests in flight ÷ weight, as in LVS, would send every request to an idle endpoint,
 * however light it is.
 *
 * It sees this client's requests only, and many clients that scan all endpoints crowd upon the same
 * idle one; `least-request.ts` compares two and does not, in O(1).
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { bitsRange, drawIndex, type RandomSource } from './seeded-random.ts';
import { placesOf, unequalWeights } from './weights.ts';

/** The endpoint with the fewest requests in flight per weight. O(n). */
export function leastConnections(): BalancerFactory {
  return (random) => new LeastConnections(random);
}

class LeastConnections implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  readonly #random: RandomSource;
  /** How many places each endpoint has; undefined while all weights are equal. */
  #places: Float64Array | undefined;
  /** Places with the fewest requests, by index, of the pick under way. */
  #free = new Float64Array(0);
  /** Where the next scan begins: one beyond the last pick. */
  #next = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
    this.#places = unequalWeights(endpoints) && placesOf(endpoints);
    this.#free = new Float64Array(endpoints.length);
    this.#next = drawIndex(this.#random, endpoints.length);
  }

  pick({ exclude }: PickContext): Endpoint | undefined {
    if (this.#places !== undefined) return this.#pickPlace(this.#places, exclude);
    if (exclude.length > 0) return this.#pickBut(exclude);
    const endpoints = this.#endpoints;
    const count = endpoints.length;
    let idlest = this.#next;
    let least = Infinity;
    let index = this.#next;
    for (let left = count; left > 0; left--) {
      const { inFlight } = endpoints[index] as Endpoint;
      if (inFlight < least) {
        least = inFlight;
        idlest = index;
      }
      index = index + 1 === count ? 0 : index + 1;
    }
    this.#next = idlest + 1 < count ? idlest + 1 : 0;
    return endpoints[idlest];
  }

  observe(): void {}

  /** Draws one of the places with the fewest requests: counts them, and goes to the one drawn. */
  #pickPlace(places: Float64Array, exclude: readonly Endpoint[]): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const free = this.#free;
    let least = Infinity;
    let total = 0;
    let first = -1;
    for (let index = 0; index < endpoints.length; index++) {
      const { inFlight } = endpoints[index] as Endpoint;
      const each = places[index] as number;
      free[index] = 0;
      const full = inFlight < each ? 0 : Math.floor(inFlight / each);
      if (full > least || each === 0 || (exclude.length > 0 && exclude.includes(endpoints[index] as Endpoint))) continue;
      if (full < least) {
        least = full;
        total = 0;
        first = index;
      }
      const left = each * (full + 1) - inFlight;
      free[index] = left;
      total += left;
    }
    // Weight 0 is for when no other is left.
    if (first === -1) return endpoints[drawAllowed(endpoints, exclude, -1, undefined, this.#random)];
    // Those before the first one with the fewest have more.
    let index = first;
    let left = (this.#random.bits() / bitsRange) * total - (free[index] as number);
    for (let next = index + 1; left >= 0 && next < endpoints.length; next++) {
      if (free[next] === 0) continue;
      left -= free[next] as number;
      index = next;
    }
    return endpoints[index];
  }

  /** For retries: they are rare, and the scan of `pick` need not ask each endpoint whether it is excluded. */
  #pickBut(exclude: readonly Endpoint[]): Endpoint | undefined {
    const endpoints = this.#endpoints;
    let idlest = endpoints[drawAllowed(endpoints, exclude, -1, undefined, this.#random)];
    for (const endpoint of endpoints) {
      if (endpoint.inFlight < (idlest?.inFlight ?? 0) && !exclude.includes(endpoint)) idlest = endpoint;
    }
    return idlest;
  }
}
