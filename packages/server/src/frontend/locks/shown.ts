/** What a caller sees of locks, and may do with them. Pure. */

import type { LockRight } from '@rollcall/protocol';
import { lockClientOf, type LockClient } from '../../locks/lock-client.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';
import type { Authorizer } from '../../security/authorizer.ts';

/** Of a caller who may read the lock. */
export function rightsOn(authorizer: Authorizer, namespace: string, name: string, mayExpel = authorizer.allows(namespace, 'operator', 'write', '')): readonly LockRight[] {
  return ['read', ...(authorizer.allows(namespace, 'lock', 'write', name) ? (['write'] as const) : []), ...(mayExpel ? (['expel'] as const) : [])];
}

/** Addresses of clients are the business of operators, as in the list of clients. */
export function seesAddresses(authorizer: Authorizer, namespace: string): boolean {
  return authorizer.allows(namespace, 'operator', 'read', '');
}

/** Who has opened a session, as far as the caller may know it. */
export function shownClient(session: SessionRow | undefined, withAddress: boolean): LockClient {
  const { client, address } = lockClientOf(session);
  return { ...(client === undefined ? {} : { client }), ...(address === undefined || !withAddress ? {} : { address }) };
}
