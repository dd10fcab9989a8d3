/**
 * Ordinals: small numbers that sessions hold, each of one pool held by one session. They are locks on keys
 * below `rollcall/ordinals/SERVICE/`, or `rollcall/ordinals/NAMESPACE/SERVICE/` for a service of another namespace than
 * the session's. So they end with their session, survive a restart of the registry, and can be read as keys. A session
 * locks keys of its own namespace only: callers of one service in two namespaces are two pools.
 */

import { RegistryError } from '@rollcall/protocol';
import { findKv, kvKeysUnder } from '../../registry/kind/kv/find.ts';
import type { Registry } from '../../registry/registry.ts';

/** Callers of one service that can have an ordinal. */
const ordinalsMax = 100_000;

/** Lost races for a number before the request is refused. */
const attemptsMax = 100;

/**
 * After so many attempts, sessions that ask at once (all callers of a service, after a restart of the registry) try
 * different numbers instead of the same one, which only one of them can get. The next caller fills a gap.
 */
const patience = 60;

/** The callers of a service. */
export interface Pool {
  readonly namespace: string;
  readonly service: string;
}

/** The session that asks for an ordinal. */
export interface Holder {
  readonly namespace: string;
  readonly id: string;
}

export function ordinalPrefix({ namespace, service }: Pool, own: string): string {
  return namespace === own ? `rollcall/ordinals/${service}/` : `rollcall/ordinals/${namespace}/${service}/`;
}

/**
 * The ordinal that the session holds in the pool, or the smallest that is free.
 * @throws RegistryError `resource_exhausted` when the pool is full or many ask at once; `not_found` when
 *   the session has just ended
 */
export async function leaseOrdinal(registry: Registry, session: Holder, pool: Pool): Promise<number> {
  const prefix = ordinalPrefix(pool, session.namespace);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { held, free } = look(registry, session, prefix, reach(session.id, attempt));
    if (held !== undefined) return held;
    if (free >= ordinalsMax) break;
    const taken = await registry.submit({
      kind: 'kv-put',
      namespace: session.namespace,
      key: prefix + free,
      value: new Uint8Array(),
      flags: 0n,
      condition: { kind: 'acquire', session: session.id },
    });
    if (taken) return free;
  }
  throw new RegistryError('resource_exhausted', `no ordinal of ${pool.service} could be leased; ${ordinalsMax} is the limit; try again later`);
}

/** Free numbers to skip: none in the first attempts, then up to 1,023, depending on session and attempt. */
function reach(session: string, attempt: number): number {
  if (attempt < patience) return 0;
  const width = 64 << ((attempt - patience) >> 3);
  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, begun with the attempt.
  let hash = attempt;
  for (let at = 0; at < session.length; at++) hash = Math.imul(hash ^ session.charCodeAt(at), 16_777_619);
  return (hash >>> 8) % width;
}

/** @returns the ordinal that the session holds; and the smallest free one, after `passed` others */
function look({ state }: Registry, session: Holder, prefix: string, passed: number): { held: number | undefined; free: number } {
  const taken = new Set<number>();
  for (const key of kvKeysUnder(state, session.namespace, prefix)) {
    const digits = key.slice(prefix.length);
    // Other keys below the prefix are not ordinals, even if a session holds them.
    if (!/^(0|[1-9]\d{0,5})$/.test(digits)) continue;
    const ordinal = Number(digits);
    const holder = findKv(state, session.namespace, key)?.session;
    if (holder === session.id) return { held: ordinal, free: 0 };
    // A key that an operator wrote there by hand is not a lease, and can be taken.
    if (holder !== undefined) taken.add(ordinal);
  }
  let free = 0;
  for (let left = passed; left > 0 || taken.has(free); free++) if (!taken.has(free)) left -= 1;
  return { held: undefined, free };
}
