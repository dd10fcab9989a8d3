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
 */

import type { Random } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias-table.ts';
import type { Balancer, Outcome, PickContext } from './balancer.ts';
import { drawAllowed } from './draw.ts';

export abstract class TwoChoices implements Balancer {
  protected endpoints: readonly Endpoint[] = [];
  readonly #random: Random;
  /** Undefined while all weights are equal, as are the next two. */
  #weights: Float64Array | undefined;
  #table: AliasTable | undefined;
  /** What one request in flight counts at each endpoint: mean weight ÷ its weight. */
  #requestShare: Float64Array | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What sending one more request to `endpoints[index]` costs; lower is better. */
  protected abstract cost(index: number, now: number): number;

  abstract observe(endpoint: Endpoint, outcome: Outcome): void;

  update(endpoints: readonly Endpoint[]): void {
    this.endpoints = [...endpoints];
    const weights = Float64Array.from(endpoints, ({ instance }) => instance.weight);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const skewed = mean > 0 && weights.some((weight) => weight !== mean);
    this.#weights = skewed ? weights : undefined;
    this.#table = skewed ? new AliasTable(weights) : undefined;
    this.#requestShare = skewed ? weights.map((weight) => mean / weight) : undefined;
  }

  pick({ now, exclude }: PickContext): Endpoint | undefined {
    const count = this.endpoints.length;
    if (exclude.length > 0) return this.#pickBesides(exclude, now);
    if (count <= 1) return this.endpoints[0];
    const first = this.#table?.draw(this.#random) ?? Math.floor(this.#random() * count);
    let second = Math.floor(this.#random() * (count - 1));
    if (second >= first) second += 1;
    return this.endpoints[this.#cheaper(first, second, now)];
  }

  /** Requests in flight per unit of weight, this one included. */
  protected load(index: number): number {
    const inFlight = this.endpoints[index]?.inFlight ?? 0;
    return inFlight * (this.#requestShare?.[index] ?? 1) + 1;
  }

  #pickBesides(exclude: readonly Endpoint[], now: number): Endpoint | undefined {
    const first = drawAllowed(this.endpoints, exclude, -1, this.#weights, this.#random);
    if (first === -1) return undefined;
    const second = drawAllowed(this.endpoints, exclude, first, undefined, this.#random);
    return this.endpoints[second === -1 ? first : this.#cheaper(first, second, now)];
  }

  #cheaper(first: number, second: number, now: number): number {
    const firstCost = this.cost(first, now);
    const secondCost = this.cost(second, now);
    if (!(secondCost < firstCost)) return first;
    if (this.#weights === undefined) return second;
    const firstWeight = this.#weights[first] as number;
    const secondWeight = this.#weights[second] as number;
    if (secondWeight >= firstWeight) return second;
    return this.#random() * firstWeight * secondCost < secondWeight * firstCost ? second : first;
  }
}
