/**
 * The weights of a list as balancers read them. Weight 0 means never, unless all weights are 0: then they are
 * equal. The registry and `slow-start.ts` set the weights.
 */

import type { Endpoint } from '../endpoint.ts';

/** The weight of each endpoint; undefined when they are all equal, so that the plain algorithm will do. */
export function unequalWeights(endpoints: readonly Endpoint[]): Float64Array<ArrayBuffer> | undefined {
  const weights = Float64Array.from(endpoints, ({ weight }) => weight);
  return weights.some((weight) => weight !== weights[0]) ? weights : undefined;
}

/** The weight of each endpoint; 1 each when they are all equal. */
export function relativeWeights(endpoints: readonly Endpoint[]): Float64Array<ArrayBuffer> {
  return unequalWeights(endpoints) ?? new Float64Array(endpoints.length).fill(1);
}

/**
 * Number of places for requests in flight of each endpoint: its weight in units of the least weight, so that with equal
 * weights, and when all weights are 0, each has one. An endpoint of weight 0 beside others has none.
 */
export function placesOf(endpoints: readonly Endpoint[]): Float64Array<ArrayBuffer> {
  const weights = relativeWeights(endpoints);
  const least = weights.reduce((min, weight) => (weight > 0 && weight < min ? weight : min), Infinity);
  return weights.map((weight) => weight / least);
}

/**
 * The cost of one request in flight at each endpoint: mean weight ÷ its weight, which is 1 when weights are equal.
 * Infinity for weight 0, so that the endpoint never looks cheapest.
 */
export function requestShares(endpoints: readonly Endpoint[]): Float64Array<ArrayBuffer> {
  const weights = relativeWeights(endpoints);
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return weights.map((weight) => mean / weight);
}
