/**
 * The key by which the nodes of one store know each other. It is made by the first node of the store and kept in it, so a process
 * that can open the store is a node, and there is nothing to set up. It is compared by its hash, in constant time.
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
