/**
 * The power of two choices: draw two different endpoints, take the one that costs less. It keeps
 * the fullest endpoint within about ln ln n of the mean, where one random choice does not
 * (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001),
 * and it does not send everybody to the same best endpoint, as a full scan does.
 *
 * Weights are our extension, and equal weights leave the plain algorithm. The first endpoint is
 * drawn by weight, the second uniformly; requests in flight are counted per unit of weight; and a
 * cheaper second endpoint of lesser weight is taken with chance (weight/cost) ÷ (weight/cost) of the
 * first. Between endpoints that cost the same but for noise the shares are then close to the weights
 * (as in Metropolis–Hastings), while a much slower endpoint is left whatever its weight.
 *
 * Fractions pass between the methods in typed arrays: V8 boxes those that a call takes or returns,
 * 16 bytes each, whenever it does not inline the call.
 */

import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, Outcome, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { bitsRange, drawIndex, type RandomSource } from './seeded-random.ts';
import { requestShares, unequalWeights } from './weights.ts';

export abstract class TwoChoices implements Balancer {
  protected endpoints: readonly Endpoint[] = [];
  /** The time of the pick under way. */
  protected readonly now = new Float64Array(1);
  /** What the two choices cost. */
  protected readonly costs = new Float64Array(2);
  readonly #random: RandomSource;
  /** Undefined while all weights are equal, as is the table. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  /** What one request in flight counts at each endpoint: mean weight ÷ its weight. */
  #requestShares = new Float64Array(0);

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Puts what sending one more request to `endpoints[index]` costs into `costs[choice]`. */
  protected abstract assess(index: number, choice: 0 | 1): void;

  abstract observe(endpoint: Endpoint, outcome: Outcome): void;

  update(endpoints: readonly Endpoint[]): void {
    this.endpoints = [...endpoints];
    this.#weights = unequalWeights(endpoints);
    this.#table = this.#weights && new AliasTable(this.#weights);
    this.#requestShares = requestShares(endpoints);
  }

  pick(context: PickContext): Endpoint | undefined {
    const count = this.endpoints.length;
    this.now[0] = context.now;
    if (context.exclude.length > 0) return this.#pickBesides(context.exclude);
    if (count <= 1) return this.endpoints[0];
    const first = this.#table === undefined ? drawIndex(this.#random, count) : this.#table.draw(this.#random);
    let second = drawIndex(this.#random, count - 1);
    if (second >= first) second += 1;
    return this.endpoints[this.#cheaper(first, second)];
  }

  /** Puts the requests in flight per unit of weight, this one included, into `costs[choice]`. */
  protected assessLoad(index: number, choice: 0 | 1): void {
    const inFlight = (this.endpoints[index] as Endpoint).inFlight;
    this.costs[choice] = inFlight * (this.#requestShares[index] as number) + 1;
  }

  #pickBesides(exclude: readonly Endpoint[]): Endpoint | undefined {
    const first = drawAllowed(this.endpoints, exclude, -1, this.#weights, this.#random);
    if (first === -1) return undefined;
    const second = drawAllowed(this.endpoints, exclude, first, undefined, this.#random);
    return this.endpoints[second === -1 ? first : this.#cheaper(first, second)];
  }

  #cheaper(first: number, second: number): number {
    this.assess(first, 0);
    this.assess(second, 1);
    const firstCost = this.costs[0] as number;
    const secondCost = this.costs[1] as number;
    if (!(secondCost < firstCost)) return first;
    if (this.#weights === undefined) return second;
    const firstWeight = this.#weights[first] as number;
    const secondWeight = this.#weights[second] as number;
    const chance = this.#random.bits() / bitsRange;
    return chance * firstWeight * secondCost < secondWeight * firstCost ? second : first;
  }
}
