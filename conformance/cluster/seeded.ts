/** Random numbers from a seed: the same seed gives the same numbers on every machine. */

export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** An integer from 0 to below `bound`. */
  below(bound: number): number;
  /** Undefined for an empty list. */
  pick<T>(list: readonly T[]): T | undefined;
  chance(probability: number): boolean;
  /** A separate source, so that one part can draw more numbers without changing those of others. */
  fork(name: string): Random;
}

/** Mulberry32 (Tommy Ettinger, 2017): 32 bits of state, enough for schedules. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)],
    chance: (probability) => next() < probability,
    fork: (name) => seeded(fnv1a(`${seed} ${name}`)),
  };
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
