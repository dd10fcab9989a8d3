/**
 * Principals: who vouches for instances, as far as a connection can say it and its client cannot make it up. Self-preservation
 * tells losses apart by them (`health/self-preservation.ts`).
 */

import type { Caller } from '../security/acl.ts';
import { anonymousAccessor } from '../security/well-known.ts';
import { plainAddress } from './agent-node.ts';

/**
 * The token that a caller brought, by its public id; without one, the address that it came from.
 * @param remoteAddress as `peerAddress` gives it; empty for a Unix socket
 */
export function principalOf({ accessorId }: Pick<Caller, 'accessorId'>, remoteAddress: string): string {
  if (accessorId !== '' && accessorId !== anonymousAccessor) return `token ${accessorId}`;
  return `address ${remoteAddress === '' ? 'unix' : plainAddress(remoteAddress)}`;
}
