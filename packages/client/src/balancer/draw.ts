/**
 * Random draws among the endpoints that a request has not tried yet. Only retries use it, so a scan of the list
 * is fast enough; it allocates nothing.
 */

import type { Endpoint } from '../endpoint.ts';
import { bitsRange, type RandomSource } from './seeded-random.ts';

/**
 * Index of a random endpoint that is neither excluded nor at index `besides`; −1 when there is none.
 * @param weights chance of each endpoint, in proportion; equal when undefined
 */
export function drawAllowed(
  endpoints: readonly Endpoint[],
  exclude: readonly Endpoint[],
  besides: number,
  weights: Float64Array | undefined,
  random: RandomSource,
): number {
  let total = 0;
  for (let index = 0; index < endpoints.length; index++) {
    if (allowed(endpoints, exclude, besides, index)) total += weights?.[index] ?? 1;
  }
  let left = (random.bits() / bitsRange) * total;
  let last = -1;
  for (let index = 0; index < endpoints.length; index++) {
    if (!allowed(endpoints, exclude, besides, index)) continue;
    const weight = weights?.[index] ?? 1;
    // Weight 0 is used only when no other endpoint is left.
    if (weight === 0 && total > 0) continue;
    last = index;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

function allowed(
  endpoints: readonly Endpoint[],
  exclude: readonly Endpoint[],
  besides: number,
  index: number,
): boolean {
  return index !== besides && !exclude.includes(endpoints[index] as Endpoint);
}
