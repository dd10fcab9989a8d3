/**
 * Which share of a whole a text belongs to: the one function by which gray releases, percent rollouts and flags divide
 * clients. A hash of 32 bits is scaled to the total weight with integers, as in flagd's `fractional` operator, so that the same
 * text is in the same bucket in the server, in every client and in every provider of flagd.
 *
 *     bucket = ⌊hash × total / 2³²⌋            total weight up to 2³¹ − 1
 *
 * Scaling keeps members: if the last weight grows at the cost of the others, only the texts at the borders move.
 * `bucket-vectors.case.json` has golden vectors for implementations in other languages. It does not choose what is hashed.
 *
 * Source: open-feature/flagd, core/pkg/evaluator/fractional.go (`distributeValue`).
 */

import { hash32 } from '../hash32.ts';

/** Largest total weight: the largest signed integer of 32 bits. */
export const totalWeightMax = 0x7fff_ffff;

/**
 * @param text any string; its UTF-8 bytes are hashed with MurmurHash3 x86_32, seed 0
 * @param total an integer from 1 to `totalWeightMax`
 * @returns an integer from 0 to total − 1
 */
export function bucketOf(text: string, total: number): number {
  return scaledHash(hash32(text) >>> 0, total);
}

/**
 * ⌊hash × total / 2³²⌋, exactly. The product has up to 63 bits and a double holds 53, so the hash is multiplied in two halves of
 * 16 bits, each of which gives at most 47 bits.
 * @param hash an unsigned integer of 32 bits
 * @param total an integer from 0 to `totalWeightMax`
 */
export function scaledHash(hash: number, total: number): number {
  const low = Math.floor(((hash & 0xffff) * total) / 0x1_0000);
  return Math.floor(((hash >>> 16) * total + low) / 0x1_0000);
}

/**
 * Whether a unit belongs to the first `percent` of all. A unit that belongs to a percentage belongs to every larger one, so a
 * rollout that grows from 10 to 25 percent keeps those that it has.
 * @param salt tells one division from another: two rollouts with different salts choose independently
 * @param unit the instance, user or other thing that is divided
 * @param percent from 0 to 100, with up to three decimals; 0: none, 100: all
 */
export function isWithinPercent(salt: string, unit: string, percent: number): boolean {
  return bucketOf(`${salt}:${unit}`, percentSteps) < Math.round(percent * 1_000);
}

/** A percentage has three decimals. */
const percentSteps = 100_000;
