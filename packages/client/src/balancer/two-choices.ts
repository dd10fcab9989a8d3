/**
 * The power of two choices: draw two different endpoints, take the one that costs less. It keeps
 * the fullest endpoint within about ln ln n of the mean, where one random choice does not
 * (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001),
 * and it does not send all requests to the same best endpoint, as a full scan does.
 *
 * Weights are our extension; equal weights leave the plain algorithm. An endpoint of weight w counts as w
 * places that are alike, and two places are compared. The endpoints are drawn once by weight and once
 * uniformly; its requests in flight lie evenly on its places, so the place that is looked at has the lower or
 * the higher whole number, by chance (`assessLoad`). A cheaper second endpoint of lesser weight is taken with
 * chance weight ÷ weight of the first, so that between places that differ by chance only, as many requests move
 * one way as the other, and shares are the weights at any load (detailed balance, as in Metropolis–Hastings).
 * Costs that differ by little count as equal. An endpoint with a higher long-term cost loses requests in
 * proportion, whatever its weight.
 *
 * Fractions pass between the methods in typed arrays: V8 boxes those that a call takes or returns,
 * 16 bytes each, whenever it does not inline the call.
 */

import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, Outcome, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';
import { bitsRange, drawIndex, type RandomSource } from './seeded-random.ts';
import { placesOf, unequalWeights } from './weights.ts';

/** A ratio of costs up to this is due to chance: latencies vary, and requests in flight are whole numbers. */
const alike = 1.5;

/** A ratio from this on is not due to chance. */
const dearer = 4;

/** For long-term costs, a ratio of 1.5 is not due to chance. */
const steadilyDearer = 1.5;

/**
 * It seldom makes three times the cost, and less than that is not looked at: the lighter of two endpoints can be left for
 * the heavier one with certainty at most, so whatever the heavy one loses by chance here, it does not get back.
 */
const surelyDearer = 3;

export abstract class TwoChoices implements Balancer {
  protected endpoints: readonly Endpoint[] = [];
  /** The time of the current pick. */
  protected readonly now = new Float64Array(1);
  /** The costs of the two choices. */
  protected readonly costs = new Float64Array(2);
  /** Their long-term costs, 0 for unknown; the ratio shows how much more one costs. */
  protected readonly steadyCosts = new Float64Array(2);
  readonly #random: RandomSource;
  readonly #cubed: boolean;
  /** Undefined while all weights are equal; then the table is undefined, too. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  /** How many places each endpoint has. */
  #places = new Float64Array(0);

  /** @param cubed whether costs grow with the cube of requests in flight; then the limits for chance are cubed, too */
  constructor(random: RandomSource, cubed = false) {
    this.#random = random;
    this.#cubed = cubed;
  }

  /** Whether weights differ. Then places are compared, by figures that do not depend on how often each is picked. */
  protected get weighted(): boolean {
    return this.#weights !== undefined;
  }

  /** Puts what sending one more request to `endpoints[index]` costs into `costs[choice]` and `steadyCosts[choice]`. */
  protected abstract assess(index: number, choice: 0 | 1): void;

  abstract observe(endpoint: Endpoint, outcome: Outcome): void;

  update(endpoints: readonly Endpoint[]): void {
    this.endpoints = [...endpoints];
    this.#weights = unequalWeights(endpoints);
    this.#table = this.#weights && new AliasTable(this.#weights);
    this.#places = placesOf(endpoints);
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

  /** Puts the requests in flight at one of its places, this one included, into `costs[choice]`. */
  protected assessLoad(index: number, choice: 0 | 1): void {
    const each = (this.endpoints[index] as Endpoint).inFlight / (this.#places[index] as number);
    const least = Math.floor(each);
    const more = each > least && this.#random.bits() < (each - least) * bitsRange;
    this.costs[choice] = (more ? least + 1 : least) + 1;
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
    let ratio = firstCost / secondCost;
    if (ratio <= (this.#cubed ? alike ** 3 : alike)) return first;
    const firstWeight = this.#weights[first] as number;
    const secondWeight = this.#weights[second] as number;
    let steadyRatio = (this.steadyCosts[0] as number) / (this.steadyCosts[1] as number);
    if (this.#cubed) {
      ratio = Math.cbrt(ratio);
      steadyRatio = Math.cbrt(steadyRatio);
    }
    // NaN or Infinity when a latency is unknown: then there are no long-term costs to compare.
    const excess = steadyRatio > surelyDearer && steadyRatio < Infinity ? steadyRatio / steadilyDearer : 1;
    const chance = secondWeight * excess;
    const saved = Math.min(1, (ratio - alike) / (dearer - alike));
    return this.#random.bits() * firstWeight < Math.min(firstWeight, chance) * saved * bitsRange ? second : first;
  }
}
