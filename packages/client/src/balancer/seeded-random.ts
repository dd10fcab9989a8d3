/**
 * A source of random numbers for choices that need speed and repeatability, not secrecy: xorshift of
 * 32 bits (G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003), period 2³² − 1.
 *
 * Balancers draw integers, by a method: V8 boxes a fraction that a function returns unless it inlines
 * the call, and each closure, `Math.random` included, is a separate call. Integers of 30 bits are
 * never boxed.
 */

/** The source of random numbers for balancers. */
export interface RandomSource {
  /** An integer from 0 up to, but not including, 2³⁰. */
  bits(): number;
}

/** Number of values that `bits` can return. */
export const bitsRange = 2 ** 30;

/** An index from 0 up to, but not including, `count`; `count` up to 2²². */
export function drawIndex(random: RandomSource, count: number): number {
  return Math.floor((random.bits() * count) / bitsRange);
}

export class SeededRandom implements RandomSource {
  #state: number;

  /** The same `seed` (its lower 32 bits) gives the same numbers. */
  constructor(seed: number) {
    // Seeds that are close to each other start far apart, and none starts at 0, where xorshift stays.
    const mixed = Math.imul(seed ^ (seed >>> 16), 0x9e3779b1);
    this.#state = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77) || 1;
  }

  bits(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    // The upper bits are more random than the lower ones.
    return state >>> 2;
  }

  /** A number from 0 up to, but not including, 1. */
  fraction(): number {
    return this.bits() / bitsRange;
  }
}
