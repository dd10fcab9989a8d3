/** The records that `kill-writer.mjs` writes; `kill.test.ts` computes the same bytes from the numbers. */

/** How many of its newest transactions a writer keeps. */
export const kept = 30;

/** @param {number} number of the transaction
 *  @returns {number} how many records it has */
export function partsOf(number) {
  return 2 + (number % 5);
}

/**
 * @param {string} run which life of the process
 * @param {number} writer
 * @param {number} number of the transaction
 * @param {number} part
 * @returns {{ key: string, value: Buffer }}
 */
export function recordOf(run, writer, number, part) {
  const seed = writer * 1_000_003 + number * 101 + part;
  // Some values are large enough to need separate pages.
  const size = seed % 97 === 0 ? 6_000 : (seed * 7) % 600;
  return { key: `${run}\0${writer}\0${number}\0${part}`, value: Buffer.alloc(size, `${run}/${seed};`) };
}
