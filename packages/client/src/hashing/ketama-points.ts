/**
 * The points of libketama on the ring of 32 bits (R. Jones, "libketama", 2007; github.com/RJ/ketama,
 * libketama/ketama.c): the k-th MD5 digest of a node is that of `NAME-k`, and its four little-endian
 * words are four points. Its ports place keys the same way, npm `hashring` among them.
 */

import { hash } from 'node:crypto';

/** Points that one digest gives. */
export const pointsPerDigest = 4;

/**
 * Hash of a key as libketama has it: the first word of its MD5 digest. Several times slower than `hash32`;
 * use it where other programs must find the same node.
 * @returns an integer from −2³¹ to 2³¹ − 1
 * @throws Error from OpenSSL where MD5 is forbidden (FIPS)
 */
export function ketamaHash(key: string): number {
  return wordOf(md5(key), 0);
}

/**
 * How many digests each of `weights` gets, by libketama's arithmetic in single precision. A node whose share is
 * less than one digest still gets one, where libketama gives it no key.
 * @param digestsPerNode the mean; 40 in libketama
 */
export function digestCounts(weights: readonly number[], digestsPerNode: number): number[] {
  const total = Math.fround(weights.reduce((sum, weight) => sum + weight, 0));
  return weights.map((weight) => {
    const share = Math.fround(Math.fround(weight) / total);
    return Math.max(1, Math.floor(Math.fround(share * digestsPerNode * weights.length)));
  });
}

/**
 * The points of one node, four per digest, unsorted.
 * @param known its points in an earlier ring: MD5 is most of what building a ring costs
 */
export function pointsOf(name: string, digests: number, known: Uint32Array = new Uint32Array(0)): Uint32Array {
  const points = new Uint32Array(digests * pointsPerDigest);
  points.set(known.subarray(0, points.length));
  for (let k = known.length / pointsPerDigest; k < digests; k++) {
    const digest = md5(`${name}-${k}`);
    for (let word = 0; word < pointsPerDigest; word++) points[k * pointsPerDigest + word] = wordOf(digest, word);
  }
  return points;
}

/** The digest as 16 characters, one per byte: Node makes a string from a digest three times as fast as a buffer. */
function md5(text: string): string {
  return hash('md5', text, 'binary');
}

/** Little-endian, signed. */
function wordOf(digest: string, word: number): number {
  const at = 4 * word;
  const low = digest.charCodeAt(at) | (digest.charCodeAt(at + 1) << 8);
  return low | (digest.charCodeAt(at + 2) << 16) | (digest.charCodeAt(at + 3) << 24);
}
