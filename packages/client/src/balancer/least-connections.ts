/**
 * Least connections: of all endpoints the one with the fewest requests in flight for its weight, as
 * in LVS ("weighted least-connection", http://www.linuxvirtualserver.org/docs/scheduling.html) and
 * HAProxy (`balance leastconn`). With equal weights the scan begins behind the last pick, so that ties go round: from
 * the head of the list, the first endpoint would get every request of a client that sends one at a time.
 *
 * With unequal weights an endpoint of weight w counts as w places. Its requests are spread evenly over them, except for the
 * gaps that requests leave when they end. One of the places with the fewest requests is drawn. So this is least connections
 * over equal places, and shares follow the weights at any load. Requests in flight ÷ weight, as in LVS, would send every
 * request to an idle endpoint, even a light one.
 *
 *     2 2 1    weight 3, 5 in flight: 1 place of level 1
 *     2 2 0    the one there ends: a gap, which is filled before all places of level 1
 *     2 1 1    one of the others ends instead: 2 places of level 1. Without this rule, heavy endpoints would
 *              lose the requests that end there to light ones
 *
 * It counts this client's requests only, and many clients that scan all endpoints choose the same idle one at
 * once; `least-request.ts` compares two and does not, in O(1).
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

/** More requests than a place has. */
const never = 2 ** 31 - 1;

/** Up to this many requests that ended between two picks are handled one by one. */
const endingsMost = 64;

class LeastConnections implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  readonly #random: RandomSource;
  /** How many places each endpoint has; undefined while all weights are equal. */
  #places: Float64Array | undefined;
  /** Requests in flight at the last look, by index, and what follows from them: */
  #seen = new Int32Array(0);
  /** how many requests the emptiest places have, `never` for weight 0; */
  #levels = new Int32Array(0);
  /** how many such places there are; */
  #free = new Float64Array(0);
  /** and how many of those are gaps: all of them, or none. */
  #gaps = new Float64Array(0);
  /** Endpoints with the fewest requests at a place, for the current pick. */
  #idlest = new Uint32Array(0);
  /** Where the next scan begins: one beyond the last pick. */
  #next = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = [...endpoints];
    this.#next = drawIndex(this.#random, endpoints.length);
    this.#places = unequalWeights(endpoints) && placesOf(endpoints);
    if (this.#places === undefined) return;
    // No end of a request is known yet: each endpoint is counted from 0.
    this.#seen = new Int32Array(endpoints.length);
    this.#levels = Int32Array.from(this.#places, (each) => (each === 0 ? never : 0));
    this.#free = this.#places.slice();
    this.#gaps = new Float64Array(endpoints.length);
    this.#idlest = new Uint32Array(endpoints.length);
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
    const levels = this.#levels;
    const free = this.#free;
    const seen = this.#seen;
    const idlest = this.#idlest;
    const all = exclude.length === 0;
    let least = never;
    let total = 0;
    let count = 0;
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint;
      if (endpoint.inFlight !== seen[index]) this.#follow(index, places);
      const level = levels[index] as number;
      if (level > least || (!all && exclude.includes(endpoint))) continue;
      if (level < least) {
        least = level;
        total = 0;
        count = 0;
      }
      idlest[count++] = index;
      total += free[index] as number;
    }
    // Weight 0 is picked only when no other endpoint is left.
    if (total === 0) return endpoints[drawAllowed(endpoints, exclude, -1, undefined, this.#random)];
    let drawn = 0;
    let left = (this.#random.bits() / bitsRange) * total - (free[idlest[0] as number] as number);
    while (left >= 0 && drawn < count - 1) left -= free[idlest[++drawn] as number] as number;
    return endpoints[idlest[drawn] as number];
  }

  /**
   * Updates the places after requests began or ended at the endpoint. The place of a request that ended is unknown:
   * each one in flight is equally likely. Its end leaves a gap unless its place had one request more than the others.
   */
  #follow(index: number, places: Float64Array): void {
    const { inFlight } = this.#endpoints[index] as Endpoint;
    const each = places[index] as number;
    const before = this.#seen[index] as number;
    this.#seen[index] = inFlight;
    if (each === 0) return;
    let gaps = this.#gaps[index] as number;
    if (inFlight > before) gaps = Math.max(0, gaps - (inFlight - before));
    for (let had = Math.min(before, inFlight + endingsMost); had > inFlight && had + gaps >= each; had--) {
      const level = Math.floor((had + gaps) / each);
      const above = (had + gaps - level * each) * (level + 1);
      if (this.#random.bits() * had >= above * bitsRange) gaps += 1;
      // Every place now has one request less.
      if (gaps >= each) gaps = 0;
    }
    const taken = inFlight + gaps;
    // With fewer requests than places, every place that is not taken is free.
    if (taken < each) gaps = 0;
    const level = taken < each ? 0 : Math.floor(taken / each);
    this.#gaps[index] = gaps;
    this.#levels[index] = gaps > 0 ? level - 1 : level;
    this.#free[index] = gaps > 0 ? gaps : each * (level + 1) - inFlight;
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
