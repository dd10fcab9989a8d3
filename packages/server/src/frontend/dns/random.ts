/**
 * Random numbers for the order of answers: fast, and good enough to spread load. Not for secrets.
 */

/**
 * Mulberry32 (Tommy Ettinger, public domain).
 * @param seed starts with 8 random hexadecimal digits, as a UUID does
 */
export function randomFrom(seed: string): () => number {
  let state = Number.parseInt(seed.slice(0, 8), 16);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
