/**
 * Deterministic subsetting: with many callers and many instances, each caller connects to a few of them,
 * and still every instance has about as many callers as the others, and few connections change when
 * either side grows or shrinks.
 *
 *     lot 0 (callers 0 … 9)     order of the instances by a hash seeded with 0, on a circle
 *                                    caller 0 starts at 0/10, caller 1 at 5/10, caller 2 at 2/10 …
 *                                    and takes the next `size` instances
 *     lot 1 (callers 10 … 19)   another order, the same starts
 *
 * After Rocksteadier subsetting (P. Ward, P. Wankadia, K. Guliani, "Reinventing Backend Subsetting at
 * Google", ACM Queue 20(5), 2022): callers have dense ordinals, form lots of ten with an order of the
 * instances of their own, and the starts follow the binary van der Corput sequence, so that a lot that
 * is not full is balanced, too. Unlike there, instances have no dense numbers here: a hash of their identity orders
 * them, so one that joins or leaves changes one connection of a caller, rarely two, and mostly none.
 *
 * Pure. `connection/leases.ts` gets the ordinals.
 */

import { hash32 } from '@rollcall/protocol';

/** Number of callers that share an order of the instances; the paper's choice. */
export const lotSize = 10;

/**
 * The instances for one caller.
 * @param identities of all instances, in any order, each once
 * @param ordinal of the caller: a whole number, 0 or more, that no other caller has
 * @param size number of instances to choose, 1 or more
 * @returns indices into `identities`; all of them when there are not more than `size`
 */
export function subsetOf(identities: readonly string[], ordinal: number, size: number): number[] {
  const count = identities.length;
  const indices = identities.map((_, index) => index);
  if (count <= size) return indices;
  const lot = Math.floor(ordinal / lotSize);
  const ranks = identities.map((identity) => hash32(identity, lot));
  // Equal hashes are rare, but every caller must see the same order.
  indices.sort((a, b) => (ranks[a] as number) - (ranks[b] as number) || ((identities[a] as string) < (identities[b] as string) ? -1 : 1));
  const start = Math.floor(starts[ordinal % lotSize] as number * count);
  return Array.from({ length: size }, (_, step) => indices[(start + step) % count] as number);
}

/**
 * Where each member of a lot starts on the circle: tenths in the order of the van der Corput sequence,
 * so that the first few of a lot are far apart.
 */
const starts: readonly number[] = Array.from({ length: lotSize }, (_, member) => member)
  .sort((a, b) => vanDerCorput(a) - vanDerCorput(b))
  .reduce<number[]>((tenths, member, place) => {
    tenths[member] = place / lotSize;
    return tenths;
  }, []);

/** The bits of `n` mirrored behind the point: 0, 1/2, 1/4, 3/4, 1/8 … */
function vanDerCorput(n: number): number {
  let value = 0;
  for (let rest = n, bit = 0.5; rest > 0; rest >>= 1, bit /= 2) if ((rest & 1) === 1) value += bit;
  return value;
}
