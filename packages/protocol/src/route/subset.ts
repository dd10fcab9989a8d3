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
 * An instance that gets no traffic keeps its place, and one further on the circle is used beside it:
 *
 *     size 3, b critical     … a [b c d] e f …   b, c, d and e
 *
 * So a change of status changes only the subsets that have the instance, and a caller has `size` instances that
 * get traffic while there are as many. Pure: clients and the registry, for clients of xDS, choose by this one function.
 */

import { hash32 } from '../hash32.ts';

/** Number of callers that share an order of the instances; the paper's choice. */
export const lotSize = 10;

/**
 * The instances for one caller.
 * @param identities of all instances, in any order, each once; 2,097,152 at most
 * @param ordinal of the caller: a whole number, 0 or more, that no other caller has
 * @param size number of instances to choose, 1 or more
 * @param getsTraffic of an instance, by its index; others are chosen in addition
 * @returns indices into `identities`, at most twice `size`; all of them when there are not more than `size`
 */
export function subsetOf(identities: readonly string[], ordinal: number, size: number, getsTraffic: (index: number) => boolean = () => true): number[] {
  const count = identities.length;
  if (count <= size) return identities.map((_, index) => index);
  const indices = circleOf(identities, Math.floor(ordinal / lotSize));
  const start = Math.floor(starts[ordinal % lotSize] as number * count);
  const chosen = Array.from({ length: size }, (_, step) => indices[(start + step) % count] as number);
  let missing = chosen.reduce((sum, index) => sum + (getsTraffic(index) ? 0 : 1), 0);
  for (let step = size; step < count && missing > 0; step++) {
    const index = indices[(start + step) % count] as number;
    if (!getsTraffic(index)) continue;
    chosen.push(index);
    missing--;
  }
  return chosen;
}

/** Ranks have 32 bits and indices the rest of those that a number holds exactly. */
const indexRange = 2 ** 21;

/**
 * The indices of the instances in the order of a lot. Rank and index are one number each, since numbers are sorted many times faster than
 * by a function that compares.
 */
function circleOf(identities: readonly string[], lot: number): Uint32Array {
  const count = identities.length;
  const ranked = new Float64Array(count);
  for (let index = 0; index < count; index++) ranked[index] = (hash32(identities[index] as string, lot) + 2 ** 31) * indexRange + index;
  ranked.sort();
  const indices = new Uint32Array(count);
  let before = -1;
  for (let at = 0; at < count; at++) {
    const rank = Math.floor((ranked[at] as number) / indexRange);
    indices[at] = (ranked[at] as number) - rank * indexRange;
    if (rank === before) settle(indices, at, identities, lot);
    before = rank;
  }
  return indices;
}

/** Moves an index before those of equal rank whose identity is greater: every caller must see one order, whatever that of its list. */
function settle(indices: Uint32Array, at: number, identities: readonly string[], lot: number): void {
  const identity = identities[indices[at] as number] as string;
  for (let to = at; to > 0; to--) {
    const other = identities[indices[to - 1] as number] as string;
    if (hash32(other, lot) !== hash32(identity, lot) || other < identity) return;
    [indices[to - 1], indices[to]] = [indices[to] as number, indices[to - 1] as number];
  }
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
