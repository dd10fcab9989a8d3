/**
 * The key by which the nodes of one store recognise each other. The first node creates it in the store. So every process that
 * can open the store is a node, without any setup. It is compared by its hash, in constant time.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface ClusterKey {
  readonly secret: string;
  /** Whether a secret is the key. */
  readonly matches: (secret: string) => boolean;
}

export function clusterKey(secret: string): ClusterKey {
  const hash = hashOf(secret);
  return { secret, matches: (other) => timingSafeEqual(hashOf(other), hash) };
}

/** A new key: 256 random bits. */
export function newClusterSecret(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
