/**
 * Ordinals: small numbers that sessions hold, each of one pool held by one session. They are locks on keys
 * below `rollcall/ordinals/POOL/`, so they end with their session, survive what the registry survives, and
 * anybody can look at them.
 */

import { RegistryError } from '@rollcall/protocol';
import { find } from '../../registry/reader.ts';
import type { Registry } from '../../registry/registry.ts';

/** Callers of one service that can have a number. */
export const ordinalsMax = 100_000;

/** Others may be faster so often, one after the other, before this one gives up. */
const attemptsMax = 100;

export const ordinalPrefix = (pool: string): string => `rollcall/ordinals/${pool}/`;

/**
 * The ordinal that the session holds in the pool, or the smallest that is free.
 * @throws RegistryError `resource_exhausted` when the pool is full or many ask at once; `not_found` when
 *   the session has just ended
 */
export async function leaseOrdinal(registry: Registry, session: string, pool: string): Promise<number> {
  const prefix = ordinalPrefix(pool);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { held, free } = look(registry, session, prefix);
    if (held !== undefined) return held;
    if (free >= ordinalsMax) break;
    const taken = await registry.submit({
      kind: 'kv-put',
      key: prefix + free,
      value: new Uint8Array(),
      flags: 0n,
      condition: { kind: 'acquire', session },
    });
    if (taken) return free;
  }
  throw new RegistryError('resource_exhausted', `no ordinal of ${pool} could be leased; ${ordinalsMax} is the limit; try again later`);
}

function look({ state }: Registry, session: string, prefix: string): { held: number | undefined; free: number } {
  const taken = new Set<number>();
  for (const key of state.kvKeys(prefix)) {
    const ordinal = Number(key.slice(prefix.length));
    const holder = find.kv(state, key)?.session;
    if (holder === session) return { held: ordinal, free: 0 };
    // A key that somebody wrote there by hand is not a lease, and can be taken.
    if (holder !== undefined) taken.add(ordinal);
  }
  let free = 0;
  while (taken.has(free)) free++;
  return { held: undefined, free };
}
