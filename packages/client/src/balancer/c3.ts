/**
 * C3-style: of all endpoints the one with the lowest score R − S + q̂³·S, where R is the mean latency
 * seen here, S the time that a request takes at the server, and q̂ = 1 + requests in flight here ×
 * `clients` + requests that the server says it has: an estimate of the queue there. The cube makes a
 * long queue at a fast endpoint dearer than a short one at a slow endpoint, so that clients do not
 * all wait for the fastest. From L. Suresh, M. Canini, S. Schmid, A. Feldmann, "C3: Cutting Tail
 * Latency in Cloud Data Stores via Adaptive Replica Selection", NSDI 2015, with these readings:
 *
 * - Servers report with their answers (`load-report/`). For a server that sends no reports, R replaces S and
 *   the requests at the server are unknown: the score is R·q̂³.
 * - Rate control and the queue that holds requests back are left out: a balancer answers at once, and
 *   concurrency limits handle overload. Without both, many clients that rank the endpoints alike may all choose
 *   the same one; `peak-ewma.ts` compares two at random and is safer then.
 * - With unequal weights two endpoints are compared instead of all, as `two-choices.ts` does it: a full scan
 *   would send every request to the best endpoint, whatever its weight, while few requests are in flight.
 * - An endpoint without an answer for `staleMs` is tried again with one request at a time. Otherwise a full
 *   scan would never return to an endpoint that was slow once.
 */

import type { Endpoint } from '../endpoint.ts';
import type { Balancer, BalancerFactory, EndpointFigures, Outcome, PickContext } from './balancer.ts';
import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import { drawAllowed } from './draw.ts';
import { type LatencyOptions, MeanLatency, MovingAverages } from './moving-averages.ts';
import { Places } from './places.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';
import { TwoChoices } from './two-choices.ts';
import { placesOf, requestShares, unequalWeights } from './weights.ts';

export interface C3Options extends LatencyOptions {
  /**
   * Number of clients like this one: each assumes that the others have as many requests in flight as itself.
   * More than 0; 1 by default.
   */
  readonly clients?: number;
  /**
   * Time without an answer after which an endpoint counts as unknown, in milliseconds; more than 0. 10,000 by
   * default.
   */
  readonly staleMs?: number;
}

const c3Options: OptionNames<C3Options> = { clients: true, staleMs: true, decayMs: true, failureMs: true };

/**
 * The endpoint with the lowest latency × cube of the estimated queue. Weights count for the queue. O(n).
 * @throws RegistryError `invalid_argument` when an option is out of its range
 */
export function c3(options: C3Options = {}): BalancerFactory {
  const { clients = 1, staleMs = 10_000, ...latency } = options;
  checkKnown(options, c3Options, 'c3');
  checkRange(clients > 0 && clients < Infinity, 'clients', clients, 'more than 0');
  checkRange(staleMs > 0, 'staleMs', staleMs, 'more than 0');
  const make = (random: RandomSource) => new C3(random, { ...latency, clients, staleMs });
  make({ bits: () => 0 });
  return make;
}

/** In milliseconds: its cube exceeds the cost of any endpoint with a history. */
const unknownRoot = 2 ** 16;

const termsEach = 3;

class C3 implements Balancer {
  readonly #list = new Places();
  readonly #random: RandomSource;
  readonly #clients: number;
  readonly #staleMs: number;
  /** R. */
  readonly #latency: MeanLatency;
  /** S, as reported. */
  readonly #service: MovingAverages;
  /** Requests at the server, as reported. */
  readonly #queue: MovingAverages;
  /**
   * The numbers that a scan reads, three for each endpoint: R − S; ∛S times the queue without this client's
   * requests; ∛S times the length that one request of this client adds (at one place while weights differ). The
   * score is the first + (the second + requests in flight · the third)³.
   */
  #terms = new Float64Array(0);
  /** Before this time no known endpoint becomes stale. */
  readonly #knownUntil = new Float64Array([-Infinity]);
  /** Number of places for requests of each endpoint, by its weight. */
  #places = new Float64Array(0);
  /** Time without an answer after which each endpoint counts as unknown, in milliseconds. */
  #staleness = new Float64Array(0);
  /** Used while weights differ. */
  #pairs: C3Pairs | undefined;
  /** Where the next scan begins: one beyond the last pick, so that endpoints with equal scores take turns. */
  #next = 0;

  constructor(random: RandomSource, options: Required<Pick<C3Options, 'clients' | 'staleMs'>> & LatencyOptions) {
    const { clients, staleMs, decayMs = 10_000 } = options;
    this.#random = random;
    this.#clients = clients;
    this.#staleMs = staleMs;
    this.#latency = new MeanLatency(options);
    this.#service = new MovingAverages(decayMs);
    this.#queue = new MovingAverages(decayMs);
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = this.#list.replace(endpoints);
    const paces = requestShares(endpoints);
    this.#latency.update(before, paces);
    this.#service.update(before, paces);
    this.#queue.update(before, paces);
    this.#places = placesOf(endpoints);
    this.#staleness = paces.map((pace) => pace * this.#staleMs);
    this.#terms = new Float64Array(termsEach * endpoints.length);
    this.#pairs = unequalWeights(endpoints) && new C3Pairs(this.#random, this.#terms);
    this.#pairs?.update(endpoints);
    for (let index = 0; index < endpoints.length; index++) this.#weigh(index);
    this.#knownUntil[0] = -Infinity;
    this.#next = drawIndex(this.#random, endpoints.length);
  }

  pick(context: PickContext): Endpoint | undefined {
    const { now, exclude } = context;
    const { endpoints } = this.#list;
    if (now > (this.#knownUntil[0] as number)) this.#forgetStale(now);
    if (this.#pairs !== undefined) return this.#pairs.pick(context);
    if (exclude.length > 0) return this.#pickBut(exclude);
    const count = endpoints.length;
    const terms = this.#terms;
    let best = this.#next;
    let least = Infinity;
    let index = best;
    for (let left = count; left > 0; left--) {
      const at = termsEach * index;
      const queue = (terms[at + 1] as number) + (endpoints[index] as Endpoint).inFlight * (terms[at + 2] as number);
      const score = (terms[at] as number) + queue * queue * queue;
      if (score < least) {
        least = score;
        best = index;
      }
      index = index + 1 === count ? 0 : index + 1;
    }
    this.#next = best + 1 < count ? best + 1 : 0;
    return endpoints[best];
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    const index = this.#list.indexOf(endpoint);
    if (index === undefined) return;
    this.#latency.observe(index, outcome);
    const { now, load } = outcome;
    // A request that was cancelled early says nothing about the endpoint.
    if (this.#latency.stamps[index] !== now) return;
    if (load?.inFlight !== undefined) {
      this.#queue.sample[0] = now;
      this.#queue.sample[1] = load.inFlight;
      this.#queue.take(index);
      if (load.latencyMs !== undefined) {
        this.#service.sample[0] = now;
        this.#service.sample[1] = load.latencyMs;
        this.#service.take(index);
      }
    }
    this.#weigh(index);
  }

  explain(endpoint: Endpoint): EndpointFigures {
    const index = this.#list.indexOf(endpoint);
    const latencyMs = index === undefined ? NaN : (this.#latency.values[index] as number);
    return { latencyMs: Number.isNaN(latencyMs) ? undefined : latencyMs };
  }

  /** For retries. They are rare, so the scan of `pick` need not check each endpoint for exclusion. */
  #pickBut(exclude: readonly Endpoint[]): Endpoint | undefined {
    const { endpoints } = this.#list;
    const terms = this.#terms;
    let best = drawAllowed(endpoints, exclude, -1, undefined, this.#random);
    let least = Infinity;
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint;
      const at = termsEach * index;
      const score = (terms[at] as number) + ((terms[at + 1] as number) + endpoint.inFlight * (terms[at + 2] as number)) ** 3;
      if (score >= least || exclude.includes(endpoint)) continue;
      least = score;
      best = index;
    }
    return endpoints[best];
  }

  /** Computes the terms of an endpoint again. */
  #weigh(index: number): void {
    const share = 1 / (this.#places[index] as number);
    const latency = this.#latency.values[index] as number;
    if (share === Infinity || Number.isNaN(latency)) {
      this.#setUnknown(index);
      return;
    }
    const reported = this.#service.values[index] as number;
    const queue = this.#queue.values[index] as number;
    const service = Number.isNaN(reported) ? latency : reported;
    const root = Math.cbrt(service);
    const at = termsEach * index;
    this.#terms[at] = latency - service;
    this.#terms[at + 1] = root * (1 + (Number.isNaN(queue) ? 0 : queue * share));
    this.#terms[at + 2] = root * this.#clients * (this.#pairs === undefined ? share : 1);
  }

  /**
   * Cost of an unknown endpoint: nothing while it is idle, otherwise more than any known endpoint; Infinity for
   * weight 0.
   */
  #setUnknown(index: number): void {
    const share = 1 / (this.#places[index] as number);
    const at = termsEach * index;
    this.#terms[at] = share === Infinity ? Infinity : 0;
    this.#terms[at + 1] = 0;
    this.#terms[at + 2] = share === Infinity ? 0 : unknownRoot * (this.#pairs === undefined ? share : 1);
  }

  #forgetStale(now: number): void {
    const { stamps } = this.#latency;
    let soonest = Infinity;
    for (let index = 0; index < stamps.length; index++) {
      const until = (stamps[index] as number) + (this.#staleness[index] as number);
      if (now > until) this.#setUnknown(index);
      else if (until < soonest) soonest = until;
    }
    this.#knownUntil[0] = soonest;
  }
}

/** C3's scores for two endpoints drawn by weight. */
class C3Pairs extends TwoChoices {
  readonly #terms: Float64Array;

  /** @param terms the array of the `C3` balancer, which keeps it up to date */
  constructor(random: RandomSource, terms: Float64Array) {
    super(random, true);
    this.#terms = terms;
  }

  override observe(): void {}

  protected override assess(index: number, choice: 0 | 1): void {
    this.assessLoad(index, choice);
    const terms = this.#terms;
    const at = termsEach * index;
    const queue = (terms[at + 1] as number) + ((this.costs[choice] as number) - 1) * (terms[at + 2] as number);
    const score = Math.max(0, (terms[at] as number) + queue * queue * queue);
    this.costs[choice] = score;
    this.steadyCosts[choice] = score;
  }
}
